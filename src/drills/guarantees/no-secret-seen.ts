import type { Checker } from '../history/verdict.ts';
import { countOf } from '../report/figure-text.ts';
import { blindText } from './converged.ts';
import { giveVerdict } from './_give-verdict.ts';

const promise = 'No secret is shown: none in the arguments or environment of a process, none in a journal, a log or a file where it does not belong.';

/** C-secret, from the places that were searched for pieces of secrets that the drill knows. The records name places and secrets, and show none. */
export const noSecretSeen: Checker = ({ records }) => {
  const searches = records.filter((record) => record.kind === 'look').filter(({ about }) => about === 'secrets');
  const blind = searches.filter(({ error }) => error !== undefined);
  const seen = searches.flatMap(({ place, found }) => found.map((what) => `${place}: ${what}`));
  return giveVerdict({
    guarantee: 'C-secret',
    promise,
    found: `${countOf(searches.length, 'place')} searched, ${seen.length} showed a secret${searches.length > 0 ? ` (${searches.map(({ place, through }) => `${place}: ${through}`).join('; ')})` : ''}`,
    breaches: seen,
    doubt: searches.length === 0 ? 'nobody searched' : blind.length > 0 ? blindText(blind) : undefined,
  });
};

import type { DrillRecord, Look } from '../history/record.ts';
import type { Checker } from '../history/verdict.ts';
import { countOf, listText } from '../report/figure-text.ts';
import { giveVerdict } from './_give-verdict.ts';

const promise = 'A fault leaves nothing behind: when it is undone and the cluster is healthy again, plan has nothing to do, and nothing of the drill is left on a host.';

/** C-converge, from what `plan` said and what was found on the hosts. A host that was sampled or asked during the run and not looked at is a doubt. */
export const converged: Checker = ({ records }) => {
  const looked = records.filter((record) => record.kind === 'look');
  const plans = looked.filter(({ about }) => about === 'plan');
  const leftovers = looked.filter(({ about }) => about === 'leftovers');
  const unseen = hostsIn(records).filter((host) => !leftovers.some(({ place }) => place === host));
  const blind = [...plans, ...leftovers].filter(({ error }) => error !== undefined);
  const steps = plans.flatMap(({ found }) => found);
  const left = leftovers.flatMap(({ place, found }) => found.map((what) => `${place}: ${what}`));
  return giveVerdict({
    guarantee: 'C-converge',
    promise,
    found: `plan has ${countOf(steps.length, 'step')}, ${left.length} left on ${countOf(leftovers.length, 'place')}`,
    breaches: [...steps.map((step) => `plan would do: ${step}`), ...left.map((what) => `left of the drill on ${what}`)],
    doubt:
      plans.length === 0 || leftovers.length === 0 ? 'nobody looked'
      : unseen.length > 0 ? `nobody looked at ${listText(unseen)}`
      : blind.length > 0 ? blindText(blind)
      : undefined,
  });
};

function hostsIn(records: readonly DrillRecord[]): string[] {
  return [...new Set(records.flatMap((record) => (record.kind === 'sample' || record.kind === 'hash' ? [record.host] : [])))].sort();
}

/** Which looks could not see everything, and why. */
export function blindText(blind: readonly Look[]): string {
  return blind.map(({ place, error }) => `${place}: ${error}`).join('; ');
}

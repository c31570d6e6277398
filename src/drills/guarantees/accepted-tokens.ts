import { countOf } from '../report/figure-text.ts';
import type { Checker } from '../history/verdict.ts';
import { giveVerdict } from './_give-verdict.ts';

const promise = 'A token of a service account that one API server issued is accepted by every API server.';

/** C-token: clients inside the cluster are sent to any API server with a token of any other. */
export const acceptedTokens: Checker = ({ tokens = [] }) => {
  const refused = tokens.filter(({ accepted }) => !accepted);
  return giveVerdict({
    guarantee: 'C-token',
    promise,
    found: `${countOf(tokens.length, 'question')} to API servers about each other's tokens, ${refused.length} refused`,
    breaches: refused.map(({ issuer, verifier }) => `a token that the API server of ${issuer} issued was refused by the one of ${verifier}`),
    doubt: tokens.length === 0 ? 'no token was looked at' : undefined,
  });
};

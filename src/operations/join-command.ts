import { KubekeepError } from '../lib/errors.ts';
import type { Secret } from '../lib/secret.ts';
import { joinScript } from '../render/join-script.ts';
import type { ClusterFacts } from './facts.ts';
import { openJournal } from './journal.ts';
import { knownNodes } from './look-at-nodes.ts';
import type { Operation } from './operation.ts';
import { grantToken, newToken } from './phases/bootstrap-token.ts';
import { withApi } from './phases/with-api.ts';
import { preparePlan } from './prepare-plan.ts';
import { refuseUnfinishedRestore } from './restore/restore-record.ts';

export interface JoinCommand {
  /** Contains the token. */
  readonly script: Secret;
  /** RFC 3339, UTC. */
  readonly expires: string;
}

/** Lets machines that kubekeep does not manage join for so many minutes: a new token, in the script that they run. Throws what `refuseUntold` throws. */
export async function joinCommand(operation: Operation, { minutes }: { readonly minutes: number }): Promise<JoinCommand> {
  const { cluster, clock, state, user } = operation;
  const prepared = await preparePlan(operation);
  await refuseUnfinishedRestore(state, prepared.facts);
  refuseUntold(prepared.facts);
  const now = clock.now();
  const expires = new Date(now + minutes * 60_000).toISOString();
  const token = newToken();
  await withApi({ ...operation, prepared }, (api) => grantToken(api, token, { description: `kubekeep join-command by ${user}`, minutes, now }));
  await openJournal(state.journal, 'join-command', user, clock.now)({ event: 'ended', detail: `a token until ${expires}` });
  return { script: joinScript(cluster, { authority: prepared.opened.secrets.authorities.kubernetes.certificate, token, expires }), expires };
}

/** Throws `unsupported-change` where the cluster has not been told how machines join, and what `knownNodes` throws. @internal */
export function refuseUntold(facts: Pick<ClusterFacts, 'nodes' | 'unread'>): void {
  if (knownNodes(facts)?.joinable !== undefined) return;
  throw new KubekeepError('unsupported-change', 'no machine can join the cluster yet: it has not been told how', { hint: 'kubekeep apply tells it, where the cluster file has a worker and an API server is ready.' });
}

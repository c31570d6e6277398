import { join } from 'node:path';
import { captureKeys } from '../../backup/captures.ts';
import { compareMembers, type MemberVerdict } from '../../backup/compare-members.ts';
import { resolvePoint, type Point } from '../../backup/points.ts';
import { openSnapshot } from '../../backup/open-snapshot.ts';
import { newestHashes } from '../../backup/state-hashes.ts';
import type { Repository } from '../../backup/repository.ts';
import type { Store } from '../../backup/store/store.ts';
import type { VerdictBody } from '../../backup/verdicts.ts';
import { openBolt, type BoltFile } from '../../bolt/bolt-file.ts';
import { firstLoose } from '../../bolt/key-history.ts';
import { hashKvOf, keysAt, revisionsOf } from '../../bolt/key-space.ts';
import { KubekeepError } from '../../lib/errors.ts';
import type { Secret } from '../../lib/secret.ts';
import type { ClusterSecrets } from '../../pki/secrets.ts';
import { throwAwayFolder } from '../../programs/throw-away-folder.ts';
import type { ReadOperation } from './backup-operation.ts';
import { listWithScratchApi } from './list-with-scratch-api.ts';
import type { Listing } from './list-objects.ts';
import { bundleBeside, newestBundle } from './newest-bundle.ts';
import { openToRead } from './open-backup.ts';
import { replayInScratchEtcd, type ReplayedEtcd, type ReplayInput } from './scratch-replay.ts';

export interface VerifiedPoint {
  readonly point: Point;
  readonly verdict: VerdictBody;
  /** Number of the verdict's entry in the chain; undefined where this computer has no keys to write one with. */
  readonly entry: number | undefined;
}

/** What the repository itself can have wrong: a finding, and no failure of the command. */
const damage: ReadonlySet<string> = new Set(['repository-damaged', 'data-damaged']);

/**
 * Restores a point into a real etcd and reads it with a real API server, which nobody else can reach and which are thrown away; what was found goes into the chain, signed. Throws what `resolvePoint` throws, and
 * where a program cannot be had or started.
 */
export async function verifyPoint(operation: ReadOperation, store: Store, at: string): Promise<VerifiedPoint> {
  const { cluster, clock, state, progress } = operation;
  const { repository, identity, keys: own } = await openToRead(operation, store);
  const keys = captureKeys(repository, identity);
  const point = await resolvePoint(repository, at, keys);
  const { base, revision } = point;
  const [time, begin] = [clock.now(), clock.monotonic()];
  await using folder = await throwAwayFolder(join(state.path, 'verify-'));
  const found = await rehearse(operation, { repository, point, keys, folder: folder.path, identity }).catch((error: unknown): Found => {
    if (error instanceof KubekeepError && damage.has(error.code)) return { problems: [error.message], broken: true };
    throw error;
  });
  const verdict: VerdictBody = {
    timeline: base.timeline,
    base: base.number,
    ...(revision > base.revision && { log: { first: base.revision + 1, last: revision } }),
    revision,
    ...(found.state && { state: found.state }),
    etcd: cluster.etcd.version ?? base.etcd,
    kubernetes: cluster.kubernetes.version,
    ...(found.listing && { listed: { objects: found.listing.objects, resources: found.listing.resources, leftOut: [...found.listing.leftOut] } }),
    time,
    took: Math.round(clock.monotonic() - begin),
    outcome: found.problems.length === 0 ? 'held' : found.broken ? 'broken' : 'degraded',
    problems: [...found.problems],
  };
  progress({ type: 'done', title: `${verdict.outcome}: revision ${revision}`, step: 'restore/verify' });
  return { point, verdict, entry: own && (await repository.chain.append('verdict', own.writer, () => verdict))?.number };
}

interface Found {
  readonly state?: Compared | undefined;
  readonly listing?: Listing;
  readonly problems: readonly string[];
  readonly broken: boolean;
}

interface Compared {
  readonly revision: number;
  readonly members: MemberVerdict[];
}

/** The state hash first: what is not what members had need not be read. */
async function rehearse(operation: ReadOperation, input: ReplayInput & { readonly identity: Secret }): Promise<Found> {
  const { point, folder } = input;
  const { progress, signal } = operation;
  progress({ type: 'started', title: `replaying base ${point.base.number} to revision ${point.revision}`, step: 'restore/replay' });
  await using etcd = await replayInScratchEtcd(operation, input);
  await using snapshot = await openSnapshot(etcd.snapshot);
  const file = openBolt(snapshot);
  await refuseOtherState(etcd, file, point.revision, signal);
  const state = await compared(input.repository, file, point, signal);
  const judged = judgeState(state);
  progress({ type: 'done', title: judged.broken ? 'the state is another one than members had' : `replayed; ${state ? `state compared at revision ${state.revision}` : 'no state hash to compare with'}`, step: 'restore/replay' });
  if (judged.broken) return { state, ...judged };
  const loose = await firstLoose(file, point.base.revision, signal);
  if (loose !== undefined) return { state, problems: [...judged.problems, `revision ${loose} does not follow on what the log has before it: a change is missing, or another one`], broken: true };
  const listing = await listWithScratchApi(operation, { etcd, folder, revision: point.revision, keys: await keysAt(file, point.revision, signal), sealed: () => sealedBeside(input) });
  return { state, listing, problems: [...judged.problems, ...listing.unread, ...listing.problems], broken: listing.problems.length > 0 };
}

/** What etcd made of the file is what is compared here. */
async function refuseOtherState({ client }: ReplayedEtcd, file: BoltFile, wanted: number, signal: AbortSignal): Promise<void> {
  const reached = revisionsOf(file).current;
  if (reached !== wanted) throw new KubekeepError('data-damaged', `after replaying the log the file is at revision ${reached}, and not at ${wanted}`);
  const { hash, compactRevision } = await client.hashKv(wanted, { signal });
  if (hash !== (await hashKvOf(file, wanted, compactRevision, signal))) throw new KubekeepError('data-damaged', `at revision ${wanted} etcd has another state than the file that it was restored from`);
}

/** Undefined where this identity does not read them, or nothing of them can be used: then Secrets are not read, and that is said. */
async function sealedBeside({ repository, point: { base }, identity }: Omit<ReplayInput, 'folder'> & { readonly identity: Secret }): Promise<ClusterSecrets | undefined> {
  try {
    return (await (base.bundle ? bundleBeside(repository, identity, base) : newestBundle(repository, identity))).bundle.secrets;
  } catch (error) {
    if (error instanceof KubekeepError && error.code !== 'store-failed') return undefined;
    throw error;
  }
}

async function compared({ chain }: Repository, file: BoltFile, { base, revision }: Point, signal: AbortSignal): Promise<Compared | undefined> {
  const told = newestHashes(chain, { timeline: base.timeline, first: base.revision, last: revision });
  if (!told) return undefined;
  const answers = told.members.map(({ member, hash, compactRevision }) => ({ member, answer: { hash, compactRevision } }));
  return { revision: told.revision, members: [...(await compareMembers(base, answers, (compacted) => hashKvOf(file, told.revision, compacted, signal)))] };
}

/** One member that has something else than the others is their business; the state is wrong where it is not what most had. */
function judgeState(state: Compared | undefined): { readonly problems: readonly string[]; readonly broken: boolean } {
  const named = (wanted: MemberVerdict['verdict']) => (state?.members ?? []).filter(({ verdict }) => verdict === wanted).map(({ member }) => member);
  const [equal, different] = [named('equal'), named('different')];
  if (different.length > 0) {
    const others = equal.length > 0 ? `; it is what ${equal.join(' and ')} had` : '';
    return { problems: [`at revision ${state!.revision} it is not what ${different.join(' and ')} had by HashKV${others}`], broken: different.length >= equal.length };
  }
  return { problems: equal.length > 0 ? [] : ['no member has said what it had there, so the state was compared with nothing'], broken: false };
}

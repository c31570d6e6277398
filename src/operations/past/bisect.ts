import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Point } from '../../backup/points.ts';
import { KubekeepError } from '../../lib/errors.ts';
import type { HideSecrets } from '../../objects/hide-secrets.ts';
import { throwAwayFolder } from '../../programs/throw-away-folder.ts';
import type { ReadOperation } from '../backup/backup-operation.ts';
import { etcdLog, refuseWithoutRoom } from '../backup/refuse-without-room.ts';
import { logChanges } from '../objects/log-changes.ts';
import type { OpenObjects } from '../objects/open-objects.ts';
import { clipped, countOf, judged, nextToJudge, revisionAt, type Judgement, type RevisionRange, type Search } from './bisect-search.ts';
import { movedFile } from './moved-file.ts';
import { pastApi } from './past-api.ts';
import { suspectChanges, type Suspects } from './suspect-changes.ts';
import { pointAt, writableRevisions, type Between } from './writable-revisions.ts';

export interface BisectOptions {
  /** In the timeline of `bad`, and before it. */
  readonly good: Point;
  readonly bad: Point;
  /** Keys that are suspected first: other revisions are looked at only where it was none of these. */
  readonly suspected: ((key: string) => boolean) | undefined;
  readonly hide: HideSecrets;
  /** Judges what a kubeconfig leads to, by its exit code: 0 is good, 125 neither, another one up to 127 bad. */
  readonly check: (kubeconfig: string) => Promise<number>;
}

export interface Culprit extends Suspects {
  /** The last revision that is good, and the first one that is bad: the next one, unless some between cannot be judged. */
  readonly good: number;
  readonly bad: number;
  /** How many revisions there were to choose from. */
  readonly candidates: number;
  /** How often the check was run. */
  readonly judged: number;
}

const step = 'bisect/judge';

/**
 * Searches for the first revision that a check calls bad. Each one that is judged is served by a real API server as `servePoint` does it. Throws `usage` where the check does not call `good` good and
 * `bad` bad, or ends as none should.
 */
export async function bisect(operation: ReadOperation, open: OpenObjects, options: BisectOptions): Promise<Culprit> {
  const { good, bad, suspected } = options;
  const { chain } = open.repository;
  const between: Between = { timeline: bad.base.timeline, after: good.revision, upTo: bad.revision };
  await using folder = await throwAwayFolder(join(operation.state.path, 'bisect-'));
  await refuseWithoutRoom(folder.path, 3 * bad.base.length + etcdLog, 'to judge points');
  let count = 0;
  const judge = judgeIn(operation, open, { ...options, folder: folder.path });
  const judgeAt = async (revision: number) => {
    count++;
    return judge(pointAt(chain, between.timeline, revision));
  };
  refuseOther('good', good.revision, await judgeAt(good.revision));
  refuseOther('bad', bad.revision, await judgeAt(bad.revision));
  const all = writableRevisions(chain, between);
  const narrow = suspected ? await touched(operation, open, between, suspected) : all;
  let edge = await searched(narrow, good.revision, judgeAt);
  if (suspected && edge.bad > edge.good + 1) {
    // What is between was not suspected, and may be it nevertheless.
    const before = revisionAt(clipped(all, edge.good, edge.bad - 1), -1);
    const judgement = before === undefined ? 'good' : await judgeAt(before);
    if (before !== undefined) edge = judgement === 'good' ? { ...edge, good: before } : await searched(clipped(all, edge.good, judgement === 'bad' ? before : edge.bad), edge.good, judgeAt);
  }
  return { ...edge, candidates: countOf(narrow), judged: count, ...(await suspectChanges(operation, open, { ...edge, timeline: between.timeline, hide: options.hide })) };
}

interface Edge {
  readonly good: number;
  readonly bad: number;
}

/** The last one of the candidates is bad. */
async function searched(candidates: readonly RevisionRange[], good: number, judgeAt: (revision: number) => Promise<Judgement>): Promise<Edge> {
  let search: Search = { good: -1, bad: countOf(candidates) - 1, skipped: new Set() };
  for (let index = nextToJudge(search); index !== undefined; index = nextToJudge(search)) search = judged(search, index, await judgeAt(revisionAt(candidates, index)!));
  return { good: search.good === -1 ? good : revisionAt(candidates, search.good)!, bad: revisionAt(candidates, search.bad)! };
}

/** The revisions that did something to suspected keys, and the bad one. */
async function touched(operation: ReadOperation, { repository, keys }: OpenObjects, between: Between, suspected: (key: string) => boolean): Promise<readonly RevisionRange[]> {
  const found = new Set<number>();
  for await (const one of logChanges(operation, repository, keys, between, suspected)) if (one.kind === 'change') found.add(one.revision);
  const writable = writableRevisions(repository.chain, between);
  return [...found.add(between.upTo)].filter((revision) => countOf(clipped(writable, revision - 1, revision)) > 0).map((revision) => ({ first: revision, last: revision }));
}

function judgeIn(operation: ReadOperation, open: OpenObjects, { check, folder }: BisectOptions & { readonly folder: string }): (point: Point) => Promise<Judgement> {
  const files = movedFile(operation, open, folder);
  return async (point) => {
    const { revision } = point;
    operation.signal.throwIfAborted();
    operation.progress({ type: 'started', title: `judging revision ${revision}`, step });
    const code = await checked(operation, { point, snapshot: await files.at(point), folder: join(folder, 'past'), encryption: await open.encryption(), check });
    operation.signal.throwIfAborted();
    if (code > 127) throw new KubekeepError('usage', `at revision ${revision} the check ended with exit code ${code}, which says nothing`, { hint: 'It has to end with 0 where all is good, 125 where it cannot tell, and another number up to 127 where it is bad.' });
    const judgement = code === 0 ? 'good' : code === 125 ? 'skip' : 'bad';
    await files.settle(judgement === 'good');
    operation.progress({ type: 'done', title: `revision ${revision}: ${judgement === 'skip' ? 'cannot be judged' : judgement}`, step });
    return judgement;
  };
}

interface CheckedPoint extends Pick<BisectOptions, 'check'> {
  readonly point: Point;
  readonly snapshot: string;
  readonly folder: string;
  readonly encryption: Awaited<ReturnType<OpenObjects['encryption']>>;
}

async function checked(operation: ReadOperation, { point, snapshot, folder, encryption, check }: CheckedPoint): Promise<number> {
  try {
    await using past = await pastApi(operation, { snapshot, base: point.base, folder, encryption, name: `${operation.cluster.name}@revision:${point.revision}` });
    return await Promise.race([check(past.path), past.ended]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function refuseOther(wanted: 'good' | 'bad', revision: number, judgement: Judgement): void {
  if (judgement === wanted) return;
  throw new KubekeepError('usage', `at revision ${revision}, which is to be ${wanted}, the check says ${judgement === 'skip' ? 'that it cannot tell' : judgement}`, { hint: `kubekeep at revision:${revision} -- COMMAND runs it there.` });
}

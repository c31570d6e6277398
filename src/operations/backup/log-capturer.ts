import type { WholeLog } from '../../backup/backup-health.ts';
import { newCapture, type Capture } from '../../backup/captures.ts';
import { appendHole, appendRecords, type LogWriter } from '../../backup/change-log/append-log.ts';
import { lastPart, logEnd } from '../../backup/change-log/coverage.ts';
import { LogBuffer } from '../../backup/change-log/log-buffer.ts';
import { fingerprintOf, follows } from '../../backup/change-log/log-record.ts';
import { LogMerger } from '../../backup/change-log/merge-log.ts';
import type { Segment } from '../../backup/format/segment.ts';
import { newestBase, type Base } from '../../backup/points.ts';
import type { SigningKey } from '../../backup/repository-keys.ts';
import type { Repository } from '../../backup/repository.ts';
import { EtcdError } from '../../clients/etcd/etcd-error.ts';
import type { EtcdChange } from '../../clients/etcd/watch.ts';
import type { Clock } from '../../lib/clock.ts';
import { KubekeepError } from '../../lib/errors.ts';
import type { Progress } from '../../lib/progress.ts';
import { HashAsker } from './ask-hashes.ts';
import { timelineOf, type AnsweringMember, type EtcdMembers } from './etcd-members.ts';

export interface CapturerOptions {
  readonly repository: Repository;
  readonly writer: SigningKey;
  /** Asks all members how they are. */
  readonly ask: () => Promise<EtcdMembers>;
  readonly takeBase: (members: EtcdMembers) => Promise<Base>;
  /** Called now and then when something was appended, and at the end. */
  readonly remember: () => Promise<void>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

/** A piece goes to the store when its first record is that old, in ms, or when it is that large. */
const shipped = { age: 1500, bytes: 1 << 20 };
/** Who did not write the newest piece waits longer, by chance up to twice as long: one of several writes, and the others have lost nothing when it ends. */
const waits = { age: 3000, bytes: 16 << 20 };
/** ms between two questions how far the member is, and without any answer. */
const watched = { every: 500, deadline: 5000 };
/** A base is taken when the newest is that old, or that many revisions behind, which take half a minute to put behind it; looked at that often, and tried again that late. In ms. */
const baseEvery = { ms: 24 * 3_600_000, revisions: 500_000, look: 60_000, again: 600_000 };
/** How much later one writer looks for a new base than another at the most: where several follow, one of them takes it, always the same, whose bases stand on each other. */
const apart = { ms: 1_800_000, revisions: 50_000 };
/** ms for which data is written under one key, and between two times at which the newest entry is noted. */
const captureLasts = 3_600_000;
const toldEvery = 30_000;
/** ms from the moment at which a record came until it is in the store, from which on the store is called slow. */
const slow = 10_000;
/** ms between two catalogs: a reader walks what was appended since, some 200 entries. */
const catalogEvery = 300_000;
const mostLeases = 10_000;

/** Appends the revisions of etcd to the log of a repository, from wherever the log ends. */
export class LogCapturer {
  /** When etcd last had nothing that is not in the log. */
  whole: WholeLog | undefined;
  readonly #options: CapturerOptions;
  #leases = new Map<bigint, number>();
  #key: { readonly key: Capture; readonly generation: number; readonly until: number; readonly made: number } | undefined;
  /** Where a gap was met: the second time at one place it is a hole. */
  #gapAfter: number | undefined;
  #told = -Infinity;
  #merger: LogMerger | undefined;
  /** The newest catalog that is known, and since when. */
  #catalog: { readonly upTo: number; readonly since: number };
  readonly #hashes: HashAsker;
  #revisions = 0;
  #basing: Promise<void> | undefined;
  #nextBase = 0;
  #nextLook = -Infinity;
  /** From 0 to 1, another one for each writer. */
  readonly #late: number;

  constructor(options: CapturerOptions) {
    this.#options = options;
    this.#catalog = { upTo: options.repository.chain.catalogued, since: options.clock.monotonic() };
    this.#hashes = new HashAsker(options.clock, options.signal);
    this.#late = Number.parseInt(options.writer.writer.slice(0, 4), 16) / 0x1_0000;
  }

  /** Resolves when what is missing was covered with a hole and a base; rejects when the watch ends otherwise, with what came in the log as far as the store takes it. */
  async capture(): Promise<void> {
    const { ask, repository, writer, signal, clock, takeBase } = this.#options;
    await repository.chain.present();
    await repository.chain.refresh();
    // As it is before members are asked: they wait for the slowest of them, and others write meanwhile.
    const before = { entries: [...repository.chain.entries] };
    using members = await ask();
    const { nearest } = members;
    if (!nearest.reads) throw new KubekeepError('etcd-failed', 'etcd has no quorum');
    const log: LogWriter = { writer, timeline: timelineOf(nearest) };
    refuseOlder(before, nearest, log.timeline);
    const newest = newestBase(before, log.timeline) ?? (await takeBase(members));
    const last = lastPart(before.entries, log.timeline);
    const buffer = new LogBuffer(last?.last ?? newest.revision);
    try {
      for await (const { changes, again, upTo } of nearest.client.watch(buffer.end, { signal, ...watched })) {
        if (last?.kind === 'segment' && again.length > 0 && fingerprintOf(again, repository.pageId) !== last.fingerprint) throw otherHistory(`etcd on ${nearest.spec.name} says something else of revision ${last.last} than the log`);
        buffer.add(changes, clock.now());
        await this.#learnLeases(nearest, changes, buffer);
        // A member that has nothing more up to there has sent all up to there.
        if (upTo !== undefined && upTo > buffer.end) follows(buffer.end + 1, upTo + 1);
        if (changes.length > 0 && leads(repository, writer) !== false) this.#hashes.askWhereDue(members.clients, buffer.end);
        if (buffer.due(clock.now(), shipped) && (await this.#mayShip(buffer, log, nearest))) await this.#ship(buffer, log, nearest);
        // A watch ends where its member has lost the leader, so that this is no old state.
        if (upTo === buffer.end && !buffer.segment()) this.whole = { timeline: log.timeline, revision: upTo, time: clock.now() };
        this.#baseWhereDue(log.timeline, buffer.end);
      }
    } catch (error) {
      await this.#ship(buffer, log, nearest);
      const why = this.#whyLost(error, buffer.end);
      if (why === undefined) throw error;
      await this.#coverHole(log, why);
    }
  }

  /** What was begun beside the watch has ended, and the newest entry is noted. */
  async settled(): Promise<void> {
    await this.#basing;
    await this.#options.remember();
  }

  /** Undefined where trying again may help. */
  #whyLost(error: unknown, end: number): string | undefined {
    if (error instanceof EtcdError && error.reason === 'compacted') return 'etcd had compacted them before they were captured';
    if (!(error instanceof KubekeepError && error.code === 'log-gap')) return undefined;
    const again = this.#gapAfter === end;
    this.#gapAfter = end;
    return again ? error.message : undefined;
  }

  async #learnLeases({ client }: AnsweringMember, changes: readonly EtcdChange[], buffer: LogBuffer): Promise<void> {
    for (const { lease, value } of changes) {
      if (lease === 0n || !value) continue;
      const seconds = this.#leases.get(lease) ?? (await client.leaseTtl(lease, { signal: this.#options.signal }));
      if (seconds === undefined) continue;
      buffer.learn(lease, seconds);
      if (this.#leases.size >= mostLeases) this.#leases = new Map();
      this.#leases.set(lease, seconds);
    }
  }

  /** What another one has appended need not be appended, and what it has not yet is left to it for a while. */
  async #mayShip(buffer: LogBuffer, log: LogWriter, { spec: { name: member } }: AnsweringMember): Promise<boolean> {
    const { repository, writer, clock } = this.#options;
    if (leads(repository, writer) !== false) return true;
    if (clock.monotonic() < this.#nextLook) return false;
    this.#nextLook = clock.monotonic() + shipped.age;
    await repository.chain.refresh();
    const there = buffer.take(logEnd(repository.chain.entries, log.timeline) ?? 0);
    if (there) await this.#merge(there, log, member);
    return buffer.due(clock.now(), { ...waits, age: waits.age * (1 + this.#late) });
  }

  /** As long as the store cannot be written nothing more is read: etcd keeps it. */
  async #ship(buffer: LogBuffer, log: LogWriter, { spec: { name: member } }: AnsweringMember): Promise<void> {
    const segment = buffer.segment();
    if (!segment) return;
    const { repository, clock, progress, remember } = this.#options;
    const key = await this.#captureKey();
    await appendRecords(repository, segment, { ...log, member, key, hashes: this.#hashes.take() });
    this.#revisions += segment.records.length;
    buffer.clear();
    await this.#merge(segment, log, member);
    if (clock.monotonic() - this.#told < toldEvery) return;
    this.#told = clock.monotonic();
    await remember();
    const late = clock.now() - segment.records[0]!.received;
    progress({ type: 'note', title: `the log has all up to revision ${buffer.end} of etcd${late < slow ? '' : `, ${Math.round(late / 1000)} s late: the store is slow`}`, detail: `${this.#revisions} revisions since the start, watched on ${member}` });
  }

  /** Who writes the log merges it too. The others are ready to: when that one ends, and when it makes no catalogs. */
  async #merge(segment: Segment, log: LogWriter, member: string): Promise<void> {
    const { repository, writer, clock } = this.#options;
    const now = clock.monotonic();
    if (repository.chain.catalogued !== this.#catalog.upTo) this.#catalog = { upTo: repository.chain.catalogued, since: now };
    const others = leads(repository, writer) === false;
    const due = now - this.#catalog.since >= (others ? 2 * catalogEvery : catalogEvery);
    if (!this.#merger?.continues(log.timeline, segment.records[0]!.revision)) this.#merger = new LogMerger(repository, log);
    if (others && !due) return this.#merger.hold(segment);
    const options = { member, key: await this.#captureKey() };
    await this.#merger.add(segment, options);
    if (!due) return;
    this.#catalog = { ...this.#catalog, since: now };
    await this.#merger.catalog(options);
  }

  /** A new one also for other recipients: who was one before had the one before. And after a computer has slept, which only the other clock shows: what nobody named for a day may be cleaned up. */
  async #captureKey(): Promise<Capture> {
    const { repository, clock } = this.#options;
    const [now, time] = [clock.monotonic(), clock.now()];
    const { generation } = repository.recipients;
    if (!this.#key || this.#key.until <= now || this.#key.generation !== generation || Math.abs(time - this.#key.made) >= captureLasts) this.#key = { key: await newCapture(repository), generation, until: now + captureLasts, made: time };
    return this.#key.key;
  }

  /** Beside the watch, which must not wait: etcd would compact what it has not sent. */
  #baseWhereDue(timeline: string, end: number): void {
    const { repository, clock, progress, signal } = this.#options;
    if (this.#basing || clock.monotonic() < this.#nextBase) return;
    this.#nextBase = clock.monotonic() + baseEvery.look;
    const newest = newestBase(repository.chain, timeline);
    if (newest && Math.abs(clock.now() - newest.time) < baseEvery.ms + this.#late * apart.ms && end - newest.revision < baseEvery.revisions + this.#late * apart.revisions) return;
    this.#basing = this.#freshBase()
      .catch((error: unknown) => {
        if (signal.aborted) return;
        this.#nextBase = clock.monotonic() + baseEvery.again;
        progress({ type: 'note', title: 'no base could be taken; the log goes on', detail: (error as Error).message });
      })
      .then(() => void (this.#basing = undefined));
  }

  /** From members that are asked now. */
  async #freshBase(): Promise<Base> {
    using members = await this.#options.ask();
    return await this.#options.takeBase(members);
  }

  /** The base first: nothing leads over a hole. */
  async #coverHole(log: LogWriter, why: string): Promise<void> {
    const { repository, progress } = this.#options;
    const after = logEnd(repository.chain.entries, log.timeline);
    const base = await this.#freshBase();
    if (after === undefined || !(await appendHole(repository, log, { after, last: base.revision, why }))) return;
    progress({ type: 'note', title: `revisions ${after + 1} to ${base.revision} of etcd are lost`, detail: `${why}; base ${base.number} stands behind them` });
  }
}

/** Whether a writer has appended the newest piece of the log; undefined where there is none. */
export function leads({ chain }: Pick<Repository, 'chain'>, { writer }: SigningKey): boolean | undefined {
  const newest = chain.entries.findLast(({ kind }) => kind === 'segment');
  return newest && newest.writer === writer;
}

/** The member was read linearizably after the repository had what it has: one that is behind has another history. */
function refuseOlder(repository: Pick<Repository['chain'], 'entries'>, { spec, status }: AnsweringMember, timeline: string): void {
  const known = Math.max(logEnd(repository.entries, timeline) ?? 0, newestBase(repository, timeline)?.revision ?? 0);
  if (status.revision >= known) return;
  throw otherHistory(`etcd on ${spec.name} is at revision ${status.revision}, and the repository has revision ${known} of the same etcd`);
}

function otherHistory(what: string): KubekeepError {
  return new KubekeepError('repository-mismatch', `${what}: somebody restored an older state of it`, {
    hint: 'Its revisions would be mixed with those of before. Move repository.age and repository-seen.json away, name another place in spec.backup and run kubekeep backup init.',
  });
}

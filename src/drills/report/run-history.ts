import type { Asked, DrillRecord, Lane, Mark, Request, Sample } from '../history/record.ts';
import { median } from './median.ts';
import { spansOf, type Span } from './spans.ts';

/** A history as a timeline shows it. All times in milliseconds after `origin`. */
export interface RunHistory {
  /** What second 0 is. */
  readonly origin: 'fault is in' | 'fault begins' | 'start of the run';
  readonly from: number;
  readonly to: number;
  /** Those that write through the VIP first. */
  readonly lanes: readonly LaneTrack[];
  readonly faults: readonly FaultWindow[];
  readonly marks: readonly Mark[];
  readonly vip: readonly Span[];
  /** Who answered for the VIP by ARP; nobody was asked where it is empty. */
  readonly answering: readonly Span[];
  /** The longest time without an answer to a ping; undefined where each was answered, or none was sent. */
  readonly silence: { readonly from: number; readonly to: number } | undefined;
  readonly leader: readonly Span[];
  readonly balancers: readonly BalancerTrack[];
  readonly hosts: readonly string[];
  /** Why the timeline shows less than a whole run does. */
  readonly problems: readonly string[];
}

export interface LaneTrack {
  readonly name: string;
  /** Absent where the history's beginning does not name the lane. */
  readonly lane: Lane | undefined;
  /** When each acknowledged answer (or event of a watch) came, in order. */
  readonly answers: readonly number[];
  /** When each failed request was due. A conflict in a lane of registers is no failure. */
  readonly unknown: readonly number[];
  readonly refused: readonly number[];
  /** When a watch was cut. */
  readonly cuts: readonly number[];
  readonly gap: LaneGap | undefined;
}

/** Longest time of a lane without an answer. */
export interface LaneGap {
  readonly from: number;
  readonly to: number;
  /** No answer came after it. */
  readonly open: boolean;
  /** At least three times as long as between two answers usually: some gap is always the longest. */
  readonly isLong: boolean;
}

export interface FaultWindow {
  readonly about: string;
  readonly from: number;
  readonly to: number;
  readonly undone: boolean;
}

export interface BalancerTrack {
  readonly host: string;
  readonly servers: readonly { readonly server: string; readonly spans: readonly Span[] }[];
}

/** Reads a history for a timeline; `undefined` where it has nothing to show. */
export function readRunHistory(all: readonly DrillRecord[]): RunHistory | undefined {
  const sound = all.filter((record) => timesOf(record).every((time) => Number.isFinite(time)));
  // What was looked at when the prober had ended would be seconds in which no lane has answers.
  const timed = sound.filter(({ kind }) => kind !== 'began' && kind !== 'look' && kind !== 'hash' && kind !== 'ended');
  if (timed.length === 0) return undefined;
  const marks = timed.filter((record) => record.kind === 'mark').toSorted((a, b) => a.at - b.at);
  const start = least(timed.flatMap(timesOf));
  const mark = marks.find(({ what }) => what === 'fault is in') ?? marks.find(({ what }) => what === 'fault begins');
  const zero = mark?.at ?? start;
  const records = timed.map((record) => shifted(record, zero));
  const times = records.flatMap(timesOf);
  const [from, to] = [least(times), greatest(times)];
  const began = sound.find((record) => record.kind === 'began');
  const samples = records.filter((record) => record.kind === 'sample');
  const movedMarks = records.filter((record) => record.kind === 'mark').toSorted((a, b) => a.at - b.at);
  return {
    origin: mark ? (mark.what === 'fault is in' ? 'fault is in' : 'fault begins') : 'start of the run',
    from,
    to: Math.max(to, from + 1),
    lanes: laneTracks(records, began?.lanes ?? []),
    faults: faultWindows(movedMarks, to),
    marks: movedMarks,
    vip: spansOf(samples.filter(({ holdsVip }) => holdsVip !== undefined), ({ holdsVip, host }) => (holdsVip ? host : undefined)),
    ...answersForVip(records.filter((record) => record.kind === 'asked')),
    leader: spansOf(samples.filter(({ leads }) => leads !== undefined), ({ leads, host, term }) => (leads ? `${host}${term === undefined ? '' : `, term ${term}`}` : undefined)),
    balancers: balancerTracks(samples),
    hosts: [...new Set(samples.map(({ host }) => host))].sort(),
    problems: [
      ...(began ? [] : ['its first record, which names the lanes, is missing']),
      ...(mark ? [] : ['it has no mark of the fault, so seconds count from the start of the run']),
      ...(records.some(({ kind }) => kind === 'request') ? [] : ['it has no requests']),
      ...(samples.length > 0 ? [] : ['it has no samples of the hosts']),
      ...(sound.length < all.length ? [`${all.length - sound.length} of its records have times that are no numbers and are left out`] : []),
    ],
  };
}

function timesOf(record: DrillRecord): number[] {
  if (record.kind === 'began') return [];
  if (record.kind === 'asked') return [record.at, record.until];
  return record.kind === 'request' ? [record.due, record.ended] : [record.at];
}

function shifted<T extends DrillRecord>(record: T, zero: number): T {
  if (record.kind === 'began') return record;
  if (record.kind === 'request') return { ...record, due: record.due - zero, sent: record.sent - zero, ended: record.ended - zero };
  return record.kind === 'asked' ? { ...record, at: record.at - zero, until: record.until - zero } : { ...record, at: record.at - zero };
}

function laneTracks(records: readonly DrillRecord[], known: readonly Lane[]): LaneTrack[] {
  const requests = Map.groupBy(records.filter((record) => record.kind === 'request'), ({ lane }) => lane);
  const watched = Map.groupBy(records.filter((record) => record.kind === 'watched'), ({ lane }) => lane);
  const ended = Map.groupBy(records.filter((record) => record.kind === 'watch ended'), ({ lane }) => lane);
  const last = greatest([...requests.values()].flatMap((ofLane) => ofLane.map(({ due }) => due)));
  const names = new Set([...known.map(({ name }) => name), ...requests.keys(), ...watched.keys(), ...ended.keys()]);
  const tracks = [...names].map((name): LaneTrack => {
    const lane = known.find((one) => one.name === name);
    const mine = requests.get(name) ?? [];
    const events = (watched.get(name) ?? []).filter(({ type }) => type !== 'BOOKMARK').map(({ at }) => at);
    const answers = (mine.length > 0 ? mine.filter(({ outcome }) => outcome === 'acknowledged').map(({ ended: at }) => at) : events).sort((a, b) => a - b);
    const failures = (outcome: Request['outcome']) => mine.filter((one) => one.outcome === outcome && !isConflict(one, lane)).map(({ due }) => due).sort((a, b) => a - b);
    const cuts = (ended.get(name) ?? []).filter(({ why }) => why !== 'asked').map(({ at }) => at);
    const bounds = mine.length > 0 ? { from: least(mine.map(({ due }) => due)), to: last } : events.length > 0 ? { from: events[0]!, to: Math.max(last, events.at(-1)!) } : undefined;
    return { name, lane, answers, unknown: failures('unknown'), refused: failures('refused'), cuts, gap: bounds && longestGap(answers, bounds) };
  });
  return tracks.sort((a, b) => rank(a) - rank(b));
}

function isConflict({ status }: Request, lane: Lane | undefined): boolean {
  return lane?.workload === 'register' && (status === 409 || status === 404);
}

function rank({ lane }: LaneTrack): number {
  if (!lane) return 3;
  return (lane.door === 'VIP' ? 0 : 2) + (lane.workload === 'write' ? 0 : 1);
}

function longestGap(answers: readonly number[], { from, to }: { readonly from: number; readonly to: number }): LaneGap | undefined {
  // An answer that came after the last request was due ends the last gap as well.
  const after = answers.find((at) => at >= to);
  const bounds = [from, ...answers.filter((at) => at > from && at < to), after ?? to];
  let longest = { from, to: from, open: false };
  for (let position = 1; position < bounds.length; position++) {
    const [before, end] = [bounds[position - 1]!, bounds[position]!];
    if (end - before > longest.to - longest.from) longest = { from: before, to: end, open: position === bounds.length - 1 && after === undefined };
  }
  const usual = median(answers.slice(1).map((at, position) => at - answers[position]!));
  return longest.to > longest.from ? { ...longest, isLong: longest.open || !(longest.to - longest.from < 3 * usual) } : undefined;
}

function faultWindows(marks: readonly Mark[], end: number): FaultWindow[] {
  return marks.filter(({ what }) => what === 'fault begins').map(({ at, about }) => {
    const undone = marks.find((mark) => mark.what === 'undone' && mark.at >= at && mark.about === about);
    return { about, from: at, to: undone?.at ?? end, undone: undone !== undefined };
  });
}

function answersForVip(asked: readonly Asked[]): Pick<RunHistory, 'answering' | 'silence'> {
  const answering = asked.filter(({ how }) => how === 'ARP').flatMap(({ by = [], at, until }) => by.map((host): Span => ({ host, from: at, to: until, value: host })));
  const silences = asked.filter(({ how, answered }) => how === 'ping' && !answered).map(({ at, until }) => ({ from: at, to: until }));
  return { answering: answering.sort((a, b) => a.from - b.from), silence: silences.sort((a, b) => b.to - b.from - (a.to - a.from))[0] };
}

function balancerTracks(samples: readonly Sample[]): BalancerTrack[] {
  const withServers = samples.filter(({ servers }) => servers);
  const hosts = [...new Set(withServers.map(({ host }) => host))].sort();
  return hosts.map((host) => {
    const mine = withServers.filter((sample) => sample.host === host);
    const names = [...new Set(mine.flatMap(({ servers = [] }) => servers.map((server) => server.split(' ')[0]!)))].sort();
    return {
      host,
      servers: names.map((server) => ({
        server,
        spans: spansOf(mine, ({ servers = [] }) => servers.find((one) => one.startsWith(`${server} `))?.slice(server.length + 1), { bridged: true }),
      })),
    };
  });
}

function least(values: readonly number[]): number {
  return values.reduce((found, value) => Math.min(found, value), Number.POSITIVE_INFINITY);
}

function greatest(values: readonly number[]): number {
  return values.reduce((found, value) => Math.max(found, value), Number.NEGATIVE_INFINITY);
}

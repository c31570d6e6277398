/**
 * What a drill keeps: one record a line of NDJSON, in no particular order but for the last. All times are milliseconds of one clock that never jumps, the prober's;
 * `Began` says what its zero was on the calendar. A record is never changed later, so that a checker that is written tomorrow can judge it again.
 */
export type DrillRecord = Began | Request | Watched | WatchEnded | Sample | Asked | Mark | Hashed | Look | Ended;

export const historyFormat = 1;

export interface Began {
  readonly kind: 'began';
  readonly format: typeof historyFormat;
  /** Milliseconds since the epoch at time 0. */
  readonly epoch: number;
  /** A lane's name says all of it, for example "write, new connections, VIP". */
  readonly lanes: readonly Lane[];
}

/** How a lane's requests reach the API. `reused` keeps one HTTP/2 connection with client-go's timers, `reused, short` with a modern client's. */
export const connectionKinds = ['new', 'reused', 'reused, short'] as const;
export type ConnectionKind = (typeof connectionKinds)[number];

/** What a lane does: creates objects of its own, reads one consistently, or changes shared registers with conditions; or waits for its writes in a watch. `visit` is none of the API: it asks a service of the cluster for a page. */
export const workloads = ['write', 'read', 'register', 'watch', 'visit'] as const;
export type Workload = (typeof workloads)[number];

export interface Lane {
  readonly name: string;
  readonly workload: Workload;
  readonly connection: ConnectionKind;
  /** "VIP", "API server cp2", "service shop". */
  readonly door: string;
  /** Requests a second, due at fixed times whatever happens to those before (open loop). */
  readonly rate: number;
}

/** `acknowledged`: happened. `refused`: surely did not (409, 404, 429, refused before it was sent). `unknown`: may or may not have, or may still (no answer, connection cut, 5xx). */
export const outcomes = ['acknowledged', 'refused', 'unknown'] as const;
export type Outcome = (typeof outcomes)[number];

/** One request of a lane, as its client saw it. */
export interface Request {
  readonly kind: 'request';
  readonly lane: string;
  readonly operation: 'create' | 'get' | 'update' | 'delete';
  /** Name of the object, unique for `write` lanes, shared for `register` lanes. */
  readonly object: string;
  /** When it was due: fixed beforehand. */
  readonly due: number;
  /** When it really left. */
  readonly sent: number;
  /** When the answer came, or the client gave up. */
  readonly ended: number;
  readonly outcome: Outcome;
  /** HTTP status of the last answer; absent where there was none. */
  readonly status?: number;
  /** Short word for what went wrong without an answer, for example "ECONNRESET", "time-out". */
  readonly error?: string;
  /** The answer's resourceVersion: etcd's revision of the object. */
  readonly revision?: number;
  /** What was to be written, or what was read; absent for a read that found no object. */
  readonly value?: string;
  /** The resourceVersion on which an update or delete was conditional. */
  readonly expected?: number;
}

/** One event that a watch delivered. */
export interface Watched {
  readonly kind: 'watched';
  readonly lane: string;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  /** Absent for a bookmark. */
  readonly object?: string;
  readonly revision: number;
  readonly value?: string;
  readonly at: number;
  /** The resourceVersion that this watch was started from. */
  readonly from: number;
}

export interface WatchEnded {
  readonly kind: 'watch ended';
  readonly lane: string;
  readonly at: number;
  readonly from: number;
  /** "410", "cut", "asked". */
  readonly why: string;
}

/** What was seen on one host at one time, by the drill itself. */
export interface Sample {
  readonly kind: 'sample';
  readonly host: string;
  readonly at: number;
  /** The host has the VIP on an interface. */
  readonly holdsVip?: boolean;
  /** Its etcd member: whether it leads, Raft's term. */
  readonly leads?: boolean;
  readonly term?: number;
  /** Servers of this host's HAProxy and their states, "cp1 UP". */
  readonly servers?: readonly string[];
}

/** The fault's id of a run in which nothing is broken. */
export const calm = 'calm';

/** Questions to the VIP below the API, from this computer, one after the other and all answered alike: by whoever has it, or by nobody. */
export interface Asked {
  readonly kind: 'asked';
  readonly how: 'ping' | 'ARP';
  /** When the first was asked, and the last. */
  readonly at: number;
  readonly until: number;
  readonly count: number;
  readonly answered: boolean;
  /** Of ARP: the hosts that answered each of them; the address of a network card where it is no host's. */
  readonly by?: readonly string[];
}

/** Something that the drill did. */
export interface Mark {
  readonly kind: 'mark';
  readonly what: 'fault begins' | 'fault is in' | 'undo begins' | 'undone' | 'healthy' | 'note';
  readonly at: number;
  /** The fault's id, or the note. */
  readonly about: string;
}

/** What one etcd member said of its keys when the cluster was healthy again: without a hash it gave none, and `error` says why. */
export interface Hashed {
  readonly kind: 'hash';
  readonly host: string;
  readonly at: number;
  /** Of all keys up to this revision, those before `compactRevision` left out. */
  readonly hash?: number;
  readonly revision?: number;
  readonly compactRevision?: number;
  readonly error?: string;
}

/** `plan`: steps that `plan` would do. `leftovers`: what a drill put there. `secrets`: places that show one, and its name, never the secret. `VIP`: who has it, of a host that could not be asked what it saw. */
export const looks = ['plan', 'leftovers', 'secrets', 'VIP'] as const;

/** A look for what must not be there, when the fault was undone. Of the VIP only those that failed are records: what was seen are samples. */
export interface Look {
  readonly kind: 'look';
  readonly about: (typeof looks)[number];
  /** A host, or "this computer", "the cluster". */
  readonly place: string;
  readonly at: number;
  /** What was looked through, for people: "3,201 kB of the journal". */
  readonly through: string;
  readonly found: readonly string[];
  /** Why it could not see all that there is: then nothing found says nothing. */
  readonly error?: string;
}

/** The last line: without it, or with another number of lines before it, something is missing. */
export interface Ended {
  readonly kind: 'ended';
  readonly at: number;
  /** Lines before this one. */
  readonly lines: number;
}

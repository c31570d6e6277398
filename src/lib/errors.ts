/**
 * Every error a user can meet, by code. Codes are part of the `--json` contract: they are never renamed and a retired one is never reused.
 * `docs/reference/errors.md` lists exactly these (a test compares both directions).
 */
export const catalogue = {
  'bug': { kind: 'failed', means: 'kubekeep itself went wrong; please report it with the output of the same command and --json' },
  'interrupted': { kind: 'interrupted', means: 'Ctrl-C or SIGTERM; the operation stopped at a safe point and can be run again' },
  'usage': { kind: 'user', means: 'the command line is wrong' },
  'file-missing': { kind: 'user', means: 'a file or folder that the command needs does not exist, or cannot be read or written' },
  'spec-invalid': { kind: 'user', means: 'the cluster file has problems; each is listed with line, column and a suggestion' },
  'version-refused': { kind: 'user', means: 'a version is on the block-list or outside the skew policy' },
  'tool-missing': { kind: 'user', means: 'a program of this computer that the command needs is not installed' },
  'not-root': { kind: 'user', means: 'the lab needs root on this computer' },
  'lab-missing': { kind: 'user', means: 'there is no lab or machine of that name' },
  'lab-exists': { kind: 'user', means: 'a lab of that name exists already' },
  'lab-unsupported': { kind: 'user', means: 'this computer cannot run lab machines; the message says what is missing' },
  'lab-failed': { kind: 'failed', means: 'a lab machine could not be made, started or stopped' },
  'program-unavailable': { kind: 'failed', means: 'a program could not be had from the chosen source' },
  'program-checksum': { kind: 'refused', means: 'a file does not have the SHA-256 that was known before; it was not used' },
  'build-failed': { kind: 'failed', means: 'compiling a program from its public Go module failed' },
  'host-unreachable': { kind: 'failed', means: 'a host did not answer by SSH' },
  'host-key': { kind: 'refused', means: 'a host key is unknown or has changed' },
  'host-login': { kind: 'user', means: 'a host refused the login, or sudo wants a password' },
  'host-unfit': { kind: 'refused', means: 'a host does not have what the plan needs; the message says what' },
  'command-failed': { kind: 'failed', means: 'a command on a host ended with an error' },
  'lock-held': { kind: 'refused', means: 'another kubekeep is working on this cluster' },
  'lock-lost': { kind: 'failed', means: 'the lock was lost during the operation; nothing was changed after that' },
  'cluster-mismatch': { kind: 'refused', means: 'hosts or an API server belong to another cluster than what is kept beside the cluster file' },
  'cluster-external': { kind: 'user', means: 'kubekeep did not build the cluster of this file, and the command works only with those that it did' },
  'identity-missing': { kind: 'user', means: 'the sealed keys of the cluster cannot be opened without its identity' },
  'state-broken': { kind: 'refused', means: 'the state beside the cluster file cannot be read or does not fit the cluster file' },
  'quorum-risk': { kind: 'refused', means: 'the step would put the etcd quorum at risk' },
  'unsupported-change': { kind: 'refused', means: 'the change cannot be made safely by this release' },
  'restore-unfinished': { kind: 'refused', means: 'a restore of the whole cluster was begun and is not finished' },
  'needs-confirmation': { kind: 'refused', means: 'the command changes or destroys something and was not confirmed' },
  'not-healthy': { kind: 'failed', means: 'something did not become healthy in time; the roll-out stopped there' },
  'api-failed': { kind: 'failed', means: 'the Kubernetes API answered with an error or not at all' },
  'etcd-failed': { kind: 'failed', means: 'etcd answered with an error or not at all' },
  'changes-pending': { kind: 'pending', means: 'plan found changes' },
  'degraded': { kind: 'degraded', means: 'something is not as it should be; the output says what' },
  'store-failed': { kind: 'failed', means: 'the place of a backup repository cannot be read or written' },
  'repository-missing': { kind: 'user', means: 'there is no backup repository at that place, or none was named' },
  'repository-exists': { kind: 'refused', means: 'there is a backup repository at that place already' },
  'repository-damaged': { kind: 'failed', means: 'an object of the backup repository is missing or is not what was written; the message names it' },
  'repository-mismatch': { kind: 'refused', means: 'the repository is another one, or an older state of it, than this cluster has seen' },
  'data-damaged': { kind: 'failed', means: "etcd's backend file is damaged; the message names the page" },
  'point-missing': { kind: 'user', means: 'the repository cannot give the point that was asked for; the message names the nearest ones' },
  'object-missing': { kind: 'user', means: 'the object that was asked for was not there at that point' },
  'object-unreadable': { kind: 'failed', means: 'the object is in the backup and cannot be read: it is encrypted with a key that is not here, or damaged; the message says which' },
  'log-gap': { kind: 'failed', means: 'a revision of etcd did not come where it had to; nothing was appended after the last one that did' },
  'drill-refused': { kind: 'refused', means: 'a drill is not begun: the hosts are no machines of a lab on this computer and no permit allows it, or something is wrong already' },
} as const satisfies Record<string, { kind: ErrorKind; means: string }>;

export type ErrorCode = keyof typeof catalogue;
export type ErrorKind = keyof typeof exitCodes;

/** Exit codes are a contract (`docs/reference/exit-codes.md`). */
export const exitCodes = { failed: 1, user: 2, refused: 3, pending: 4, degraded: 5, interrupted: 130 } as const;

export interface ErrorOptions {
  /** What to do next: a sentence that names the next command where there is one. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

/** An error with a stable code. The message says what was being done and why it failed, in lower case, without secrets. */
export class KubekeepError extends Error {
  override readonly name = 'KubekeepError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, { hint, cause }: ErrorOptions = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.hint = hint;
  }

  get exitCode(): number {
    return exitCodes[catalogue[this.code].kind];
  }
}

/** Turns whatever was caught into ours: an unknown value is our bug, an abort is an interruption. */
export function toKubekeepError(caught: unknown): KubekeepError {
  if (caught instanceof KubekeepError) return caught;
  if (caught instanceof Error && caught.name === 'AbortError') return new KubekeepError('interrupted', 'interrupted', { cause: caught });
  return new KubekeepError('bug', caught instanceof Error ? caught.message : String(caught), { cause: caught });
}

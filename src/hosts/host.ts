/**
 * What can be done on one machine. Implementations: `ssh.ts` (every real use) and `local.ts` (this computer); both pass
 * `host.conformance.ts`. Everything runs as root: the implementation adds `sudo -n` where the login is another user.
 */
export interface Host {
  readonly name: string;

  /**
   * Runs a POSIX shell script given on standard input, so that nothing of it shows in a process list: under LC_ALL=C, with an empty standard input, and
   * only when all of it has arrived. Ends with the script's result whatever its exit code. Throws `host-unreachable`, `host-key` or `host-login`
   * where the script could not be started, `host-unreachable` where the connection broke while it ran, and the signal's reason when the
   * signal fires (the remote script may in both cases run on, to its end or its time-out).
   */
  run(script: string, options?: RunOptions): Promise<RunResult>;

  /**
   * Puts files in place, each atomically: written beside the target under `umask 077`, owner and mode set, synced, renamed. A directory that
   * is missing is made 0755 root. A target that is a symbolic link is replaced, never followed. Where one cannot be written none is changed and
   * nothing is left beside them; throws `command-failed`.
   */
  write(files: readonly HostFile[], options?: RunOptions): Promise<void>;

  /** Streams a local file to `target` (mode, owner root), refusing it where its SHA-256 on the host differs (`program-checksum`); the old file stays then. One without a SHA-256 is not synced either. */
  upload(file: Upload, options?: UploadOptions): Promise<void>;

  /**
   * A way to reach a TCP port as the host itself reaches it (address default 127.0.0.1). Resolves to the path of a local unix socket that
   * stays usable until the host is closed, also when the connection to the host broke meanwhile. Where nothing answers the socket's
   * connections are closed.
   */
  forward(target: { readonly port: number; readonly address?: string }): Promise<string>;

  /** Ends the connection and every forward. Safe to call twice. */
  close(): Promise<void>;
}

export interface RunOptions {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds; default 60,000. Past it the command is ended, with everything it started, and the result is `timedOut`. */
  readonly timeout?: number | undefined;
}

export interface RunResult {
  readonly host: string;
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Milliseconds. */
  readonly duration: number;
  readonly timedOut: boolean;
}

export interface HostFile {
  readonly path: string;
  readonly content: string | Uint8Array;
  /** Octal, for example 0o600. */
  readonly mode: number;
  /** `user:group`; default root:root. */
  readonly owner?: string | undefined;
}

export interface Upload {
  readonly source: string;
  readonly target: string;
  readonly mode: number;
  /** Lower-case hex; undefined for what is used up at once by a program that checks it itself. */
  readonly sha256: string | undefined;
}

export interface UploadOptions extends RunOptions {
  /** Called with the bytes sent so far. */
  readonly onBytes?: ((sent: number) => void) | undefined;
}

import { open, rm, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import type { Clock } from '../lib/clock.ts';
import { KubekeepError } from '../lib/errors.ts';
import type { Progress } from '../lib/progress.ts';

export interface Download {
  readonly url: string;
  /** Where the file grows; what is there already is taken for its beginning. */
  readonly target: string;
  /** What is being downloaded, for people: "kubelet 1.37.2". */
  readonly title: string;
  readonly progress: Progress;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds without a byte after which a connection is given up; default 30,000. */
  readonly stallLimit?: number | undefined;
}

/** Attempts in a row without a single new byte. */
const attempts = 5;

/**
 * Downloads a file over HTTP, going on where an earlier attempt (also of an earlier process) stopped. Cut and stalled connections, and
 * answers 408, 429 and 5xx, are tried again with growing pauses. Throws `program-unavailable`. The caller checks what came.
 */
export async function download(options: Download): Promise<void> {
  const { clock, signal, title, url } = options;
  let failures = 0;
  for (;;) {
    const before = await sizeOf(options.target);
    const outcome = await attempt(options, before);
    if (outcome === 'complete') return;
    signal?.throwIfAborted();
    failures = (await sizeOf(options.target)) > before ? 1 : failures + 1;
    if (failures >= attempts) {
      throw new KubekeepError('program-unavailable', `${title} could not be downloaded from ${withoutLogin(url)}: ${outcome.problem}`, {
        hint: 'Run the same command again to go on where it stopped, or use another source.',
      });
    }
    await clock.sleep(500 * 2 ** (failures - 1), signal);
  }
}

/** An address as it may be shown: without a user name and password. */
export function withoutLogin(url: string): string {
  const shown = new URL(url);
  shown.username = '';
  shown.password = '';
  return shown.href;
}

/** fetch() refuses addresses with a login, so the login becomes a header. */
export function requestFor(url: string, headers: Readonly<Record<string, string>> = {}): [string, { headers: Record<string, string> }] {
  const { username, password } = new URL(url);
  const login = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64');
  return [withoutLogin(url), { headers: { 'accept-encoding': 'identity', ...headers, ...(username && { authorization: `Basic ${login}` }) } }];
}

type Outcome = 'complete' | { readonly problem: string };

async function attempt(options: Download, have: number): Promise<Outcome> {
  const { url, target, title, clock, signal, stallLimit = 30_000 } = options;
  const ended = new AbortController();
  const stalled = new AbortController();
  let seen = clock.monotonic();
  void watchForStall(clock, ended.signal, stallLimit, () => seen, () => stalled.abort());
  try {
    const [address, init] = requestFor(url, have > 0 ? { range: `bytes=${have}-` } : {});
    const response = await fetch(address, { ...init, signal: AbortSignal.any([stalled.signal, ...(signal ? [signal] : [])]) });
    // The server has no bytes past ours: complete, or the beginning of something else. The caller's check tells.
    if (response.status === 416) return await beyondTheEnd(response, target, have);
    const problem = refusal(response, title, url);
    if (problem) return { problem };
    const from = response.status === 206 ? startOf(response) : 0;
    if (from !== 0 && from !== have) return await startAgain(target, 'the server sent another part than was asked for');
    await receive(response, from, options, () => (seen = clock.monotonic()));
    return 'complete';
  } catch (error) {
    if (error instanceof KubekeepError || signal?.aborted) throw error;
    return { problem: stalled.signal.aborted ? `no data for ${stallLimit / 1000} s` : reasonOf(error) };
  } finally {
    ended.abort();
    stalled.abort();
  }
}

/** A problem that may pass by itself; throws where trying again cannot help. */
function refusal(response: Response, title: string, url: string): string | undefined {
  const { status } = response;
  if (status >= 500 || status === 408 || status === 429) return `the server answered ${status}`;
  const page = /^text\/html\b/i.test(response.headers.get('content-type') ?? '');
  if (response.ok && !page) return undefined;
  throw new KubekeepError('program-unavailable', `${title} is not to be had from ${withoutLogin(url)}: the server answered ${page && response.ok ? 'with a web page' : status}`, {
    hint: page && response.ok ? 'A proxy or login page stands in between; open the address in a browser, or use another source.' : 'Check the version and the mirror, or use another source.',
  });
}

async function receive(response: Response, from: number, { target, title, progress, clock }: Download, onData: () => void): Promise<void> {
  const length = response.headers.get('content-length');
  const total = length === null ? undefined : from + Number(length);
  const file = await open(target, from === 0 ? 'w' : 'r+');
  const begin = clock.monotonic();
  let at = from;
  let told = begin;
  const tell = (now: number) => {
    const speed = `${((at - from) / 1000 / Math.max(1, now - begin)).toFixed(1)} MB/s`;
    progress({ type: 'bytes', title, bytes: at, ...(total !== undefined && { total }), detail: speed });
    told = now;
  };
  try {
    for await (const chunk of response.body ?? []) {
      at += await writeAll(file, chunk as Uint8Array, at);
      onData();
      if (clock.monotonic() - told >= 250) tell(clock.monotonic());
    }
    tell(clock.monotonic());
    if (total !== undefined && at !== total) throw new Error(`the connection ended after ${at} of ${total} bytes`);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function writeAll(file: FileHandle, chunk: Uint8Array, position: number): Promise<number> {
  for (let done = 0; done < chunk.length; ) done += (await file.write(chunk, done, chunk.length - done, position + done)).bytesWritten;
  return chunk.length;
}

async function beyondTheEnd(response: Response, target: string, have: number): Promise<Outcome> {
  const total = /\/(\d+)$/.exec(response.headers.get('content-range') ?? '')?.[1];
  if (total !== undefined && Number(total) === have) return 'complete';
  return startAgain(target, 'the server has a shorter file than was downloaded before');
}

async function startAgain(target: string, problem: string): Promise<Outcome> {
  await rm(target, { force: true });
  return { problem };
}

function startOf(response: Response): number {
  return Number(/^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '')?.[1] ?? 0);
}

async function watchForStall(clock: Clock, ended: AbortSignal, limit: number, lastSeen: () => number, onStall: () => void): Promise<void> {
  try {
    while (clock.monotonic() - lastSeen() < limit) await clock.sleep(Math.max(10, limit - (clock.monotonic() - lastSeen())), ended);
    onStall();
  } catch {
    // The attempt has ended.
  }
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}

/** fetch() says "fetch failed" and keeps what happened in the cause. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (!(cause instanceof Error)) return String(cause);
  return cause.message || (cause as NodeJS.ErrnoException).code || cause.name;
}

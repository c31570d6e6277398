import { once } from 'node:events';
import { connect } from 'node:net';
import { text as readText } from 'node:stream/consumers';
import { KubekeepError } from '../../lib/errors.ts';
import { parseHaproxyInfo } from './parse-info.ts';
import type { HaproxyInfo } from './parse-info.ts';
import { parseHaproxyStat } from './parse-stat.ts';
import type { HaproxyStat } from './parse-stat.ts';

export interface HaproxyConnection {
  /** A unix socket that leads to HAProxy's runtime socket, as `Host.forward` gives it. */
  readonly socketPath: string;
  /** Whose HAProxy it is, for messages. */
  readonly host: string;
  /** Milliseconds for each command; default 2000. */
  readonly deadline?: number | undefined;
}

/** HAProxy's runtime commands. Every verb rejects with code `command-failed`, or an AbortError when the signal fires. */
export interface HaproxyClient {
  showStat(options?: CallOptions): Promise<readonly HaproxyStat[]>;
  showInfo(options?: CallOptions): Promise<HaproxyInfo>;
  /** `drain`: no new sessions, the open ones stay. `maint`: none at all. `ready`: as the checks say. Lasts until the next reload. */
  setServerState(backend: string, server: string, state: 'ready' | 'drain' | 'maint', options?: CallOptions): Promise<void>;
  /** Cuts every session with the server. */
  shutdownSessions(backend: string, server: string, options?: CallOptions): Promise<void>;
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

/** A client of one HAProxy; every command has a connection of its own. */
export function connectHaproxy(connection: HaproxyConnection): HaproxyClient {
  const ask = (command: string, options: CallOptions = {}) => send(connection, command, options);
  const order = async (command: string, options?: CallOptions) => {
    const answer = (await ask(command, options)).trim();
    if (answer !== '') throw failure(connection, command, answer.split('\n')[0]!);
  };
  return {
    showStat: async (options) => {
      const csv = await ask('show stat', options);
      if (!csv.startsWith('# pxname,')) throw failure(connection, 'show stat', 'the answer is not the table');
      return parseHaproxyStat(csv);
    },
    showInfo: async (options) => parseHaproxyInfo(await ask('show info', options)),
    setServerState: async (backend, server, state, options) => order(`set server ${nameOf(backend)}/${nameOf(server)} state ${state}`, options),
    shutdownSessions: async (backend, server, options) => order(`shutdown sessions server ${nameOf(backend)}/${nameOf(server)}`, options),
  };
}

/** Without a prompt, HAProxy answers one line of commands and closes. */
async function send(connection: HaproxyConnection, command: string, { signal }: CallOptions): Promise<string> {
  const deadline = connection.deadline ?? 2000;
  const timeout = AbortSignal.timeout(deadline);
  const either = signal ? AbortSignal.any([signal, timeout]) : timeout;
  const socket = connect({ path: connection.socketPath, signal: either });
  try {
    await once(socket, 'connect');
    socket.write(`${command}\n`);
    return await readText(socket);
  } catch (cause) {
    if (signal?.aborted) throw new DOMException('interrupted', 'AbortError');
    throw failure(connection, command, timeout.aborted ? `no answer in ${deadline} ms` : (cause as Error).message, cause);
  } finally {
    socket.destroy();
  }
}

/** A name goes into a line of commands, where a blank or a semicolon would begin something else. */
function nameOf(name: string): string {
  if (!/^[\w.:-]+$/.test(name)) throw new Error(`"${name}" is not a name of HAProxy's`);
  return name;
}

function failure({ host }: HaproxyConnection, command: string, why: string, cause?: unknown): KubekeepError {
  return new KubekeepError('command-failed', `HAProxy on ${host}: ${command}: ${why}`, { cause });
}

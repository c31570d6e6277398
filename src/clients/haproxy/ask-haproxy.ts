import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { KubekeepError } from '../../lib/errors.ts';

/** ms for a command and its answer. */
const deadline = 2000;

/** One command on the admin socket of a HAProxy of this machine, and its whole answer. Throws `not-healthy` where it does not answer. */
export async function askHaproxy(path: string, command: string): Promise<string> {
  const socket = connect({ path, signal: AbortSignal.timeout(deadline) });
  try {
    socket.end(`${command}\n`);
    return await text(socket);
  } catch (cause) {
    throw new KubekeepError('not-healthy', `HAProxy does not answer at ${path}: ${cause instanceof Error && cause.name === 'AbortError' ? `nothing within ${deadline / 1000} s` : (cause as Error).message}`, { cause });
  } finally {
    socket.destroy();
  }
}

import { request } from 'node:https';
import type { ClientRequest } from 'node:http';
import type { WriterTarget } from '../../src/drills/writer.ts';

export interface Watches {
  /** Watches that ended although nobody closed them: when (ms of the monotonic clock), and how. */
  readonly cut: readonly { readonly at: number; readonly why: string }[];
  readonly open: () => number;
  close(): void;
}

/** ms until a watch has an answer: where the VIP moves meanwhile, nobody may be left who would give one, or say so. */
const patience = 10_000;

/** ms until all of them are open. */
const longest = 180_000;

/** Opens `count` watches, each on a connection of its own, and resolves when all of them have an answer. One that is cut meanwhile is opened anew: a starved computer loses some while 500 of them shake hands. */
export async function openWatches(target: WriterTarget, count: number): Promise<Watches> {
  const cut: { at: number; why: string }[] = [];
  const calls: ClientRequest[] = [];
  let open = 0;
  let closing = false;
  const one = () =>
    new Promise<void>((resolve, reject) => {
      const call = request(
        {
          host: target.address,
          port: target.port,
          servername: target.serverName,
          ca: target.ca,
          cert: target.certificate,
          key: target.key.reveal(),
          agent: false,
          path: `/api/v1/namespaces/${target.namespace}/configmaps?watch=true&timeoutSeconds=3600`,
        },
        (answer) => {
          if (answer.statusCode !== 200) return reject(new Error(`a watch was answered with ${answer.statusCode}`));
          open++;
          call.setTimeout(0);
          resolve();
          answer.resume();
          const ended = (why: string) => {
            if (closing) return;
            open--;
            cut.push({ at: performance.now(), why });
          };
          answer.once('end', () => ended('ended by the server'));
          answer.once('error', (error) => ended(error.message));
        },
      );
      call.on('error', reject);
      call.setTimeout(patience, () => call.destroy(new Error(`a watch had no answer in ${patience / 1000} s`)));
      call.end();
      calls.push(call);
    });
  const patiently = () => one().catch(() => one()).catch(() => one());
  try {
    // A few at a time: a storm of TLS handshakes is not what is tested.
    for (const end = performance.now() + longest; open < count; ) {
      if (performance.now() > end) throw new Error(`${open} of ${count} watches are open after ${longest / 1000} s`);
      await Promise.all(Array.from({ length: Math.min(20, count - open) }, patiently));
    }
    cut.length = 0;
  } catch (error) {
    for (const call of calls) call.destroy();
    throw error;
  }
  return {
    cut,
    open: () => open,
    close: () => {
      closing = true;
      for (const call of calls) call.destroy();
    },
  };
}

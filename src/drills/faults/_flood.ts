import { connect, constants, type ClientHttp2Session } from 'node:http2';
import type { Clock } from '../../lib/clock.ts';

export interface FloodTarget {
  readonly address: string;
  readonly port: number;
  /** PEM. */
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

export interface Flood {
  /** How many answers there were with each status so far. */
  readonly statuses: ReadonlyMap<number, number>;
  stop(): Promise<void>;
}

const connections = 10;
/** As many as an API server takes on one connection. */
const streams = 100;
/** ms for which each answer is not read, so that the server is busy with it at no cost to the processor. */
const hold = 500;
/** ms; what a 429 asks for. */
const pause = 1000;

/** A thousand requests at once to one API server, each for a large document that is taken slowly, again and again for at most so many ms. */
export function openFlood(target: FloodTarget, { clock, limit }: { readonly clock: Clock; readonly limit: number }): Flood {
  const statuses = new Map<number, number>();
  const ended = AbortSignal.timeout(limit);
  const stopped = new AbortController();
  const signal = AbortSignal.any([ended, stopped.signal]);
  const sessions = Array.from({ length: connections }, () => open(target));
  const slots = sessions.flatMap((session) => Array.from({ length: streams }, async () => {
    while (!signal.aborted && !session.destroyed) {
      const status = await ask(session, clock, signal);
      if (status !== undefined) statuses.set(status, (statuses.get(status) ?? 0) + 1);
      await clock.sleep(status === 200 ? 0 : pause, signal).catch(() => {});
    }
  }));
  const done = Promise.all(slots).then(() => sessions.forEach((session) => session.destroy()));
  return {
    statuses,
    async stop() {
      stopped.abort();
      await done;
    },
  };
}

function open({ address, port, ca, certificate, key }: FloodTarget): ClientHttp2Session {
  const session = connect(`https://${address}:${port}`, { ca, cert: certificate, key, servername: 'kubernetes', settings: { enablePush: false } });
  // What goes wrong with it shows in its requests.
  return session.on('error', () => {});
}

/** The status; undefined where there was no answer. */
async function ask(session: ClientHttp2Session, clock: Clock, signal: AbortSignal): Promise<number | undefined> {
  const stream = session.request({ ':path': '/openapi/v2', 'accept': 'application/json' }, { signal });
  const status = await new Promise<number | undefined>((resolve) => {
    stream.once('response', (headers) => resolve(headers[':status']));
    stream.once('error', () => resolve(undefined)).once('close', () => resolve(undefined));
  });
  if (status === 200) await clock.sleep(hold, signal).catch(() => {});
  stream.close(constants.NGHTTP2_CANCEL);
  return status;
}

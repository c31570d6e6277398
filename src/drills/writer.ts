import { connect as connectHttp2, constants, type ClientHttp2Session } from 'node:http2';
import { request } from 'node:https';
import type { Clock } from '../lib/clock.ts';
import type { Secret } from '../lib/secret.ts';
import type { Write } from './history.ts';

export interface WriterTarget {
  readonly address: string;
  readonly port: number;
  /** Name that the server's certificate must have. */
  readonly serverName: string;
  readonly ca: string;
  readonly certificate: string;
  readonly key: Secret;
  readonly namespace: string;
}

export interface Writer {
  readonly writes: readonly Write[];
  /** Sends no more and waits until the last write has an answer or was given up. */
  stop(): Promise<void>;
}

/** As client-go: a write is given up after 10 s. */
const patience = 10_000;

export const lanes = ['new', 'reused'] as const;

/**
 * Creates ConfigMaps through the endpoint at a constant rate on two lanes: `new` opens a connection for each write, `reused` keeps one HTTP/2
 * connection as client-go does. Open loop: a write is sent when it is due, whether the ones before it were answered or not.
 */
export function startWriter(target: WriterTarget, { rate, clock, run }: { rate: number; clock: Clock; run: string }): Writer {
  const writes: Write[] = [];
  const pending = new Set<Promise<void>>();
  const kept = keptConnection(target);
  const start = clock.monotonic();
  const send = { new: (body: string) => sendOnce(target, body), reused: (body: string) => kept.send(body) };
  const sent = { new: 0, reused: 0 };
  const timer = setInterval(() => {
    for (const lane of lanes) {
      for (; start + (sent[lane] * 1000) / rate <= clock.monotonic(); sent[lane]++) {
        const object = `${run}-${lane}-${sent[lane]}`;
        const due = start + (sent[lane] * 1000) / rate;
        const work = send[lane](configMap(object)).then((outcome) => {
          writes.push({ lane, object, due, ended: clock.monotonic(), outcome });
          pending.delete(work);
        });
        pending.add(work);
      }
    }
  }, 10);
  return {
    writes,
    async stop() {
      clearInterval(timer);
      await Promise.all(pending);
      kept.close();
    },
  };
}

function configMap(name: string): string {
  return JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { written: 'by kubekeep' } });
}

function outcomeOf(status: number | undefined): Write['outcome'] {
  if (status === undefined || status >= 500) return 'unknown';
  return status < 300 ? 'acknowledged' : 'refused';
}

function sendOnce({ address, port, serverName, ca, certificate, key, namespace }: WriterTarget, body: string): Promise<Write['outcome']> {
  return new Promise((resolve) => {
    const call = request(
      {
        host: address,
        port,
        servername: serverName,
        ca,
        cert: certificate,
        key: key.reveal(),
        agent: false,
        method: 'POST',
        path: `/api/v1/namespaces/${namespace}/configmaps`,
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), 'connection': 'close' },
        signal: AbortSignal.timeout(patience),
      },
      (answer) => {
        answer.resume();
        answer.on('end', () => resolve(outcomeOf(answer.statusCode)));
        answer.on('error', () => resolve('unknown'));
      },
    );
    call.on('error', () => resolve('unknown'));
    call.end(body);
  });
}

/**
 * One HTTP/2 connection as client-go keeps it: opened again when it ends or the server says goodbye, asked for a sign of life after 30 s of silence.
 * Also as client-go: what the server surely did not process (a stream behind its goodbye, 429 with Retry-After) is sent again.
 */
function keptConnection(target: WriterTarget) {
  let session: ClientHttp2Session | undefined;
  const current = (): ClientHttp2Session => {
    if (session && !session.closed && !session.destroyed) return session;
    const fresh = openSession(target);
    const forget = () => {
      if (session === fresh) session = undefined;
    };
    fresh.on('goaway', forget).on('close', forget).on('error', forget);
    session = fresh;
    return fresh;
  };
  return {
    async send(body: string): Promise<Write['outcome']> {
      const deadline = performance.now() + patience;
      for (;;) {
        const answer = await post(current(), target.namespace, body, deadline - performance.now());
        const again = answer.unprocessed || (answer.status === 429 && answer.retryAfter !== undefined);
        if (!again) return outcomeOf(answer.status);
        const wait = (answer.retryAfter ?? 0) * 1000;
        if (performance.now() + wait >= deadline) return 'refused';
        await new Promise((resolve) => setTimeout(resolve, wait));
      }
    },
    close: () => session?.destroy(),
  };
}

function openSession({ address, port, serverName, ca, certificate, key }: WriterTarget): ClientHttp2Session {
  const session = connectHttp2(`https://${address}:${port}`, { servername: serverName, ca, cert: certificate, key: key.reveal() });
  session.setTimeout(30_000, () => {
    const limit = setTimeout(() => session.destroy(), 15_000);
    session.ping(() => clearTimeout(limit));
  });
  return session;
}

interface Answer {
  readonly status: number | undefined;
  /** Seconds. */
  readonly retryAfter: number | undefined;
  readonly unprocessed: boolean;
}

function post(session: ClientHttp2Session, namespace: string, body: string, limit: number): Promise<Answer> {
  return new Promise((resolve) => {
    let status: number | undefined;
    let retryAfter: number | undefined;
    let lastProcessed = Number.MAX_SAFE_INTEGER;
    const onGoaway = (_code: number, last: number) => (lastProcessed = last);
    session.setMaxListeners(0);
    session.on('goaway', onGoaway);
    const stream = session.request({ [constants.HTTP2_HEADER_METHOD]: 'POST', [constants.HTTP2_HEADER_PATH]: `/api/v1/namespaces/${namespace}/configmaps`, 'content-type': 'application/json' });
    const timer = setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), limit);
    stream.on('response', (headers) => {
      status = headers[':status'];
      retryAfter = headers['retry-after'] === undefined ? undefined : Number(headers['retry-after']);
    });
    stream.on('error', () => {});
    stream.on('close', () => {
      clearTimeout(timer);
      session.off('goaway', onGoaway);
      const refused = stream.rstCode === constants.NGHTTP2_REFUSED_STREAM || (stream.id ?? 0) > lastProcessed;
      resolve({ status, retryAfter, unprocessed: status === undefined && refused });
    });
    stream.resume();
    stream.end(body);
  });
}

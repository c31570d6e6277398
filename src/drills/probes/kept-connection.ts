import { connect as connectHttp2, constants } from 'node:http2';
import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import type { Clock } from '../../lib/clock.ts';
import { afterReading, errorWord, jsonHeaders } from './connection.ts';
import type { Call, ClientTimers, Connection, Endpoint, Listener } from './connection.ts';
import { endOnce, secondsOf } from './new-connections.ts';
import { openWire, type Wire } from './wire.ts';

interface Kept {
  readonly session: ClientHttp2Session;
  /** The last stream that the server processes, once it has said goodbye. */
  lastProcessed: number;
}

/** A connection in the making, and who waits for it. */
interface Dial {
  readonly began: number;
  readonly wire: Wire;
  readonly waiting: Set<Waiter>;
}

interface Waiter {
  ready(kept: Kept): void;
  failed(error: string): void;
}

/** Requests that come this soon after a dial began wait for it; a later one tries for itself. */
const sharedDial = 100;

/**
 * One HTTP/2 connection, kept as Go's client keeps it: opened when a request needs it, left when it ends or the server says goodbye, asked for a sign
 * of life when nothing has come for a while. While none is there, each request dials for itself, and the first dial that succeeds serves all who
 * wait: a dial that is stuck in TCP's growing pauses holds up nobody.
 */
export function keptConnection(endpoint: Endpoint, timers: ClientTimers, clock: Clock): Connection {
  let current: Kept | undefined;
  const dials = new Set<Dial>();
  const sessions = new Set<ClientHttp2Session>();

  const endDial = (dial: Dial) => {
    dials.delete(dial);
    dial.wire.tls.destroy();
  };
  const onConnected = (wire: Wire) => {
    const kept = openSession(wire, endpoint, timers, clock);
    const { session } = kept;
    const forget = () => {
      if (current === kept) current = undefined;
    };
    sessions.add(session);
    session.on('goaway', forget).on('error', forget);
    session.on('close', () => {
      forget();
      sessions.delete(session);
    });
    current = kept;
    const others = [...dials];
    for (const dial of others) {
      dials.delete(dial);
      if (dial.wire !== wire) dial.wire.tls.destroy();
    }
    for (const { waiting } of others) for (const waiter of waiting) waiter.ready(kept);
  };
  const startDial = (): Dial => {
    const dial: Dial = { began: clock.monotonic(), wire: openWire(endpoint, ['h2']), waiting: new Set() };
    dials.add(dial);
    watchDial(dial.wire, timers, {
      connected: () => onConnected(dial.wire),
      failed(error) {
        if (!dials.has(dial)) return;
        endDial(dial);
        for (const waiter of dial.waiting) waiter.failed(error);
      },
    });
    return dial;
  };
  const getKept = (waiter: Waiter): void => {
    if (current && !current.session.closed && !current.session.destroyed) return waiter.ready(current);
    const young = [...dials].find(({ began }) => clock.monotonic() - began < sharedDial);
    (young ?? startDial()).waiting.add(waiter);
  };
  return {
    begin: (call, listener) => beginOn(call, listener, getKept, (waiter) => dials.forEach(({ waiting }) => waiting.delete(waiter))),
    close() {
      dials.forEach(endDial);
      for (const session of sessions) session.destroy();
    },
  };
}

function watchDial({ tcp, tls }: Wire, { dial, handshake, together }: ClientTimers, { connected, failed }: { connected: () => void; failed: (error: string) => void }): void {
  const limits = [afterReading(dial, () => tcp.connecting && fail('connect time-out')), afterReading(together, () => fail(tcp.connecting ? 'connect time-out' : 'TLS time-out'))];
  const stopLimits = () => limits.forEach((stop) => stop());
  const fail = (error: string) => {
    stopLimits();
    failed(error);
  };
  tcp.once('connect', () => limits.push(afterReading(handshake, () => fail('TLS time-out'))));
  // Stays for good: a socket that is given up may still have an error to tell.
  tls.on('error', (error) => fail(errorWord(error)));
  tls.once('close', () => fail('cut'));
  tls.once('secureConnect', () => {
    stopLimits();
    if (tls.alpnProtocol === 'h2') connected();
    else fail('no HTTP/2');
  });
}

function openSession({ tcp, tls }: Wire, { host }: Endpoint, timers: ClientTimers, clock: Clock): Kept {
  const session = connectHttp2(`https://${host}`, { createConnection: () => tls, settings: { enablePush: false } });
  const kept: Kept = { session, lastProcessed: Number.MAX_SAFE_INTEGER };
  session.on('goaway', (_code, last) => (kept.lastProcessed = last));
  tcp.once('close', () => session.destroy());
  askForLife(session, tcp, timers, clock);
  return kept;
}

/**
 * Counts the silence from the last byte that came. (The session's own time-out does not do: it also counts what is sent, so that a dead
 * connection with much to send would never be noticed.)
 */
function askForLife(session: ClientHttp2Session, tcp: Socket, { silence, ping }: ClientTimers, clock: Clock): void {
  let bytes = 0;
  let heard = clock.monotonic();
  let asked = false;
  const timer = setInterval(() => {
    if (tcp.bytesRead !== bytes) {
      bytes = tcp.bytesRead;
      heard = clock.monotonic();
    }
    if (asked || session.destroyed || clock.monotonic() - heard < silence) return;
    asked = true;
    const stop = afterReading(ping, () => session.destroy(Object.assign(new Error('no sign of life'), { code: 'ping time-out' })));
    session.ping(() => {
      stop();
      asked = false;
    });
  }, silence / 20);
  session.once('close', () => clearInterval(timer));
}

function beginOn(call: Call, listener: Listener, getKept: (waiter: Waiter) => void, withdraw: (waiter: Waiter) => void): () => boolean {
  let giveUp: (() => boolean) | undefined;
  const once = endOnce(listener, () => withdraw(waiter));
  const waiter: Waiter = {
    ready: (kept) => (giveUp = openStream(kept, call, once)),
    failed: (error) => once.onEnd({ error, unprocessed: true }),
  };
  getKept(waiter);
  return () => {
    once.leave();
    return giveUp === undefined || giveUp();
  };
}

function openStream(kept: Kept, { method, path, body }: Call, listener: Listener): () => boolean {
  let stream: ClientHttp2Stream;
  let failure: string | undefined;
  try {
    stream = kept.session.request({ ...jsonHeaders, ':method': method, ':path': path }, { endStream: body === undefined });
  } catch (error) {
    // The session has ended since it was looked at; the next attempt gets another one.
    listener.onEnd({ error: errorWord(error), unprocessed: true, turnedAway: true });
    return () => true;
  }
  stream.on('response', (headers) => listener.onHead?.(headers[':status']!, secondsOf(headers['retry-after'])));
  stream.setEncoding('utf8').on('data', (text: string) => listener.onText?.(text));
  stream.on('error', (error) => (failure = errorWord(error)));
  let whole = false;
  stream.on('end', () => (whole = true));
  stream.on('close', () => {
    const turnedAway = stream.rstCode === constants.NGHTTP2_REFUSED_STREAM || (stream.id ?? 0) > kept.lastProcessed;
    const complete = whole && failure === undefined && !stream.aborted && stream.rstCode === constants.NGHTTP2_NO_ERROR;
    listener.onEnd(complete ? undefined : { error: turnedAway ? 'turned away' : (failure ?? 'cut'), unprocessed: turnedAway || stream.id === undefined, turnedAway });
  });
  if (body !== undefined) stream.end(body);
  return () => {
    const unsent = stream.id === undefined;
    stream.close(constants.NGHTTP2_CANCEL);
    return unsent;
  };
}

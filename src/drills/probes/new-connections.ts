import { request } from 'node:https';
import { errorWord, jsonHeaders } from './connection.ts';
import type { Connection, Endpoint, Listener } from './connection.ts';
import { openWire } from './wire.ts';

/** TCP, TLS and HTTP/1.1 for each request, and nothing kept: also no TLS session. */
export function newConnections(endpoint: Endpoint): Connection {
  const open = new Set<() => void>();
  return {
    begin(call, listener) {
      const length = call.body === undefined ? {} : { 'content-length': Buffer.byteLength(call.body) };
      const outgoing = request({ ...endpoint, createConnection: () => openWire(endpoint).tls, method: call.method, path: call.path, headers: { ...jsonHeaders, ...length, connection: 'close' } });
      // Before the handshake is over, no byte of the request can leave.
      let left = false;
      const once = endOnce(listener, () => open.delete(cut));
      const cut = () => outgoing.destroy();
      open.add(cut);
      outgoing.on('socket', (socket) => socket.once('secureConnect', () => (left = true)));
      outgoing.on('error', (error) => once.onEnd({ error: errorWord(error), unprocessed: !left }));
      outgoing.on('response', (answer) => {
        once.onHead?.(answer.statusCode!, secondsOf(answer.headers['retry-after']));
        answer.setEncoding('utf8').on('data', (text: string) => once.onText?.(text));
        answer.on('error', (error) => once.onEnd({ error: errorWord(error), unprocessed: false }));
        answer.on('close', () => once.onEnd(answer.complete ? undefined : { error: 'cut', unprocessed: false }));
      });
      outgoing.end(call.body);
      return () => {
        once.leave();
        outgoing.destroy();
        return !left;
      };
    },
    close() {
      for (const cut of open) cut();
    },
  };
}

export function secondsOf(retryAfter: string | readonly string[] | undefined): number | undefined {
  const seconds = Number(retryAfter);
  return retryAfter === undefined || !Number.isFinite(seconds) ? undefined : seconds;
}

/** Lets only the first end through, and nothing after it or after `leave`. */
export function endOnce(listener: Listener, onEnd: () => void): Listener & { leave(): void } {
  let over = false;
  const end = () => {
    over = true;
    onEnd();
  };
  return {
    onHead: (status, retryAfter) => over || listener.onHead?.(status, retryAfter),
    onText: (text) => over || listener.onText?.(text),
    onEnd(failure) {
      if (over) return;
      end();
      listener.onEnd(failure);
    },
    leave: () => over || end(),
  };
}

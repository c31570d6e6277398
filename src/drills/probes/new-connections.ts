import { Agent, request as plainRequest, type ClientRequest } from 'node:http';
import { request } from 'node:https';
import { errorWord, jsonHeaders } from './connection.ts';
import type { Call, Connection, Endpoint, Listener } from './connection.ts';
import type { Door } from './probe-plan.ts';
import { openWire } from './wire.ts';

/** TCP, TLS and HTTP/1.1 for each request, and nothing kept: also no TLS session. */
export function newConnections(endpoint: Endpoint): Connection {
  return connectionOf('secureConnect', ({ method, path, body }) => {
    const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
    return request({ ...endpoint, createConnection: () => openWire(endpoint).tls, method, path, headers: { ...jsonHeaders, ...length, connection: 'close' } });
  });
}

/** HTTP/1.1 without TLS, as visitors of a service come: for each request a connection, or those that are free again. */
export function plainConnections({ address, port }: Pick<Door, 'address' | 'port'>, { kept }: { readonly kept: boolean }): Connection {
  const agent = new Agent({ keepAlive: kept });
  const connection = connectionOf('connect', ({ method, path }) => plainRequest({ host: address, port, agent, method, path, headers: { 'user-agent': jsonHeaders['user-agent'] } }));
  return {
    begin: connection.begin,
    close() {
      connection.close();
      agent.destroy();
    },
  };
}

/** `ready`: the event of a socket before which no byte of a request can leave. */
function connectionOf(ready: 'connect' | 'secureConnect', start: (call: Call) => ClientRequest): Connection {
  const open = new Set<() => void>();
  return {
    begin(call, listener) {
      const outgoing = start(call);
      let left = false;
      const once = endOnce(listener, () => open.delete(cut));
      const cut = () => outgoing.destroy();
      open.add(cut);
      outgoing.on('socket', (socket) => {
        if (outgoing.reusedSocket) left = true;
        else socket.once(ready, () => (left = true));
      });
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

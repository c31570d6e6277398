import { createSecureServer } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import type { Clock } from '../../lib/clock.ts';
import type { Secret } from '../../lib/secret.ts';

export interface TargetIdentity {
  readonly ca: string;
  readonly certificate: string;
  readonly key: Secret;
}

/** An HTTPS server on loopback that takes every request for a create, and can be made to answer nothing for a while. */
export interface Target {
  readonly port: number;
  /** When each answer was given: milliseconds of the clock. */
  readonly answers: readonly number[];
  pause(): void;
  resume(): void;
  close(): void;
}

export async function startTarget({ certificate, key }: TargetIdentity, clock: Clock): Promise<Target> {
  const answers: number[] = [];
  const sockets = new Set<Socket>();
  let held: (() => void)[] | undefined;
  const server = createSecureServer({ cert: certificate, key: key.reveal(), allowHTTP1: true }, (request, response) => {
    const answer = () => {
      answers.push(clock.monotonic());
      response.writeHead(201, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ kind: 'ConfigMap', metadata: { resourceVersion: String(answers.length) } }));
    };
    request.resume();
    if (held) held.push(answer);
    else answer();
  });
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    answers,
    pause: () => (held = []),
    resume() {
      const waiting = held ?? [];
      held = undefined;
      for (const answer of waiting) answer();
    },
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

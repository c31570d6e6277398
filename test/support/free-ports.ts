import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

/** Below those that the kernel gives to outgoing connections: nobody else takes one before it is used. */
const range = [20_000, 30_000] as const;

/** Ports of 127.0.0.1 that nobody listens on, all different. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const found = new Map<number, Server>();
  while (found.size < count) {
    const port = randomInt(...range);
    const server = createServer().listen(port, '127.0.0.1');
    await once(server, 'listening').then(() => found.set(port, server), () => {});
  }
  await Promise.all([...found.values()].map((server) => once(server.close(), 'close')));
  return [...found.keys()];
}

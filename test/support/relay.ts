import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

export interface Relay {
  readonly port: number;
  /** How many connections it has accepted so far. */
  readonly accepted: () => number;
  /** Accepts connections and keeps them, but lets no byte through: those that are open, those to come, or both. */
  swallow(which: { readonly open?: boolean; readonly next?: number }): void;
  /** Resets the next ones right behind the first bytes of the answer. */
  resetNext(count: number): void;
  /** Resets all that are open. */
  cut(): void;
  close(): void;
}

/** A TCP relay that can lose what it should pass on. `address`: where it listens; it leads to loopback. */
export async function startRelay(to: number, address = '127.0.0.1'): Promise<Relay> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let accepted = 0;
  let swallowNext = 0;
  let resetNext = 0;
  const server = createServer((client) => {
    accepted++;
    const upstream = connect(to, '127.0.0.1');
    const pair = [client, upstream] as const;
    pairs.add(pair);
    const end = () => {
      client.destroy();
      upstream.destroy();
      pairs.delete(pair);
    };
    for (const socket of pair) socket.on('error', end).on('close', end);
    if (swallowNext > 0) swallowNext--;
    else if (resetNext > 0) {
      resetNext--;
      client.pipe(upstream);
      upstream.once('data', (bytes) => client.write(bytes, () => client.resetAndDestroy()));
    } else {
      client.pipe(upstream);
      upstream.pipe(client);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  return {
    port: (server.address() as AddressInfo).port,
    accepted: () => accepted,
    swallow({ open = false, next = 0 }) {
      swallowNext = next;
      if (open) for (const [client, upstream] of pairs) {
        client.unpipe(upstream).resume();
        upstream.unpipe(client).resume();
      }
    },
    resetNext: (count) => void (resetNext = count),
    cut() {
      for (const [client] of pairs) client.resetAndDestroy();
    },
    close() {
      server.close();
      for (const [client, upstream] of pairs) {
        client.destroy();
        upstream.destroy();
      }
    },
  };
}

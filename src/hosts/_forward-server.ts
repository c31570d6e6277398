import { connect, createServer, type ListenOptions, type Socket } from 'node:net';

export interface ForwardServer {
  /** Where it listens by TCP. */
  readonly port: number | undefined;
  /** Stops listening and cuts what is open. */
  close(): Promise<void>;
}

/** Listens on a unix socket or an address and joins every connection to a new one that `dial` makes. One that cannot be made is closed without an answer. */
export async function serveForward(place: string | ListenOptions, dial: () => Promise<Socket>): Promise<ForwardServer> {
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (inward) => {
    track(open, inward);
    inward.pause();
    dial().then(
      (outward) => {
        track(open, outward);
        if (inward.destroyed) return void outward.destroy();
        join(inward, outward);
      },
      () => inward.destroy(),
    );
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(place, resolve));
  const address = server.address();
  return {
    port: typeof address === 'string' || address === null ? undefined : address.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  };
}

/** Resolves when the connection stands. */
export function dialSocket(target: { readonly path: string } | { readonly host: string; readonly port: number }): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...target, allowHalfOpen: true });
    socket.once('error', reject);
    socket.once('connect', () => resolve(socket.off('error', reject)));
  });
}

function track(open: Set<Socket>, socket: Socket): void {
  open.add(socket);
  socket.on('error', () => {});
  socket.once('close', () => open.delete(socket));
}

/** An end is passed on as an end, a broken connection as a broken one. */
function join(one: Socket, other: Socket): void {
  one.pipe(other).pipe(one);
  one.once('close', () => other.destroySoon());
  other.once('close', () => one.destroySoon());
}

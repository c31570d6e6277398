import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';

export interface UnixForward {
  readonly socketPath: string;
  /** Cuts every connection and takes no more. */
  close(): Promise<void>;
}

/** What `Host.forward` gives, for a port of this computer: a unix socket at `socketPath` that leads there. */
export async function forwardPort(port: number, socketPath: string): Promise<UnixForward> {
  const open = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    for (const [one, other] of [[near, far], [far, near]] as const) {
      open.add(one);
      one.on('close', () => {
        open.delete(one);
        other.destroy();
      });
      one.on('error', () => other.destroy());
      one.pipe(other);
    }
  });
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  return {
    socketPath,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  };
}

import { dialSocket, serveForward } from './_forward-server.ts';

export interface LoopbackPort extends AsyncDisposable {
  readonly port: number;
}

/** A free port of 127.0.0.1 that leads to a unix socket, for programs that know addresses only. Closed when disposed. */
export async function loopbackPort(socketPath: string): Promise<LoopbackPort> {
  const server = await serveForward({ host: '127.0.0.1', port: 0 }, () => dialSocket({ path: socketPath }));
  return { port: server.port!, [Symbol.asyncDispose]: () => server.close() };
}

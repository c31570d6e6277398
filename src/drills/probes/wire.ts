import { connect as connectTcp, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { Endpoint } from './connection.ts';

/** TLS, and TCP below it. */
export interface Wire {
  readonly tcp: Socket;
  readonly tls: TLSSocket;
}

/**
 * Begins to connect. Bytes go through a stream of JavaScript's: over its own socket Node's TLS keeps to itself that the last write of its handshake failed, and a
 * connection that was reset just then would take requests for ever without sending any. Go's client is told.
 */
export function openWire(endpoint: Endpoint, protocols?: readonly string[]): Wire {
  const tcp = connectTcp(endpoint).setNoDelay(true).setKeepAlive(true, 30_000);
  const tls = connectTls({ ...endpoint, socket: Duplex.from({ readable: tcp, writable: tcp }), ...(protocols && { ALPNProtocols: [...protocols] }) });
  tcp.on('error', (error) => tls.destroy(error)).once('close', () => tls.destroy());
  tls.once('close', () => tcp.destroy());
  return { tcp, tls };
}

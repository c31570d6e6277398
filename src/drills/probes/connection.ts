import { checkServerIdentity, createSecureContext } from 'node:tls';
import type { ConnectionOptions } from 'node:tls';
import { isIP } from 'node:net';
import type { ConnectionKind } from '../history/record.ts';
import type { Door, ProbePlan } from './probe-plan.ts';

/** A way to send requests through one door. */
export interface Connection {
  /** Begins a request; never throws. Returns what gives it up: it returns whether nothing of the request had left, and the listener hears no more. */
  begin(call: Call, listener: Listener): () => boolean;
  /** Cuts everything. */
  close(): void;
}

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly body?: string;
}

/** What becomes of one request. */
export interface Listener {
  /** `retryAfter`: seconds. */
  onHead?(status: number, retryAfter: number | undefined): void;
  onText?(text: string): void;
  /** Once and last: the answer is whole, or it failed. */
  onEnd(failure?: Failure): void;
}

export interface Failure {
  /** A short word: "ECONNRESET", "time-out". */
  readonly error: string;
  /** The server surely did not begin with it. */
  readonly unprocessed: boolean;
  /** The server turned it away on a connection that goes on or is being closed in order (HTTP/2 goodbye): a client sends it once more. */
  readonly turnedAway?: boolean;
}

/** Milliseconds. */
export interface ClientTimers {
  /** For making a kept connection: TCP, TLS, both together. */
  readonly dial: number;
  readonly handshake: number;
  readonly together: number;
  /** After how long without a byte from the server a kept connection is asked for a sign of life, and how long that may take. */
  readonly silence: number;
  readonly ping: number;
  /** A request with all its repetitions. */
  readonly request: number;
}

/** client-go's own times, where it has any. A new connection is made in the time of its request. */
const clientGo: ClientTimers = { dial: 30_000, handshake: 10_000, together: 40_000, silence: 30_000, ping: 15_000, request: 10_000 };

export const clientTimers: Readonly<Record<ConnectionKind, ClientTimers>> = {
  'new': clientGo,
  'reused': clientGo,
  'reused, short': { dial: 2000, handshake: 2000, together: 2000, silence: 1000, ping: 1000, request: 10_000 },
};

/** Where and as whom to connect. The certificates are read once, not for each connection. */
export interface Endpoint extends Pick<ConnectionOptions, 'servername' | 'secureContext' | 'checkServerIdentity'> {
  readonly host: string;
  readonly port: number;
}

export function endpointOf({ address, port, serverName = address }: Door, { ca, certificate, key }: Pick<ProbePlan, 'ca' | 'certificate' | 'key'>): Endpoint {
  return {
    host: address,
    port,
    // An address cannot be sent as a name, but it is checked like one.
    servername: isIP(serverName) === 0 ? serverName : '',
    checkServerIdentity: (_, found) => checkServerIdentity(serverName, found),
    secureContext: createSecureContext({ ca, cert: certificate, key: key.reveal(), minVersion: 'TLSv1.2' }),
  };
}

export const jsonHeaders = { 'accept': 'application/json', 'content-type': 'application/json', 'user-agent': 'kubekeep-prober' };

/** The short word for an error. */
export function errorWord(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code ?? message ?? String(error);
}

/**
 * Runs `late` after `ms`, but looks at what has arrived first: in a process that was held up for longer than the limit, the answer may be there and
 * only not read yet. Returns what calls it off.
 */
export function afterReading(ms: number, late: () => void): () => void {
  let off = false;
  const timer = setTimeout(() => setImmediate(() => off || late()), ms);
  return () => {
    off = true;
    clearTimeout(timer);
  };
}

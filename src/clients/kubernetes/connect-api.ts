import { Agent, request } from 'node:https';
import { connect as connectSocket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { KubekeepError } from '../../lib/errors.ts';
import type { Secret } from '../../lib/secret.ts';

export interface ApiConnection {
  readonly connect: { readonly socketPath: string } | { readonly host: string; readonly port: number };
  /** Name that the server's certificate must have. */
  readonly serverName: string;
  /** PEM. */
  readonly ca: string;
  readonly certificate?: string | undefined;
  readonly key?: Secret | undefined;
  /** Milliseconds for each request; default 5000. */
  readonly deadline?: number | undefined;
}

export interface ApiClient {
  /** The answer's JSON, or its text where it is none. */
  get(path: string, options?: RequestOptions): Promise<unknown>;
  post(path: string, body: object, options?: RequestOptions): Promise<unknown>;
  put(path: string, body: object, options?: RequestOptions): Promise<unknown>;
  delete(path: string, options?: RequestOptions): Promise<unknown>;
  /** Server-side apply. */
  apply(path: string, body: object, options: RequestOptions & { readonly fieldManager: string; readonly force?: boolean }): Promise<unknown>;
  close(): void;
}

export interface RequestOptions {
  readonly signal?: AbortSignal | undefined;
  readonly deadline?: number | undefined;
}

/** The API answered with an error (`status` is set) or not at all. */
export class ApiError extends KubekeepError {
  readonly status: number | undefined;
  /** Kubernetes' reason, for example NotFound. */
  readonly reason: string | undefined;

  constructor(message: string, { status, reason, cause }: { status?: number | undefined; reason?: string | undefined; cause?: unknown } = {}) {
    super('api-failed', message, { cause });
    this.status = status;
    this.reason = reason;
  }
}

/** A client of one API server or of the endpoint: HTTP/1.1 over TLS with kept connections. */
export function connectApi(connection: ApiConnection): ApiClient {
  const agent = new Agent({ keepAlive: true });
  const { ca, certificate, key, serverName, connect } = connection;
  agent.createConnection = (() =>
    connectTls({
      socket: 'socketPath' in connect ? connectSocket({ path: connect.socketPath }) : connectSocket({ host: connect.host, port: connect.port }),
      servername: serverName,
      ca,
      ...(certificate && key && { cert: certificate, key: key.reveal() }),
    })) as typeof agent.createConnection;
  const send = (method: string, path: string, options: RequestOptions & { body?: object; type?: string } = {}) => sendRequest(agent, connection, method, path, options);
  return {
    get: (path, options) => send('GET', path, options),
    post: (path, body, options) => send('POST', path, { ...options, body }),
    put: (path, body, options) => send('PUT', path, { ...options, body }),
    delete: (path, options) => send('DELETE', path, options),
    apply: (path, body, { fieldManager, force = false, ...options }) =>
      send('PATCH', `${path}?fieldManager=${encodeURIComponent(fieldManager)}&force=${force}`, { ...options, body, type: 'application/apply-patch+yaml' }),
    close: () => agent.destroy(),
  };
}

function sendRequest(
  agent: Agent,
  { serverName, deadline: usual = 5000 }: ApiConnection,
  method: string,
  path: string,
  { body, type = 'application/json', deadline = usual, signal }: RequestOptions & { body?: object; type?: string },
): Promise<unknown> {
  const text = body && JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const timeout = AbortSignal.timeout(deadline);
    const headers = { accept: 'application/json', ...(text && { 'content-type': type, 'content-length': Buffer.byteLength(text) }) };
    const call = request({ agent, method, path, host: serverName, headers, signal: signal ? AbortSignal.any([signal, timeout]) : timeout }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', (cause) => reject(new ApiError(`${method} ${path}: the answer was cut: ${cause.message}`, { cause })));
      answer.on('end', () => {
        const value = parse(Buffer.concat(chunks).toString());
        const status = answer.statusCode ?? 0;
        if (status < 400) return resolve(value);
        const { message, reason } = (typeof value === 'object' && value !== null ? value : {}) as { message?: string; reason?: string };
        reject(new ApiError(`${method} ${path}: ${status} ${message ?? String(value).slice(0, 200)}`, { status, reason }));
      });
    });
    call.on('error', (cause) => {
      if (signal?.aborted) return reject(signal.reason as Error);
      reject(new ApiError(`${method} ${path}: ${timeout.aborted ? `no answer within ${deadline} ms` : cause.message}`, { cause }));
    });
    call.end(text);
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

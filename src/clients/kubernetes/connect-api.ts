import { Agent } from 'node:https';
import { isIP } from 'node:net';
import { checkServerIdentity } from 'node:tls';
import { exchange } from './_exchange.ts';
import type { CallOptions, Exchange } from './_exchange.ts';
import type { ApiConnection } from './api-connection.ts';
import { errorOfAnswer } from './api-error.ts';
import { readHealth } from './health.ts';
import type { Health } from './health.ts';

/**
 * The Kubernetes API as far as it is needed: JSON by path. Answers are parsed (text stays text) and taken for `T` without a check. Every verb
 * rejects with an ApiError (code `api-failed`), or an AbortError when the signal fires.
 */
export interface ApiClient {
  get<T = unknown>(path: string, options?: CallOptions): Promise<T>;
  post<T = unknown>(path: string, body: object, options?: CallOptions): Promise<T>;
  put<T = unknown>(path: string, body: object, options?: CallOptions): Promise<T>;
  /** RFC 7386 merge patch. */
  patch<T = unknown>(path: string, body: object, options?: CallOptions): Promise<T>;
  /** Server-side apply: makes the object so, or creates it. `path` names the object. */
  apply<T = unknown>(path: string, object: object, options: CallOptions & ApplyOptions): Promise<T>;
  /** With a uid: only where it still has that, and what it owns goes after it. A server looks for these in the body, and then nowhere else. */
  delete<T = unknown>(path: string, options?: CallOptions & { readonly uid?: string | undefined }): Promise<T>;
  /** `/readyz?verbose`: not ready is an answer, not an error. */
  readyz(options?: CallOptions): Promise<Health>;
  close(): void;
}

export interface ApplyOptions {
  readonly fieldManager: string;
  /** Takes over fields that others manage; otherwise that is a `Conflict`. */
  readonly force?: boolean;
}

/** A client of one API server or of the endpoint. Connects with the first call and keeps connections. */
export function connectApi(connection: ApiConnection): ApiClient {
  const agent = openAgent(connection);
  const send = async (call: Exchange, options: CallOptions = {}) => {
    const answer = await exchange(agent, connection, call, options);
    if (answer.status >= 400) throw errorOfAnswer(connection.serverName, `${call.method} ${call.path}`, answer.status, answer.text);
    return answer.content as never;
  };
  return {
    get: (path, options) => send({ method: 'GET', path }, options),
    post: (path, body, options) => send({ method: 'POST', path, body, type: 'application/json' }, options),
    put: (path, body, options) => send({ method: 'PUT', path, body, type: 'application/json' }, options),
    patch: (path, body, options) => send({ method: 'PATCH', path, body, type: 'application/merge-patch+json' }, options),
    // JSON is YAML too.
    apply: (path, body, options) => send({ method: 'PATCH', path: applyPath(path, options), body, type: 'application/apply-patch+yaml' }, options),
    delete: (path, options) => send({ method: 'DELETE', path, ...(options?.uid !== undefined && { body: { preconditions: { uid: options.uid }, propagationPolicy: 'Background' }, type: 'application/json' }) }, options),
    readyz: async (options = {}) => readHealth(await exchange(agent, connection, { method: 'GET', path: '/readyz?verbose' }, options)),
    close: () => agent.destroy(),
  };
}

function openAgent({ connect, serverName, ca, certificate, key }: ApiConnection): Agent {
  return new Agent({
    keepAlive: true,
    ...('socketPath' in connect ? { socketPath: connect.socketPath } : { host: connect.host, port: connect.port }),
    ca,
    ...(certificate !== undefined && key !== undefined && { cert: certificate, key: key.reveal() }),
    minVersion: 'TLSv1.2',
    // An address cannot be sent as a name, but it is checked like one.
    servername: isIP(serverName) === 0 ? serverName : '',
    checkServerIdentity: (_, found) => checkServerIdentity(serverName, found),
  });
}

function applyPath(path: string, { fieldManager, force = false }: ApplyOptions): string {
  const query = new URLSearchParams({ fieldManager, ...(force && { force: 'true' }) });
  return `${path}${path.includes('?') ? '&' : '?'}${query.toString()}`;
}

import { request } from 'node:https';
import type { Agent } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { text as readText } from 'node:stream/consumers';
import type { ApiConnection } from './api-connection.ts';
import { ApiError } from './api-error.ts';

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds; default is the connection's. */
  readonly deadline?: number | undefined;
}

export interface Exchange {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly body?: object;
  /** Content type of the body. */
  readonly type?: string;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
  /** Parsed where it is JSON. */
  readonly content: unknown;
}

/** One request and its whole answer, whatever its status. */
export async function exchange(agent: Agent, { connect, serverName, token, deadline: usual = 5000 }: ApiConnection, call: Exchange, { signal, deadline = usual }: CallOptions): Promise<Answer> {
  const timeout = AbortSignal.timeout(deadline);
  const either = signal ? AbortSignal.any([signal, timeout]) : timeout;
  const name = `API server ${serverName}: ${call.method} ${call.path}`;
  try {
    const message = await send(agent, { connect, serverName, token }, call, either);
    const text = await readText(message);
    const isJson = (message.headers['content-type'] ?? '').startsWith('application/json');
    return { status: message.statusCode!, text, content: isJson ? parse(name, text) : text };
  } catch (cause) {
    if (cause instanceof ApiError) throw cause;
    if (signal?.aborted) throw new DOMException('interrupted', 'AbortError');
    if (timeout.aborted) throw new ApiError(`${name}: no answer in ${deadline} ms`, { reason: 'TimedOut', cause });
    const distrust = distrustOf(cause);
    if (distrust !== undefined) throw new ApiError(`${name}: ${distrust}`, { reason: 'Untrusted', cause });
    throw new ApiError(`${name}: ${describe(cause)}`, { reason: 'Unreachable', cause });
  }
}

/** A kept connection may have been closed by the server in the same moment: a read is then sent once more, on another one. */
async function send(agent: Agent, to: Pick<ApiConnection, 'connect' | 'serverName' | 'token'>, call: Exchange, signal: AbortSignal): Promise<IncomingMessage> {
  const attempt = new Promise<IncomingMessage | 'again'>((resolve, reject) => {
    const body = call.body && JSON.stringify(call.body);
    const outgoing = request({
      agent,
      ...to.connect,
      method: call.method,
      path: call.path,
      signal,
      headers: {
        Host: to.serverName,
        Accept: 'application/json',
        'User-Agent': 'kubekeep',
        ...(to.token && { Authorization: `Bearer ${to.token.reveal()}` }),
        ...(body !== undefined && { 'Content-Type': call.type, 'Content-Length': Buffer.byteLength(body) }),
      },
    });
    outgoing.on('response', resolve);
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      if (outgoing.reusedSocket && call.method === 'GET' && error.code === 'ECONNRESET') resolve('again');
      else reject(error);
    });
    outgoing.end(body);
  });
  const outcome = await attempt;
  return outcome === 'again' ? send(agent, to, call, signal) : outcome;
}

function parse(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ApiError(`${name}: the answer is not the JSON that it says it is`, { reason: 'NotUnderstood', cause });
  }
}

function distrustOf(cause: unknown): string | undefined {
  const { code, message } = cause as NodeJS.ErrnoException;
  if (code === 'CERT_HAS_EXPIRED') return 'its certificate has expired';
  if (code === 'CERT_NOT_YET_VALID') return 'its certificate is not valid yet, or a clock is wrong';
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return message;
  return issuerCodes.includes(code ?? '') ? 'its certificate is not from the CA of this cluster' : undefined;
}

const issuerCodes = [
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'CERT_SIGNATURE_FAILURE',
];

function describe(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return cause.message === 'socket hang up' ? 'the connection was closed' : cause.message;
}

import { KubekeepError } from '../../lib/errors.ts';

/** The API did not do it; code `api-failed`. */
export class ApiError extends KubekeepError {
  /** HTTP status of the answer; none where there was no answer. */
  readonly status: number | undefined;
  /**
   * Kubernetes' own word (`NotFound`, `AlreadyExists`, `Conflict`, `Forbidden`, …), or ours: `Unreachable`, `Untrusted` (its
   * certificate), `TimedOut`, `NotUnderstood`. After `Unreachable` and
   * `TimedOut` a change may have happened all the same.
   */
  readonly reason: string;

  constructor(message: string, { status, reason, cause }: { readonly status?: number; readonly reason: string; readonly cause?: unknown }) {
    super('api-failed', message, { cause });
    this.status = status;
    this.reason = reason;
  }
}

/** The error of an answer with a status of 400 and up. `call`: "GET /api/v1/…". */
export function errorOfAnswer(server: string, call: string, status: number, body: string): ApiError {
  const { message, reason } = statusOf(body);
  return new ApiError(`API server ${server}: ${call}: ${message ?? `HTTP ${status}`}`, { status, reason: reason ?? byStatus[status] ?? 'Unknown' });
}

/** Not every answer is a Status object: health paths and a server that is starting answer with text. */
function statusOf(body: string): { readonly message?: string; readonly reason?: string } {
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed !== 'object' || parsed === null) return {};
    const { message, reason } = parsed as Record<string, unknown>;
    return { ...(typeof message === 'string' && { message }), ...(typeof reason === 'string' && { reason }) };
  } catch {
    return body.trim() === '' ? {} : { message: body.trim().split('\n')[0]!.slice(0, 300) };
  }
}

const byStatus: Readonly<Record<number, string>> = { 401: 'Unauthorized', 403: 'Forbidden', 404: 'NotFound', 409: 'Conflict', 429: 'TooManyRequests', 503: 'ServiceUnavailable' };

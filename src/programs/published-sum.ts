import { requestFor } from './_download.ts';
import type { ReleaseFile } from './release-files.ts';

const limit = 10_000;

/**
 * The SHA-256 that a project publishes beside a file; undefined where it publishes none for it. Throws where the server does not answer.
 * It comes from the same server as the file: it tells damage, not malice.
 */
export async function publishedSum(file: ReleaseFile, signal?: AbortSignal): Promise<string | undefined> {
  const [address, init] = requestFor(file.sumUrl);
  const timeout = AbortSignal.timeout(limit);
  const response = await fetch(address, { ...init, signal: signal ? AbortSignal.any([signal, timeout]) : timeout });
  return response.ok ? findSum(await response.text(), file) : undefined;
}

/** A lone sum, or lines of `SUM  NAME`; undefined where the file is not in there. */
function findSum(text: string, file: ReleaseFile): string | undefined {
  const fileName = file.url.split('/').at(-1);
  for (const line of text.split('\n')) {
    const [, sum, name] = /^([0-9a-f]{64})(?:\s+\*?(?:\.\/)?(\S+))?\s*$/.exec(line) ?? [];
    if (sum && (name === undefined || name === fileName)) return sum;
  }
  return undefined;
}

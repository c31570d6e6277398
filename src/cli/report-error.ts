import type { KubekeepError } from '../lib/errors.ts';

/** Prints an error the way the user asked for: two lines for people, one JSON document for programs. The stack is shown for our own bugs only. */
export function reportError(error: KubekeepError, { json, write }: { json: boolean; write: (text: string) => void }): void {
  const { code, message, hint } = error;
  if (json) return void write(`${JSON.stringify({ error: { code, message, ...(hint && { hint }), exitCode: error.exitCode } })}\n`);
  write(`kubekeep: ${message}\n${hint ? `  → ${hint}\n` : ''}`);
  if (code === 'bug' && error.cause instanceof Error && error.cause.stack) write(`${error.cause.stack}\n`);
}

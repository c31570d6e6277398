import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseHistory } from './history/read-history.ts';
import type { Evidence } from './history/verdict.ts';

/** Of what a checker is given, all that the prober does not write down. */
export type SeenAtEnd = Omit<Evidence, 'records' | 'damage'>;

export const historyName = 'history.ndjson';
const endName = 'end.json';

/** Keeps beside the history what was seen after it, so that the run can be judged again. */
export async function keepEnd(folder: string, { finally: atEnd, ...rest }: SeenAtEnd): Promise<void> {
  await writeFile(join(folder, endName), `${JSON.stringify({ ...rest, finally: atEnd && Object.fromEntries(atEnd) })}\n`, { mode: 0o600 });
}

/** The evidence of a run by its folder: what its checkers were given, and others may be. */
export async function readEvidence(folder: string): Promise<Evidence> {
  const { finally: atEnd, ...rest } = JSON.parse(await readFile(join(folder, endName), 'utf8')) as Omit<SeenAtEnd, 'finally'> & { readonly finally?: Readonly<Record<string, { readonly revision: number; readonly value: string }>> };
  return { ...rest, ...parseHistory(await readFile(join(folder, historyName), 'utf8')), finally: atEnd && new Map(Object.entries(atEnd)) };
}

import type { Clock } from '../lib/clock.ts';
import type { Progress } from '../lib/progress.ts';
import type { Environment } from './env.ts';

/** What a command gets to work with: everything that touches the terminal or the process comes in here. */
export interface Cli {
  readonly environment: Environment;
  readonly clock: Clock;
  /** Fires on the first Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal;
  readonly json: boolean;
  /** Progress goes to stderr: lines, or NDJSON with --json, or nothing with --quiet. */
  readonly progress: Progress;
  /** The command's one document on stdout: `text`, or with --json `{ apiVersion, kind, ...data }`. */
  print(document: Document): void;
  /** Asks on the terminal, below what the question is about; false without a terminal. */
  confirm(question: string, about?: string): Promise<boolean>;
  /** Asks for a word on the terminal; undefined without a terminal. */
  ask(question: string): Promise<string | undefined>;
}

export interface Document {
  readonly kind: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly text: string;
}

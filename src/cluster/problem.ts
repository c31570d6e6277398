/** One thing that is wrong in a cluster file. Lines and columns count from 1. */
export interface Problem {
  readonly line: number;
  readonly column: number;
  /** The field, for example `spec.hosts[0].address`; empty where the file as a whole is meant. */
  readonly path: string;
  /** A sentence without its full stop. */
  readonly message: string;
  readonly suggestion?: string;
}

export function formatProblem({ line, column, message, suggestion }: Problem, file: string): string {
  return `${file} line ${line}, column ${column}: ${message}${suggestion === undefined ? '' : ` (${suggestion})`}`;
}

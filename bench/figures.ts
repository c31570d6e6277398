/** What was measured, what was found, how often. */
export type Row = readonly [what: string, found: string, runs: string];

/** Seconds. */
export async function timed(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

export function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)]!;
}

/** Median, minimum and maximum. */
export function spread(values: readonly number[], unit: string): string {
  return `${median(values).toFixed(2)} (${Math.min(...values).toFixed(2)}–${Math.max(...values).toFixed(2)}) ${unit}`;
}

export function mb(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}

export function say(text: string): void {
  console.log(text);
}

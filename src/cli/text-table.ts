/** Columns two blanks apart, the last one ragged. */
export function textTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column]!))).join('  ').trimEnd()).join('\n');
}

/** A time (ms since the epoch) as tables have it: "2026-11-25 14:02:00", UTC. */
export function utc(time: number): string {
  return new Date(time).toISOString().slice(0, 19).replace('T', ' ');
}

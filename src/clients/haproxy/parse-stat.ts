/** One line of HAProxy's `show stat`: a frontend, a backend or a server of a backend. */
export interface StatLine {
  readonly proxy: string;
  /** FRONTEND, BACKEND or the server's name. */
  readonly server: string;
  /** UP, DOWN, DRAIN, MAINT, "UP 1/2" while it changes, "no check". */
  readonly status: string;
  /** Outcome of the last check, for example L7OK, L4CON, L6RSP; empty without checks. */
  readonly checkStatus: string;
  readonly weight: number;
  readonly currentSessions: number;
  /** Seconds since the status last changed. */
  readonly sinceChange: number;
}

/** Reads the CSV of `show stat`; columns are found by the names in its head line, so that newer versions may add some. */
export function parseHaproxyStat(csv: string): StatLine[] {
  const [head, ...lines] = csv.split('\n').filter((line) => line.trim() !== '');
  if (head === undefined) return [];
  const names = head.replace(/^#\s*/, '').split(',');
  const column = (fields: readonly string[], name: string) => fields[names.indexOf(name)] ?? '';
  return lines.map((line) => {
    const fields = line.split(',');
    return {
      proxy: column(fields, 'pxname'),
      server: column(fields, 'svname'),
      status: column(fields, 'status'),
      checkStatus: column(fields, 'check_status').replace(/^\* /, ''),
      weight: Number(column(fields, 'weight')),
      currentSessions: Number(column(fields, 'scur')),
      sinceChange: Number(column(fields, 'lastchg')),
    };
  });
}

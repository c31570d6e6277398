/** One row of `show stat`: a frontend, a backend as a whole, or a server as this HAProxy sees it. */
export interface HaproxyStat {
  readonly kind: 'frontend' | 'backend' | 'server' | 'listener';
  /** Name of the frontend or backend. */
  readonly proxy: string;
  /** Name of the server; `FRONTEND` or `BACKEND` in the rows of those. */
  readonly server: string;
  readonly status: HaproxyStatus;
  /** The status as HAProxy words it, with the progress of a change: "UP 1/3" is about to go down. */
  readonly statusText: string;
  /** How the last health check ended, for example `L7OK`, `L7STS`, `L4CON`, `L4TOUT`; empty without checks. */
  readonly checkStatus: string;
  /** The same in words, and the server's own words where it gave some. */
  readonly checkText: string;
  readonly currentSessions: number;
  readonly weight: number;
  /** Seconds since the status changed last. */
  readonly sinceChange: number | undefined;
  /** address:port of a server. */
  readonly address: string;
}

/** `NOLB`: up, but takes no new sessions (a check answered 404). `OPEN`: a frontend that works. */
export const haproxyStatuses = ['UP', 'DOWN', 'DRAIN', 'MAINT', 'NOLB', 'STOP', 'OPEN', 'no check', 'unknown'] as const;
export type HaproxyStatus = (typeof haproxyStatuses)[number];

/** Reads the CSV of `show stat`, finding columns by their names, which differ between versions only by additions. */
export function parseHaproxyStat(csv: string): readonly HaproxyStat[] {
  const [header = '', ...lines] = csv.split('\n').filter((line) => line.trim() !== '');
  const columns = fieldsOf(header.replace(/^# /, ''));
  return lines.map((line) => {
    const values = fieldsOf(line);
    return toStat((column) => values[columns.indexOf(column)] ?? '');
  });
}

function toStat(value: (column: string) => string): HaproxyStat {
  return {
    kind: kinds[Number(value('type'))] ?? 'server',
    proxy: value('pxname'),
    server: value('svname'),
    status: haproxyStatuses.find((status) => value('status') === status || value('status').startsWith(`${status} `)) ?? 'unknown',
    statusText: value('status'),
    // A star marks a check that is running; the word is that of the one before.
    checkStatus: value('check_status').replace(/^\* /, ''),
    checkText: [value('check_desc'), value('last_chk')].filter((text) => text !== '').join(': '),
    currentSessions: Number(value('scur')),
    weight: Number(value('weight')),
    sinceChange: value('lastchg') === '' ? undefined : Number(value('lastchg')),
    address: value('addr'),
  };
}

/** In the order of the numbers in column `type`. */
const kinds = ['frontend', 'backend', 'server', 'listener'] as const;

/** Fields of a line of CSV; one in quotes may hold commas, and quotes that are doubled. */
function fieldsOf(line: string): readonly string[] {
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? '');
}

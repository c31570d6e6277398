/** The part of `show info` that says how the process is. */
export interface HaproxyInfo {
  readonly version: string;
  readonly pid: number;
  /** Seconds. */
  readonly uptime: number;
  readonly currentConnections: number;
  readonly maxConnections: number;
  /** It takes no new connections and ends with the last one it has: the old process after a reload. */
  readonly stopping: boolean;
}

export function parseHaproxyInfo(text: string): HaproxyInfo {
  const value = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(text)?.[1] ?? '';
  return {
    version: value('Version'),
    pid: Number(value('Pid')),
    uptime: Number(value('Uptime_sec')),
    currentConnections: Number(value('CurrConns')),
    maxConnections: Number(value('Maxconn')),
    stopping: value('Stopping') === '1',
  };
}

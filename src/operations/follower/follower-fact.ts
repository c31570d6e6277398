/** What a host's follower of the log says of itself. Times are ms since the epoch, by the host's clock. */
export interface FollowerFact {
  /** It wrote the newest piece of the log. */
  readonly leads: boolean;
  /** When the newest point was captured that can be given back, and its revision; undefined where there is none yet. */
  readonly newest: { readonly time: number; readonly revision: number } | undefined;
  /** When it said so. */
  readonly looked: number;
}

/** From its metrics; undefined where they are not whole. */
export function parseFollower(metrics: string): FollowerFact | undefined {
  const value = (name: string): number | undefined => {
    const [, found] = new RegExp(`^kubekeep_backup_${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(metrics) ?? [];
    return found === undefined ? undefined : Number(found);
  };
  const [leads, time, revision, looked] = [value('leads'), value('newest_timestamp_seconds'), value('newest_revision'), value('looked_timestamp_seconds')];
  if (leads === undefined || looked === undefined) return undefined;
  return { leads: leads === 1, newest: time === undefined || revision === undefined ? undefined : { time: time * 1000, revision }, looked: looked * 1000 };
}

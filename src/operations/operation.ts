import type { Cluster } from '../cluster/cluster.ts';
import type { Clock } from '../lib/clock.ts';
import type { Progress } from '../lib/progress.ts';
import type { CachedProgram, Program } from '../programs/program.ts';
import type { Renderer } from '../render/design.ts';
import type { FollowerSource } from './follower/follower-source.ts';
import type { Hosts } from './observe.ts';
import type { StateFolder } from './state.ts';

/** What every operation on a cluster works with; made by the composition root. */
export interface Operation {
  readonly cluster: Cluster;
  /** Path of the cluster file, for another kubekeep on the same cluster; undefined where there is none. */
  readonly file?: string;
  readonly hosts: Hosts;
  readonly state: StateFolder;
  readonly identityFile: string | undefined;
  readonly user: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly progress: Progress;
  /** Gets programs into the cache. */
  readonly fetchPrograms: (wanted: readonly Program[]) => Promise<readonly CachedProgram[]>;
  /** For hosts that follow the log. */
  readonly follower?: FollowerSource;
  /** Another set-up than kubekeep's own; drills compare with it. */
  readonly renderers?: readonly Renderer[];
}

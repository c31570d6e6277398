import { apiBehindTheVip } from './api-behind-the-vip.ts';
import { closedLoopProber } from './closed-loop-prober.ts';
import { deadServerStaysIn } from './dead-server-stays-in.ts';
import { etcdWithoutFsync } from './etcd-without-fsync.ts';
import { lockWithoutFence } from './lock-without-fence.ts';
import { membersOfTwoSnapshots } from './members-of-two-snapshots.ts';
import type { Mutant } from './mutant.ts';
import { openSessionsStay } from './open-sessions-stay.ts';
import { quietWatchesAreCut } from './quiet-watches-are-cut.ts';
import { unequalTokenKeys } from './unequal-token-keys.ts';
import { vipIsLeftBehind } from './vip-is-left-behind.ts';

/**
 * Every mutant, in the order of their numbers.
 * @internal for tests
 */
export const mutants: readonly Mutant[] = [quietWatchesAreCut, apiBehindTheVip, deadServerStaysIn, openSessionsStay, vipIsLeftBehind, etcdWithoutFsync, membersOfTwoSnapshots, unequalTokenKeys, lockWithoutFence, closedLoopProber];

import type { Cluster } from '../../cluster/cluster.ts';
import type { Renderer } from '../../render/design.ts';
import type { Hosts } from '../../operations/observe.ts';
import type { StartProbe } from '../probes/self-check.ts';
import type { Stage } from '../stage.ts';

/** Something that is broken on purpose, with the checker that has to find it: it shows that the checkers can. */
export type Mutant = SetupMutant | ProberMutant | OperatorMutant;

interface Common {
  /** "M3". */
  readonly id: string;
  /** What is wrong. */
  readonly title: string;
  /** The guarantee whose checker has to find it, for example "C-gap". */
  readonly caughtBy: string;
}

/** A cluster that is set up wrongly. */
export interface SetupMutant extends Common {
  readonly kind: 'set-up';
  /** Id of the fault that shows it. */
  readonly fault: string;
  /** Given to `apply`, as a rival's. */
  readonly renderers: readonly Renderer[];
  /** What no configuration can say, done when the set-up is applied and healthy. Resolves to what takes it back; `apply` of kubekeep's own set-up follows. */
  readonly spoil?: (stage: Stage) => Promise<() => Promise<void>>;
  /** Why it cannot be shown on this cluster; undefined where it can. */
  readonly obstacle?: (cluster: Cluster) => string | undefined;
}

/** A prober that lies; the self-check before each run has to find it. */
export interface ProberMutant extends Common {
  readonly kind: 'prober';
  readonly startProbe: StartProbe;
}

/** An operator whose hosts do not do what ours do. */
export interface OperatorMutant extends Common {
  readonly kind: 'operator';
  readonly spoiled: (hosts: Hosts) => Hosts;
}

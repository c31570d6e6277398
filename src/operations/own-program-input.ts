import { hostsWith } from '../cluster/cluster.ts';
import { steers } from '../cluster/steered.ts';
import type { OwnProgram } from '../programs/own-program.ts';
import type { Platform } from '../programs/program.ts';
import type { OwnProgramInput } from '../render/design.ts';
import { keeperFolder } from '../render/paths.ts';
import type { Operation } from './operation.ts';

/** kubekeep itself as a program of hosts. */
export interface OwnProgramMaterial {
  readonly digest: string;
  readonly platform: Platform;
  readonly input: OwnProgramInput;
}

/** Where each kubekeep lies on a host, by its digest. */
export function ownProgramMaterial({ digest, platform, node, script }: Omit<OwnProgram, 'pack'>): OwnProgramMaterial {
  return { digest, platform, input: { program: `${keeperFolder}/${digest}`, node, script } };
}

/** For load balancers that steer; undefined where none does. */
export async function steeringMaterial({ cluster, follower }: Pick<Operation, 'cluster' | 'follower'>): Promise<OwnProgramMaterial | undefined> {
  if (!follower || !hostsWith(cluster, 'load-balancer').some((host) => steers(cluster, host))) return undefined;
  return ownProgramMaterial(await follower.program());
}

import type { HostSpec } from '../../cluster/cluster.ts';
import { expectSuccess } from '../../hosts/local.ts';
import { parallel } from '../../lib/parallel.ts';
import type { Stage } from '../stage.ts';
import type { Aim } from './fault.ts';

export interface Scripts {
  /** Breaks the host. */
  readonly inject: string;
  /** Mends it; may run twice, and where nothing was broken. */
  readonly undo: string;
}

/** A fault that is a script on each of some hosts, all at once. */
export function aimAtHosts(stage: Stage, victims: readonly HostSpec[], about: string, scripts: Scripts | ((host: HostSpec) => Scripts)): Aim {
  const of = typeof scripts === 'function' ? scripts : () => scripts;
  return {
    about,
    hosts: victims.map(({ name }) => name),
    deadMan: new Map(victims.map((host) => [host.name, of(host).undo])),
    inject: () => runAll(stage, victims, (host) => of(host).inject),
    undo: () => runAll(stage, victims, (host) => of(host).undo),
  };
}

/** Throws `command-failed` where a script fails on a host. */
export async function runAll({ operation: { hosts } }: Stage, victims: readonly HostSpec[], script: (host: HostSpec) => string): Promise<void> {
  // Without the drill's signal: an undo has to run after Ctrl-C too.
  await parallel(victims, async (host) => expectSuccess(await hosts.get(host.name)!.run(script(host), { timeout: 120_000 }), 'a step of a drill'));
}

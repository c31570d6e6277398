import type { HostSpec } from '../../cluster/cluster.ts';
import { powerOff, powerOn } from '../../lab/power.ts';
import { parallel } from '../../lib/parallel.ts';
import { labOf, type Stage } from '../stage.ts';
import type { Aim } from './fault.ts';

/** Machines of a lab that lose their power, and with `dropUnsynced` what no disk has yet. */
export function aimAtPower(stage: Stage, victims: readonly HostSpec[], about: string, how: { readonly dropUnsynced?: boolean } = {}): Aim {
  const lab = labOf(stage);
  const names = victims.map(({ name }) => name);
  return {
    about,
    hosts: names,
    dark: names,
    inject: async () => void (await parallel(names, (name) => powerOff(lab, name, how))),
    undo: async () => void (await parallel(names, (name) => powerOn(lab, name))),
  };
}

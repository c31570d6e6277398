import { join } from 'node:path';
import { KubekeepError } from '../lib/errors.ts';

/** Machines on one network of this computer. Plain data: it is what the registry stores, and enough to find everything again. */
export interface Lab {
  readonly name: string;
  /** Absolute folder of the machines' disks and keys. */
  readonly directory: string;
  /** "198.18.N.0/24". */
  readonly subnet: string;
  /** This computer's address on the lab's network. */
  readonly gateway: string;
  readonly bridge: string;
  /** nftables table of the cuts. */
  readonly table: string;
  /** Absolute folder of the root image that all machines share read-only. */
  readonly image: string;
  /** Bytes of the disk that every machine has of its own; without it the machines write to this computer's. */
  readonly diskSize?: number | undefined;
  readonly machines: readonly LabMachine[];
}

/** `pods`: one in which a kubelet can run containers. */
export type MachineKind = 'plain' | 'pods';

export interface LabMachine {
  /** As the user says it, for example "cp1"; also its host name. */
  readonly name: string;
  readonly address: string;
  /** Name for systemd-nspawn and the cgroups: 12 characters, unique on this computer. */
  readonly machineId: string;
  /** This computer's end of the machine's network cable; the same at every boot. */
  readonly interface: string;
  readonly mac: string;
  readonly kind: MachineKind;
  /** Public host key: "ssh-ed25519 AAAA…". */
  readonly hostKey: string;
}

/** What SSH needs to log in to a machine as root. */
export interface MachineLogin {
  readonly address: string;
  readonly port: number;
  readonly user: string;
  /** Absolute path of the private key. */
  readonly identity: string;
  readonly hostKey: string;
}

/** What `cut` and `heal` call this computer. */
export const thisComputer = 'computer';

export function loginOf(lab: Lab, machine: LabMachine): MachineLogin {
  return { address: machine.address, port: 22, user: 'root', identity: identityFile(lab), hostKey: machine.hostKey };
}

export function identityFile(lab: Pick<Lab, 'directory'>): string {
  return join(lab.directory, 'ssh', 'id_ed25519');
}

export function knownHostsFile(lab: Pick<Lab, 'directory'>): string {
  return join(lab.directory, 'ssh', 'known_hosts');
}

/** Archives of container images that machines of kind `pods` import when they start. */
export function imagesFolder(lab: Pick<Lab, 'directory'>): string {
  return join(lab.directory, 'images');
}

/** Throws `lab-missing` where the lab has no machine of that name. */
export function findMachine(lab: Lab, name: string): LabMachine {
  const machine = lab.machines.find((one) => one.name === name);
  if (machine) return machine;
  throw new KubekeepError('lab-missing', `lab ${lab.name} has no machine ${name}`, { hint: `It has ${lab.machines.map((one) => one.name).join(', ')}.` });
}

/** Throws `lab-unsupported` where the machines have no disks of their own. */
export function checkOwnDisks(lab: Pick<Lab, 'name' | 'diskSize'>): void {
  if (lab.diskSize !== undefined) return;
  throw new KubekeepError('lab-unsupported', `the machines of lab ${lab.name} share this computer's disk`, { hint: 'kubekeep lab up --disks makes machines with disks of their own.' });
}

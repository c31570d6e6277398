import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { KubekeepError } from '../lib/errors.ts';
import { thisComputer, type Lab, type MachineKind } from './lab.ts';

export interface LayoutOptions {
  readonly name: string;
  readonly directory: string;
  readonly image: string;
  readonly diskSize?: number | undefined;
  readonly machines: readonly { readonly name: string; readonly kind?: MachineKind }[];
  /** 0 to 511: which /24 of 198.18.0.0/15. */
  readonly subnetNumber: number;
  readonly runtimeFolder: string;
  /** Public host keys in the order of the machines. */
  readonly hostKeys: readonly string[];
}

/** How many labs have room in 198.18.0.0/15, which is reserved for benchmarks and so collides with nobody's network. */
export const subnetCount = 512;
const firstMachine = 11;
const mostMachines = 80;

/**
 * Every name and address of a lab, from its subnet. They are unique as long as the subnet is, and start with the tag of the run-time folder,
 * so that leftovers are recognised without a registry.
 */
export function layOutLab({ name, directory, image, diskSize, machines, subnetNumber, runtimeFolder, hostKeys }: LayoutOptions): Lab {
  checkNames(name, machines.map((machine) => machine.name));
  const tag = runtimeTag(runtimeFolder);
  const prefix = networkPrefix(subnetNumber);
  const mac = (last: number) => ['02', 'c6', hex(subnetNumber >> 8, 2), hex(subnetNumber & 255, 2), '00', hex(last, 2)].join(':');
  return {
    name, directory, image,
    ...(diskSize !== undefined && { diskSize }),
    subnet: `${prefix}.0/24`,
    gateway: `${prefix}.1`,
    bridge: `${tag}${hex(subnetNumber, 4)}`,
    table: `kubekeep_${tag}_${hex(subnetNumber, 3)}`,
    machines: machines.map((machine, position) => {
      const last = firstMachine + position;
      const machineId = `${tag}${hex(subnetNumber, 3)}${hex(last, 3)}`;
      return { name: machine.name, address: `${prefix}.${last}`, machineId, interface: `vb-${machineId}`, mac: mac(last), kind: machine.kind ?? 'plain', hostKey: hostKeys[position]! };
    }),
  };
}

/** Fixed address of a bridge: without one it takes the lowest of its ports', and changes it when a machine goes (answers are then lost for seconds). */
export function bridgeMac(lab: Lab): string {
  const [, second, third] = lab.gateway.split('.').map(Number);
  return ['02', 'c6', hex(second! - 18, 2), hex(third!, 2), '00', '01'].join(':');
}

/** "kk" and four hex digits: marks what belongs to the labs of one run-time folder on one computer, known by its machine id. */
export function runtimeTag(runtimeFolder: string, computer = readMachineId()): string {
  return `kk${createHash('sha256').update(`${computer}\n${runtimeFolder}`).digest('hex').slice(0, 4)}`;
}

/** A container that shares this computer's network has the same run-time folder and sees the same interfaces, but has an id of its own. */
function readMachineId(): string {
  try {
    return readFileSync('/etc/machine-id', 'utf8').trim();
  } catch {
    return '';
  }
}

/** "198.18.N" or "198.19.N". */
export function networkPrefix(subnetNumber: number): string {
  return `198.${18 + (subnetNumber >> 8)}.${subnetNumber & 255}`;
}

/** The inverse of `networkPrefix` for any address of the range; undefined outside. */
export function subnetNumberOf(address: string): number | undefined {
  const [first, second, third] = address.split('.').map(Number);
  return first === 198 && (second === 18 || second === 19) ? (second - 18) * 256 + third! : undefined;
}

function checkNames(lab: string, machines: readonly string[]): void {
  const fits = /^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/;
  const wrong = [lab, ...machines].find((name) => !fits.test(name));
  if (wrong !== undefined) throw new KubekeepError('usage', `"${wrong}" is no name for a lab or machine`, { hint: 'Use up to 32 lower-case letters, digits and dashes.' });
  if (machines.includes(thisComputer)) throw new KubekeepError('usage', `a machine cannot be called ${thisComputer}: that word means this computer`);
  if (new Set(machines).size !== machines.length) throw new KubekeepError('usage', `two machines of lab ${lab} have the same name`);
  if (machines.length === 0 || machines.length > mostMachines) throw new KubekeepError('usage', `a lab has 1 to ${mostMachines} machines, not ${machines.length}`);
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}

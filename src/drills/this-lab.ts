import type { Cluster } from '../cluster/cluster.ts';
import type { Lab } from '../lab/lab.ts';
import type { LabRecord } from '../lab/registry.ts';

/** The lab whose machines are the cluster's hosts, by the registry's word and never by the cluster file's; undefined where a host is none of them. */
export function thisLab({ hosts }: Cluster, records: readonly LabRecord[]): Lab | undefined {
  const isMachine = ({ machines }: Lab) => hosts.every(({ name, ssh, address }) => machines.some((machine) => machine.name === name && machine.address === address && machine.address === ssh.address));
  return records.map(({ lab }) => lab).find(isMachine);
}

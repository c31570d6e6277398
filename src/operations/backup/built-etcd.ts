import { hostsWith } from '../../cluster/cluster.ts';
import type { ClusterSecrets } from '../../pki/secrets.ts';
import { etcdCertificate, etcdOf } from '../clients.ts';
import { existingSecrets } from '../existing-secrets.ts';
import type { Operation } from '../operation.ts';
import type { OpenedSecrets } from '../state.ts';
import { bundleOf } from './cluster-bundle.ts';
import type { EtcdSource, KnownMember } from './etcd-source.ts';

/** The etcd of a cluster that kubekeep built: its hosts are reached by SSH, and its keys are in the state folder. */
export function builtEtcd(operation: Operation): EtcdSource {
  let opened: Promise<OpenedSecrets> | undefined;
  const secretsOnce = () => (opened ??= existingSecrets(operation));
  return {
    members: async () => builtMembers(operation, (await secretsOnce()).secrets),
    identity: async () => ({ identity: (await secretsOnce()).identity }),
    bundle: async (keys) => bundleOf(operation, await secretsOnce(), keys),
  };
}

/** The members on the hosts that have one. */
export function builtMembers({ cluster, hosts, clock }: Pick<Operation, 'cluster' | 'hosts' | 'clock'>, secrets: ClusterSecrets): readonly KnownMember[] {
  const certificate = etcdCertificate(secrets, clock.now());
  return hostsWith(cluster, 'etcd').map((spec) => ({ name: spec.name, connect: () => etcdOf(spec, hosts.get(spec.name)!, secrets, clock.now(), certificate) }));
}

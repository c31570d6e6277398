import { posix } from 'node:path';
import { duration } from '../lib/duration.ts';
import type { ClusterFile } from './cluster-file-schema.ts';
import type { BackupSpec, Cluster, ExternalCluster, HostSpec } from './cluster.ts';
import type { ForwardSpec, ServiceSpec } from './service.ts';
import { builtDefaults, type ExternalFile } from './external-file-schema.ts';

export interface ClusterFilePlace {
  /** The file's name for messages, as the user gave it. */
  readonly file: string;
  /** Absolute path of its folder. */
  readonly directory: string;
  /** The user's home folder, for paths that begin with `~/`; where it is not given they stay as they are, which `ssh` understands. */
  readonly home?: string | undefined;
}

/** The checked file as what the program works with: parts put together, paths made absolute. */
export function toCluster({ metadata, spec }: ClusterFile, { directory, home }: ClusterFilePlace): Cluster {
  const [vip = '', prefix] = spec.endpoint.vip.split('/');
  const absolute = absoluteFrom({ directory, home });
  return {
    name: metadata.name,
    endpoint: { ...spec.endpoint, vip, prefix: Number(prefix) },
    kubernetes: spec.kubernetes,
    etcd: spec.etcd,
    networks: spec.networks,
    programs: { ...spec.programs, directory: absolute(spec.programs.directory) },
    backup: spec.backup && toBackup(spec.backup, absolute),
    services: spec.services.map((service) => toService(service, vip)),
    hosts: spec.hosts.map(
      (host): HostSpec => ({
        ...host,
        ssh: {
          address: host.ssh.address ?? host.address,
          port: host.ssh.port ?? spec.ssh.port,
          user: host.ssh.user ?? spec.ssh.user,
          identity: absolute(host.ssh.identity ?? spec.ssh.identity),
          jump: host.ssh.jump ?? spec.ssh.jump,
          hostKey: host.ssh.hostKey,
        },
      }),
    ),
  };
}

function toService({ listen, forward, nodes, ...service }: ClusterFile['spec']['services'][number], endpoint: string): ServiceSpec {
  // The better of two drawn ones leaves a node where connections wait before any weight has changed.
  return { ...service, balance: service.balance ?? (service.load ? 'random-2' : 'roundrobin'), listen: { vip: listen.vip ?? endpoint, port: listen.port }, forward: toForward(forward), labels: nodes.labels };
}

function toForward({ nodePort, service = '' }: ClusterFile['spec']['services'][number]['forward']): ForwardSpec {
  if (nodePort !== undefined) return { nodePort };
  const [, namespace = '', name = '', port = ''] = /^(.*)\/(.*):(.*)$/.exec(service) ?? [];
  return { namespace, service: name, port };
}

/** The same for the file of a cluster that somebody else built. */
export function toExternalCluster({ metadata, spec }: ExternalFile, place: Omit<ClusterFilePlace, 'file'>): ExternalCluster {
  const absolute = absoluteFrom(place);
  const { endpoints, ca, certificate, key } = spec.external.etcd;
  return {
    name: metadata.name,
    external: { etcd: { endpoints: endpoints.map((one) => one.replace(/\/$/, '')), ca: absolute(ca)!, certificate: absolute(certificate)!, key: absolute(key)! } },
    ...builtDefaults(spec.kubernetes.version),
    etcd: spec.etcd,
    programs: { ...spec.programs, directory: absolute(spec.programs.directory) },
    backup: spec.backup && toBackup(spec.backup, absolute),
  };
}

function absoluteFrom({ directory, home }: Omit<ClusterFilePlace, 'file'>): (path: string | undefined) => string | undefined {
  return (path) => {
    if (path?.startsWith('~/')) return home === undefined ? path : posix.join(home, path.slice(2));
    return path === undefined ? undefined : posix.resolve(directory, path);
  };
}

const units: Readonly<Record<string, number>> = { kB: 1e3, MB: 1e6, GB: 1e9 };

function toBackup({ repository, s3, bandwidth, keep, recipients, escrow, follow }: NonNullable<ClusterFile['spec']['backup']>, absolute: (path: string | undefined) => string | undefined): BackupSpec {
  const [, amount, unit = ''] = /^(\d+)(.B)\/s$/.exec(bandwidth ?? '') ?? [];
  return {
    repository: repository.startsWith('s3://') ? repository : absolute(repository)!,
    recipients,
    ...(escrow && { escrow }),
    ...(keep && { keep: { ...keep, within: duration(keep.within)! } }),
    ...(s3 && { s3: { ...s3, ca: absolute(s3.ca), ...(s3.hostCredentials !== undefined && { hostCredentials: absolute(s3.hostCredentials) }) } }),
    ...(follow && { follow }),
    ...(amount && { bandwidth: Number(amount) * units[unit]! }),
  };
}

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Authority } from '../../src/pki/authorities.ts';
import { issueLeaf, type IssuedLeaf } from '../../src/pki/issue.ts';
import { leavesFor } from '../../src/pki/leaves.ts';
import { cachedProgram } from './cached-program.ts';
import { aHost, cluster } from './example-cluster.ts';

export interface EtcdPlace {
  readonly name: string;
  readonly folder: string;
  readonly clientPort: number;
  readonly peerPort: number;
  /** What the others are told of the client port, where it is reached otherwise. */
  readonly advertisedPort?: number;
}

/** Writes the certificates that a host of that name would get, at the paths below `folder`. */
export async function writeCertificates({ name, folder }: EtcdPlace, authorities: { readonly etcd: Authority; readonly peer: Authority }, now: number): Promise<void> {
  const leaves = leavesFor(cluster, aHost({ name, address: '127.0.0.1', roles: ['etcd'] }));
  for (const leaf of leaves) {
    const issued = await issueLeaf(leaf, leaf.authority === 'etcd' ? authorities.etcd : authorities.peer, { now });
    mkdirSync(join(folder, dirname(leaf.certificatePath)), { recursive: true });
    writeFileSync(join(folder, leaf.certificatePath), issued.certificate);
    writeFileSync(join(folder, leaf.keyPath), issued.privateKey.reveal(), { mode: 0o600 });
  }
  writeFileSync(join(folder, 'etcd-ca.pem'), authorities.etcd.certificate);
  writeFileSync(join(folder, 'peer-ca.pem'), authorities.peer.certificate);
}

/** Puts an operator's certificate below `folder`, for `etcdctlAccess`. */
export function writeOperator(folder: string, { certificate, privateKey }: IssuedLeaf): void {
  writeFileSync(join(folder, 'operator.crt'), certificate);
  writeFileSync(join(folder, 'operator.key'), privateKey.reveal(), { mode: 0o600 });
}

/** How etcdctl reaches the member as the operator below `operator`. */
export function etcdctlAccess({ folder, clientPort }: EtcdPlace, operator: string): readonly string[] {
  return ['--endpoints', `https://127.0.0.1:${clientPort}`, '--cacert', join(folder, 'etcd-ca.pem'), '--cert', join(operator, 'operator.crt'), '--key', join(operator, 'operator.key')];
}

/** Starts a real etcd on loopback with mutual TLS on both ports. `initial`: name=URL of every member. */
export function startEtcd({ name, folder, clientPort, peerPort, advertisedPort = clientPort }: EtcdPlace, initial: Readonly<Record<string, string>>, state: 'new' | 'existing'): ChildProcess {
  const pki = join(folder, 'etc/kubernetes/pki/etcd');
  const tls = (leaf: string, ca: string) => ({ 'cert-file': `${pki}/${leaf}.crt`, 'key-file': `${pki}/${leaf}.key`, 'trusted-ca-file': join(folder, ca), 'client-cert-auth': true });
  const config = {
    name,
    'data-dir': join(folder, 'data'),
    'initial-cluster': Object.entries(initial).map(([member, url]) => `${member}=${url}`).join(','),
    'initial-cluster-state': state,
    'listen-peer-urls': `https://127.0.0.1:${peerPort}`,
    'initial-advertise-peer-urls': `https://127.0.0.1:${peerPort}`,
    'listen-client-urls': `https://127.0.0.1:${clientPort}`,
    'advertise-client-urls': `https://127.0.0.1:${advertisedPort}`,
    'heartbeat-interval': 100,
    'election-timeout': 1000,
    'enable-grpc-gateway': false,
    'tls-min-version': 'TLS1.3',
    'log-level': 'warn',
    'client-transport-security': tls('server', 'etcd-ca.pem'),
    'peer-transport-security': { ...tls('peer', 'peer-ca.pem'), 'allowed-cn': ['m1', 'm2', 'm3', 'm4'] },
  };
  // JSON is YAML too.
  writeFileSync(join(folder, 'etcd.yaml'), JSON.stringify(config));
  return spawn(cachedProgram('etcd', '3.7.3'), ['--config-file', join(folder, 'etcd.yaml')], { stdio: ['ignore', 'ignore', 'ignore'] });
}

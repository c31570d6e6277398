import { hostsWith } from '../cluster/cluster.ts';
import type { ComponentDesign, RenderInput } from './design.ts';
import type { EtcdConfig } from './_etcd-config.ts';
import { leafFiles, authorityFile } from './_pki-files.ts';
import { configFolder, credentialPath, etcdDataFolder, pkiFolder, programPath, unitFolder } from './paths.ts';
import { first, hardening, unitFile, unitMode } from './_unit-file.ts';
import { toYaml } from './_yaml.ts';

const unit = 'etcd.service';

/** An etcd member with mutual TLS for clients and peers, each from a CA of its own. */
export function renderEtcd(input: RenderInput): ComponentDesign | undefined {
  const { cluster, host } = input;
  if (!host.roles.includes('etcd')) return undefined;
  const program = programPath('etcd', cluster.etcd.version);
  return {
    name: 'etcd',
    unit,
    programs: { etcd: program, etcdctl: programPath('etcdctl', cluster.etcd.version), etcdutl: programPath('etcdutl', cluster.etcd.version) },
    files: [
      authorityFile(input, 'etcd', 'etcd/ca.crt'),
      authorityFile(input, 'etcd-peer', 'etcd/peer-ca.crt'),
      ...leafFiles(input, ['etcd-server', 'etcd-peer', 'etcd-healthcheck-client']),
      { path: `${configFolder}/etcd.yaml`, mode: 0o644, owner: 'root:root', content: etcdConfig(input) },
      { path: `${unitFolder}/${unit}`, mode: unitMode, owner: 'root:root', content: etcdUnit(program) },
    ],
    onChange: 'restart',
  };
}

function etcdConfig({ cluster, host, facts }: RenderInput): string {
  const members = hostsWith(cluster, 'etcd');
  const peerUrl = (address: string) => `https://${address}:2380`;
  const config: EtcdConfig = {
    'name': host.name,
    'data-dir': etcdDataFolder,
    'initial-cluster': members.map(({ name, address }) => `${name}=${peerUrl(address)}`).join(','),
    'initial-cluster-token': cluster.name,
    'initial-cluster-state': facts.etcdInitialState,
    'listen-peer-urls': peerUrl(host.address),
    'initial-advertise-peer-urls': peerUrl(host.address),
    'listen-client-urls': `https://127.0.0.1:2379,https://${host.address}:2379`,
    'advertise-client-urls': `https://${host.address}:2379`,
    // Health and metrics leave the gRPC port, so that a flood of watches cannot starve them. Loopback only: metrics have no authentication.
    'listen-client-http-urls': 'https://127.0.0.1:2382',
    'listen-metrics-urls': 'http://127.0.0.1:2381',
    'quota-backend-bytes': cluster.etcd.quotaBackendBytes,
    'heartbeat-interval': cluster.etcd.heartbeatInterval,
    'election-timeout': cluster.etcd.electionTimeout,
    // Configuration files want nanoseconds.
    'watch-progress-notify-interval': 5_000_000_000,
    'feature-gates': 'InitialCorruptCheck=true,CompactHashCheck=true',
    // The API server compacts.
    'auto-compaction-retention': '0',
    'enable-grpc-gateway': false,
    'tls-min-version': 'TLS1.3',
    'log-outputs': ['stderr'],
    'client-transport-security': {
      'cert-file': `${pkiFolder}/etcd/server.crt`,
      'key-file': credentialPath(unit, 'server.key'),
      'trusted-ca-file': `${pkiFolder}/etcd/ca.crt`,
      'client-cert-auth': true,
    },
    'peer-transport-security': {
      'cert-file': `${pkiFolder}/etcd/peer.crt`,
      'key-file': credentialPath(unit, 'peer.key'),
      'trusted-ca-file': `${pkiFolder}/etcd/peer-ca.crt`,
      'client-cert-auth': true,
    },
  };
  return toYaml(config);
}

function etcdUnit(program: string): string {
  return unitFile({
    Unit: { Description: 'etcd (kubekeep)', After: 'network-online.target', Wants: 'network-online.target', StartLimitIntervalSec: 0 },
    Service: {
      Type: 'notify',
      User: 'etcd',
      Group: 'etcd',
      ExecStart: `${program} --config-file=${configFolder}/etcd.yaml`,
      LoadCredential: [`server.key:${pkiFolder}/etcd/server.key`, `peer.key:${pkiFolder}/etcd/peer.key`],
      StateDirectory: 'etcd',
      StateDirectoryMode: '0700',
      Restart: 'always',
      // Its API server can do nothing without it. One that ends again and again waits longer each time (where systemd is older than 254: not so).
      RestartSec: '100ms',
      RestartSteps: 8,
      RestartMaxDelaySec: 5,
      // READY comes after joining, and joining needs a quorum: the other members may be minutes away.
      TimeoutStartSec: 'infinity',
      LimitNOFILE: 65536,
      ...first,
      IOSchedulingClass: 'best-effort',
      IOSchedulingPriority: 0,
      ...hardening,
    },
    Install: { WantedBy: 'multi-user.target' },
  });
}

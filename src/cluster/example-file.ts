import { stringify } from 'yaml';
import { defaults } from './cluster-file-schema.ts';
import type { ProgramSource, Role } from './cluster.ts';

export interface ExampleFile {
  readonly name: string;
  /** With the prefix length of its subnet: 10.0.0.100/24. */
  readonly vip: string;
  readonly hosts: readonly ExampleHost[];
  /** Lines of comment at the top, without `#`; default: what the file is and which commands read it. */
  readonly title?: readonly string[];
  readonly names?: readonly string[];
  readonly previousVips?: readonly string[];
  readonly versions?: { readonly kubernetes?: string; readonly etcd?: string };
  readonly imageRepository?: string;
  readonly programs?: { readonly source?: ProgramSource; readonly directory?: string; readonly mirror?: string };
  readonly backup?: { readonly repository?: string };
  /** For all hosts; paths as they shall stand in the file. */
  readonly ssh?: ExampleSsh;
}

export interface ExampleHost {
  readonly name: string;
  readonly address: string;
  /** Left out of the file where they are the default ones. */
  readonly roles?: readonly Role[];
  readonly interface?: string;
  readonly kubelet?: true | undefined;
  readonly ssh?: ExampleSsh & { readonly address?: string; readonly hostKey?: string };
}

export interface ExampleSsh {
  readonly user?: string;
  readonly port?: number;
  readonly identity?: string;
  readonly jump?: string;
}

/** A commented cluster file. The same input gives the same text, and `parseClusterFile` reads it without problems where the values are good. */
export function exampleClusterFile({ name, vip, hosts, title = about, names = [], previousVips = [], versions = {}, imageRepository, programs = {}, backup = {}, ssh = {} }: ExampleFile): string {
  return [
    ...title.map((line) => `# ${line}`.trimEnd()),
    'apiVersion: kubekeep.dev/v1alpha1',
    'kind: Cluster',
    'metadata:',
    `  name: ${scalar(name)}`,
    'spec:',
    '  endpoint:',
    '    # Virtual IP of the API server with the prefix length of its subnet: a free address that moves between the load balancers.',
    `    vip: ${scalar(vip)}`,
    '    # DNS names that lead to the VIP; kubeconfigs use the first one.',
    names.length > 0 ? `    names: ${flow(names)}` : '    # names: [api.prod.example]',
    ...(previousVips.length > 0 ? ['    # Earlier VIPs, which stay up until they are taken out of this list.', `    previousVips: ${flow(previousVips)}`] : []),
    '  kubernetes:',
    `    version: ${scalar(versions.kubernetes ?? defaults.kubernetes)}`,
    ...(imageRepository === undefined ? [] : ['    # Where nodes get the images of Kubernetes itself from.', `    imageRepository: ${scalar(imageRepository)}`]),
    '    # More names and addresses for the certificate of the API server.',
    '    # extraSans: [api.internal.example, 203.0.113.10]',
    '    # Flags without dashes; they win over what kubekeep sets.',
    '    # apiServer: { extraFlags: { event-ttl: 2h } }',
    '  etcd:',
    `    version: ${scalar(versions.etcd ?? defaults.etcd)}`,
    '  networks:',
    '    # Must not overlap with the hosts or with each other.',
    '    pods: 10.244.0.0/16',
    '    services: 10.96.0.0/12',
    ...section('programs', 'Where the programs come from: auto, release, build or directory.', ['source: auto'], programs),
    ...section('backup', 'Where backups go; kubekeep backup init makes the repository.', ['repository: /mnt/backups/prod # or s3://BUCKET/PREFIX'], backup),
    ...section('ssh', 'How SSH reaches all hosts that say nothing else; without an identity your SSH agent and configuration decide.', ['user: root', 'port: 22', 'identity: ~/.ssh/id_ed25519', 'jump: admin@bastion.example'], ssh),
    '  # Without roles a host has these: etcd, control-plane, load-balancer. One with the role worker runs pods.',
    '  hosts:',
    ...hosts.flatMap(hostLines),
    '',
  ].join('\n');
}

const about = [
  'The cluster file of kubekeep: the control plane as it should be. It holds no secrets.',
  'kubekeep validate checks it, kubekeep plan shows what would change, kubekeep apply does it.',
  'docs/reference/spec.md explains every field; schema/cluster.json lets editors check it.',
];

/** The given fields of a block, or its examples as comments where there are none. */
function section(name: string, comment: string, examples: readonly string[], fields: object): readonly string[] {
  const given = fieldLines(fields);
  return [`  # ${comment}`, ...(given.length > 0 ? [`  ${name}:`, ...given.map((line) => `    ${line}`)] : [`  # ${name}:`, ...examples.map((line) => `  #   ${line}`)])];
}

function hostLines({ name, address, roles, interface: device, kubelet, ssh = {} }: ExampleHost): readonly string[] {
  const login = fieldLines(ssh);
  return [
    `    - name: ${scalar(name)}`,
    `      address: ${scalar(address)}`,
    ...(roles === undefined || isDefault(roles) ? [] : [`      roles: ${flow(roles)}`]),
    ...fieldLines({ interface: device, kubelet }).map((line) => `      ${line}`),
    ...(login.length > 0 ? ['      ssh:', ...login.map((line) => `        ${line}`)] : []),
  ];
}

function fieldLines(fields: object): readonly string[] {
  return Object.entries(fields).flatMap(([field, value]) => (value === undefined ? [] : [`${field}: ${scalar(value)}`]));
}

function isDefault(roles: readonly Role[]): boolean {
  return roles.length === defaults.roles.length && defaults.roles.every((role) => roles.includes(role));
}

function flow(values: readonly string[]): string {
  return `[${values.map(scalar).join(', ')}]`;
}

/** Quoted only where YAML would read something else than this text. */
function scalar(value: unknown): string {
  return stringify(value, { lineWidth: 0, defaultStringType: 'PLAIN' }).trimEnd();
}

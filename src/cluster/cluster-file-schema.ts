import { z } from 'zod';
import { complaint, dnsName, dnsNameOrIpv4, integer, ipv4Address, ipv4Cidr, label, list, mapping, oneOf, path, port, sshAddress, sshJump, text } from './_fields.ts';
import { labels, service } from './_service-schema.ts';
import { dnsKinds, podNetworkKinds, programSources, roles } from './cluster.ts';

/**
 * The cluster file as the user writes it: the one source of its fields, defaults and texts. `schema/cluster.json` and `docs/reference/spec.md` are made
 * from it by `npm run fix:schema`. What concerns several fields at once stands in `rules/`.
 */
export type ClusterFile = z.output<typeof clusterFileSchema>;

export const defaults = { kubernetes: '1.37.2', etcd: '3.7.3', roles: ['etcd', 'control-plane', 'load-balancer'], sshUser: 'root', sshPort: 22 } as const;

const version = (example: string) => text(/^(0|[1-9][0-9]{0,3})(\.(0|[1-9][0-9]{0,3})){2}$/, `a version with three numbers such as "${example}"`);
const certificateNames = 'a DNS name in lower case or an IPv4 address';

const flagExpects = 'text on one line, a number, or true or false';
const flagValue = z
  .union([text(/^[^\u0000-\u001f\u007f]*$/, flagExpects), z.number().min(Number.MIN_SAFE_INTEGER).max(Number.MAX_SAFE_INTEGER), z.boolean()], { error: complaint(flagExpects) })
  .transform(String);

const component = (name: string) =>
  mapping({
    extraFlags: z
      .record(text(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/, "a flag's name without leading dashes, in lower case"), flagValue, { error: complaint('a mapping from flag to value') })
      .prefault({})
      .describe(`Flags of ${name} without their dashes; they win over kubekeep's own, and the ones that kubekeep must set itself are refused.`),
  })
    .prefault({})
    .describe(`Settings of ${name}.`);

const ssh = {
  port: port().optional(),
  user: text(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/, 'a user name').optional(),
  identity: path('the path of a private key').optional(),
  jump: sshJump('a jump host as for ssh -J, such as admin@bastion.example:22').optional(),
};

const host = mapping({
  name: label('a host name of at most 63 lower-case letters, digits and dashes').describe('Name of the host: of its etcd member and its node; never changed later.'),
  address: ipv4Address('an IPv4 address such as 10.0.0.11').describe('IPv4 address at which the other hosts reach it.'),
  roles: list(oneOf(roles), `roles (${roles.join(', ')})`, 1)
    .default([...defaults.roles])
    .describe('What the host does: `etcd` holds data (which hosts do stays as the cluster was built), `control-plane` runs the API server and the controllers, `load-balancer` runs HAProxy and can hold the VIP, `worker` runs pods and nothing else.'),
  interface: text(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/, 'the name of a network interface such as eth0')
    .optional()
    .describe("Network interface that carries the VIPs, where the host's address is not in the VIP's subnet."),
  labels: labels('Labels of the host, by which services choose their nodes. They are of this file and not those of the node in Kubernetes.'),
  kubelet: z.boolean({ error: complaint('true or false') })
    .optional()
    .describe('For hosts of the control plane: whether the host is a node too, with the taint that keeps usual pods away, as its API server needs it to reach pods of an overlay network. Default: false.'),
  ssh: mapping({
    address: sshAddress('a host name or an IPv4 address')
      .optional()
      .describe('Where SSH reaches the host: a name, an address, or an alias of your SSH configuration. Default: `address` of the host.'),
    port: ssh.port.describe('SSH port. Default: that of `spec.ssh`.'),
    user: ssh.user.describe('Login user. Default: that of `spec.ssh`.'),
    identity: ssh.identity.describe('Path of a private key on your computer. Default: that of `spec.ssh`.'),
    jump: ssh.jump.describe('Jump host. Default: that of `spec.ssh`.'),
    hostKey: text(/^(ssh-ed25519|ecdsa-sha2-nistp(256|384|521)|ssh-rsa|sk-ssh-ed25519@openssh\.com) AAAA[A-Za-z0-9+/]{16,8000}={0,2}$/, 'a public host key in the form "ssh-ed25519 AAAA…", without a comment')
      .optional()
      .describe('Pinned public host key, as in the second and third column of `ssh-keyscan`; it wins over `kubekeep hosts trust`.'),
  })
    .prefault({})
    .describe('How SSH reaches this host, where it differs from `spec.ssh`.'),
});

const endpoint = mapping({
  vip: ipv4Cidr('[89]|[12][0-9]|3[0-2]', 'an IPv4 address with the prefix length of its subnet such as 10.0.0.100/24').describe(
    'Virtual IP of the API server, with the prefix length of its subnet; a free address that keepalived moves between the load balancers.',
  ),
  port: port().default(6443).describe('Port of the API server at the VIP.'),
  names: list(dnsName('a DNS name in lower case such as api.prod.example'), 'DNS names')
    .default([])
    .describe('DNS names of the endpoint; kubeconfigs use the first one, so it must lead to the VIP.'),
  previousVips: list(ipv4Address('an IPv4 address without a prefix length such as 10.0.0.99'), 'IPv4 addresses')
    .default([])
    .describe('Earlier VIPs that stay up until they are taken out of this list; this is how a VIP is changed without a failed request.'),
  load: z.boolean({ error: complaint('true or false') }).default(false).describe('Whether new connections go to the API servers by weights that follow their load: their requests in flight, and how busy their hosts are.'),
});

const kubernetes = mapping({
  version: version(defaults.kubernetes).default(defaults.kubernetes).describe('Version of the Kubernetes programs.'),
  extraSans: list(dnsNameOrIpv4(certificateNames), 'DNS names and IPv4 addresses')
    .default([])
    .describe("More names and addresses for the API server's certificate."),
  imageRepository: text(/^[a-z0-9]([a-z0-9.-]{0,200}[a-z0-9])?(:[1-9][0-9]{0,4})?(\/[a-z0-9]([a-z0-9._-]{0,100}[a-z0-9])?){0,8}$/, 'a registry, with or without a path, such as registry.k8s.io')
    .default('registry.k8s.io')
    .describe("Where nodes get the images of Kubernetes itself from: `pause`, which keeps a pod's network, and CoreDNS."),
  apiServer: component('kube-apiserver'),
  controllerManager: component('kube-controller-manager'),
  scheduler: component('kube-scheduler'),
});

const etcd = mapping({
  version: version(defaults.etcd).default(defaults.etcd).describe('Version of etcd. A cluster does not go back to an earlier minor version.'),
  heartbeatInterval: integer(10, 10000, 'milliseconds').default(50).describe("Milliseconds between the leader's heartbeats, the same on all members."),
  electionTimeout: integer(500, 50000, 'milliseconds').default(500).describe('Milliseconds without a heartbeat after which a new leader is elected; at least five times `heartbeatInterval`.'),
  quotaBackendBytes: integer(16 * 2 ** 20, 100 * 2 ** 30, 'bytes').default(8 * 2 ** 30).describe('Size of the database in bytes at which etcd refuses writes.'),
});

const networks = mapping({
  pods: ipv4Cidr('[89]|1[0-9]|2[0-4]', 'an IPv4 network from /8 to /24 such as 10.244.0.0/16').default('10.244.0.0/16').describe('Network of the pods; each node gets a /24 of it. It stays as the cluster was built with.'),
  services: ipv4Cidr('1[2-9]|2[0-8]', 'an IPv4 network from /12 to /28 such as 10.96.0.0/12').default('10.96.0.0/12').describe('Network of the service addresses. It stays as the cluster was built with.'),
  cni: oneOf(podNetworkKinds)
    .default('bridge')
    .describe('Who connects the pods of nodes: `bridge` (a bridge on each node and routes between the hosts, which must be in one subnet), or `none` (a network plugin that you install). `bridge` stays as long as there are nodes that have it.'),
  dnsDomain: dnsName('a DNS domain in lower case such as cluster.local').default('cluster.local').describe('DNS domain of the services. It stays as the cluster was built with.'),
  dns: oneOf(dnsKinds)
    .default('coredns')
    .describe('Who answers the pods\' questions for names: `coredns` (installed where there are nodes, as kubeadm does it), or `none` (a DNS that you install; its Service has the tenth address of `services`).'),
});

const programs = mapping({
  source: oneOf(programSources)
    .default('auto')
    .describe('Where programs come from: `release` (official downloads), `build` (compiled from the public Go modules), `directory` (a local folder), `auto` (`release`, and `build` where that cannot be reached).'),
  directory: path('the path of a folder').optional().describe('Folder for `source: directory`, with NAME/VERSION/PLATFORM/NAME of each program (`etcd/3.7.3/linux-amd64/etcd`) and, made in it, `sha256sum */*/*/* > SHA256SUMS`; a relative path starts at the folder of the cluster file.'),
  mirror: text(/^https?:\/\/[^\s@\u0000-\u001f/?#]+(\/[^\s\u0000-\u001f?#]*)?$/, 'an http or https address without user, password or query')
    .optional()
    .describe('Base address of a mirror that is used instead of the official download addresses.'),
});

const recipient = () => text(/^age1[02-9ac-hj-np-z]{58}$/, 'an age recipient (age1…)');

const count = (what: string) => integer(0, 10_000).default(0).describe(`${what}, counted from the newest.`);

const keep = mapping({
  within: text(/^[1-9]\d{0,4}[hdw]$/, 'a time such as 36h, 14d or 8w').describe('How long before the newest backup every second can be restored: all bases of that time, the log, and the base that it begins at.'),
  last: count('How many bases are kept in any case'),
  hourly: count('Of how many hours the newest base is kept'),
  daily: count('Of how many days (UTC) the newest base is kept'),
  weekly: count('Of how many weeks (UTC, from Monday) the newest base is kept'),
  rehearsed: integer(0, 10_000).default(2).describe('How many of the newest bases that `restore verify` has replayed are kept.'),
});

const s3 = mapping({
  endpoint: text(/^(https:\/\/[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|http:\/\/(127\.0\.0\.1|localhost))(:[1-9][0-9]{0,4})?\/?$/, 'an https address without user, path or query such as https://s3.example:9000', (value) =>
    value.includes('@') ? 'has a user in it; credentials come from the environment or the files of ~/.aws' : undefined)
    .optional()
    .describe('Address of an S3 server of your own; `http` only where it is this computer. Default: AWS, in the region.'),
  region: text(/^[a-z0-9-]{1,40}$/, 'the name of a region such as eu-central-1').optional().describe('Region of the bucket. Default: what AWS_REGION or the AWS profile says; with an `endpoint`, `us-east-1`.'),
  ca: path('the path of a file with certificates').optional().describe("Certificates of the authorities (PEM) of which one must have issued the endpoint's; a relative path starts at the folder of the cluster file. Default: those that Node trusts."),
  pathStyle: z.boolean({ error: complaint('true or false') }).optional().describe('Whether addresses are ENDPOINT/BUCKET instead of BUCKET.ENDPOINT. Default: true with an `endpoint`, else false.'),
  hostCredentials: path('the path of a file with credentials').optional().describe('A file, for `follow: hosts`, in the form of `~/.aws/credentials` whose `[default]` is the login that the hosts get, which needs no right to delete; a relative path starts at the folder of the cluster file. Default: none, they use the role of the machine.'),
});

const backup = mapping({
  repository: text(/^(s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](\/[A-Za-z0-9_-][A-Za-z0-9_.=-]{0,127}){0,8}\/?|(?![A-Za-z0-9+.-]*:\/\/)[^\u0000-\u001f\u007f]{1,4096})$/, 'the path of a folder, or s3://BUCKET/PREFIX').describe(
    'Where backups are kept: a folder, best on another machine that is mounted here, or `s3://BUCKET/PREFIX`; a relative path starts at the folder of the cluster file. Credentials of S3 are found as by every program with the SDK of AWS, and never stand in this file.',
  ),
  s3: s3.optional().describe('How the bucket is reached.'),
  bandwidth: text(/^[1-9][0-9]{0,5}(kB|MB|GB)\/s$/, 'an amount a second such as 20MB/s').optional().describe('How much bases may write a second, on average; the log is not made to wait. Default: as much as they can.'),
  recipients: list(recipient(), 'age recipients').default([]).describe("Who can read backups besides this cluster's own identity: age recipients, whose identities are kept elsewhere."),
  escrow: list(recipient(), 'age recipients').optional().describe("Who can read the keys of the cluster that are kept with its backups, besides this cluster's own identity; without it all `recipients`."),
  follow: oneOf(['hosts']).optional().describe('Where `apply` installs the follower of the log as a service: `hosts` are all that have etcd, once `backup init` was run, and it takes a bucket. Default: nowhere; `backup follow` runs wherever you start it.'),
  keep: keep.optional().describe('What `backup prune` keeps: all that one of these names, and always the newest base and the newest that was rehearsed. Without it nothing is taken away.'),
});

export const clusterFileSchema = mapping({
  apiVersion: oneOf(['kubekeep.dev/v1alpha1']).describe('Version of this format.'),
  kind: oneOf(['Cluster']).describe('Kind of this file.'),
  metadata: mapping({
    name: label('a name of at most 63 lower-case letters, digits and dashes').describe('Name of the cluster; never changed later.'),
  }).describe('Who the cluster is.'),
  spec: mapping({
    endpoint: endpoint.describe('The address that clients use.'),
    kubernetes: kubernetes.prefault({}).describe('The Kubernetes programs.'),
    etcd: etcd.prefault({}).describe('The etcd members.'),
    networks: networks.prefault({}).describe('Networks inside the cluster; they must not overlap with the hosts or with each other.'),
    programs: programs.prefault({}).describe('Where the programs come from.'),
    services: list(service, 'services, each with a name, a port and where it leads').default([]).describe('Services of the cluster that HAProxy on the load balancers serves to clients outside.'),
    backup: backup.optional().describe('Where backups go and who can read them.'),
    ssh: mapping({
      port: port().default(defaults.sshPort).describe('SSH port.'),
      user: ssh.user.unwrap().default(defaults.sshUser).describe('Login user: root, or one with sudo that asks for no password.'),
      identity: ssh.identity.describe('Path of a private key on your computer; a relative path starts at the folder of the cluster file. Without it, your SSH configuration and agent decide.'),
      jump: ssh.jump.describe('Jump host as for `ssh -J`.'),
    })
      .prefault({})
      .describe('How SSH reaches all hosts that say nothing else.'),
    hosts: list(host, 'hosts, each with a name and an address', 1).describe('The Linux machines of the control plane, and the workers.'),
  }).describe('The control plane as it should be.'),
});

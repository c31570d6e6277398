import { auditLevel } from './audit-level.ts';
import { content, flag, noFile, noFlag, option, rights, setting, type Evidence } from './evidence.ts';

/**
 * How kubekeep stands to each check of the CIS Kubernetes benchmark 1.12 for control plane, etcd and their configuration, by the numbers of
 * kube-bench (cfg/cis-1.12: master, etcd, controlplane). `automated` is what the benchmark says about itself; a check that passes has evidence whatever
 * the benchmark says.
 */
export interface CisCheck {
  readonly id: string;
  readonly automated: boolean;
  /** In our words. */
  readonly check: string;
  readonly status: 'pass' | 'manual';
  /** How it is met beside the evidence, or our answer. */
  readonly note: string;
  readonly evidence: readonly Evidence[];
}

const pki = '/etc/kubernetes/pki';
const api = 'kube-apiserver';
const manager = 'kube-controller-manager';
const etcdFile = '/etc/kubekeep/etcd.yaml';
const authentication = '/etc/kubernetes/authentication.yaml';
const auditPolicy = '/etc/kubernetes/audit-policy.yaml';
const credential = (unit: string, name: string) => `/run/credentials/${unit}.service/${name}`;

/** Passes: what the files show is enough. */
function pass(id: string, check: string, evidence: readonly Evidence[], note = ''): CisCheck {
  return { id, automated: true, check, status: 'pass', note, evidence };
}

/** The benchmark asks a person to look; the files answer. */
function answered(id: string, check: string, evidence: readonly Evidence[], note = ''): CisCheck {
  return { id, automated: false, check, status: 'pass', note, evidence };
}

/** The benchmark asks a person to decide; this is what kubekeep decides and why. */
function manual(id: string, check: string, note: string, evidence: readonly Evidence[] = []): CisCheck {
  return { id, automated: false, check, status: 'manual', note, evidence };
}

function startedBy(first: number, unit: string): readonly CisCheck[] {
  const file = `/etc/systemd/system/${unit}.service`;
  const note = 'A systemd unit takes the place of the pod specification.';
  return [
    pass(`1.1.${first}`, `What starts ${unit} is readable by its owner alone`, [rights(file, 0o600)], note),
    pass(`1.1.${first + 1}`, `What starts ${unit} belongs to root`, [rights(file, 0o600)]),
  ];
}

const files: readonly CisCheck[] = [
  ...startedBy(1, api),
  ...startedBy(3, manager),
  ...startedBy(5, 'kube-scheduler'),
  ...startedBy(7, 'etcd'),
  manual('1.1.9', 'Files of the pod network are readable by root alone', 'A host of the control plane has none without `kubelet: true`. With it and `cni: bridge` `/etc/cni/net.d/10-kubekeep.conflist` is 644: it holds no secret.'),
  manual('1.1.10', 'Files of the pod network belong to root', 'The same file belongs to root.'),
  pass('1.1.11', 'The data directory of etcd is closed to others', [option('etcd', 'StateDirectory', 'etcd'), option('etcd', 'StateDirectoryMode', '0700')], 'systemd makes `/var/lib/etcd` and sets its mode at every start.'),
  pass('1.1.12', 'The data directory of etcd belongs to etcd', [option('etcd', 'User', 'etcd'), option('etcd', 'Group', 'etcd')], 'systemd gives it to the user of the unit.'),
  pass('1.1.13', "The administrator's kubeconfig is readable by root alone", [noFile('/etc/kubernetes/admin.conf'), noFile('/etc/kubernetes/super-admin.conf')], 'No host keeps one.'),
  pass('1.1.14', "The administrator's kubeconfig belongs to root", [noFile('/etc/kubernetes/admin.conf'), noFile('/etc/kubernetes/super-admin.conf')], 'No host keeps one.'),
  pass('1.1.15', 'scheduler.conf is readable by root alone', [rights('/etc/kubernetes/scheduler.conf', 0o600)], 'systemd hands it to the unit.'),
  pass('1.1.16', 'scheduler.conf belongs to root', [rights('/etc/kubernetes/scheduler.conf', 0o600)]),
  pass('1.1.17', 'controller-manager.conf is readable by root alone', [rights('/etc/kubernetes/controller-manager.conf', 0o600)], 'systemd hands it to the unit.'),
  pass('1.1.18', 'controller-manager.conf belongs to root', [rights('/etc/kubernetes/controller-manager.conf', 0o600)]),
  pass('1.1.19', 'Everything in the PKI folder belongs to root', [rights(/^\/etc\/kubernetes\/pki\/.*$/, 0o644)]),
  answered('1.1.20', 'Certificates can be changed by root alone', [rights(/^\/etc\/kubernetes\/pki\/.*\.crt$/, 0o644)]),
  answered('1.1.21', 'Private keys are readable by root alone', [rights(/^\/etc\/kubernetes\/pki\/.*\.key$/, 0o600)], 'Services run as other users; systemd hands each the keys that it needs (`LoadCredential`).'),
];

const anonymous = { enabled: true, conditions: [{ path: '/livez' }, { path: '/readyz' }, { path: '/healthz' }] };
const providers = [{ resources: ['secrets'], providers: [{ secretbox: { keys: [{ name: 'k1' }] } }, { identity: {} }] }];

const apiServer: readonly CisCheck[] = [
  manual('1.2.1', 'Nobody gets in without an identity', 'Three health paths only, for the balancers’ checks; they tell nothing but a state.', [setting(authentication, ['anonymous'], anonymous), noFlag(api, 'anonymous-auth')]),
  pass('1.2.2', 'No file of static tokens', [noFlag(api, 'token-auth-file')]),
  manual('1.2.3', 'Services cannot claim outside addresses (DenyServiceExternalIPs)', 'Left off: it would refuse Services that use `externalIPs` today. Where nobody needs them, add it with `extraFlags`: `enable-admission-plugins: NodeRestriction,DenyServiceExternalIPs`.'),
  pass('1.2.4', 'The API server shows kubelets a client certificate', [flag(api, 'kubelet-client-certificate', `${pki}/apiserver-kubelet-client.crt`), flag(api, 'kubelet-client-key', credential(api, 'apiserver-kubelet-client.key'))]),
  pass('1.2.5', "The API server checks kubelets' certificates", [flag(api, 'kubelet-certificate-authority', `${pki}/client-ca.crt`)]),
  pass('1.2.6', 'Not everything is allowed', [setting('/etc/kubernetes/authorization.yaml', ['authorizers'], [{ type: 'Node', name: 'node' }, { type: 'RBAC', name: 'rbac' }]), noFlag(api, 'authorization-mode')], 'Set in a file, where kube-bench does not look.'),
  pass('1.2.7', 'Nodes see only what concerns them (Node authorizer)', [setting('/etc/kubernetes/authorization.yaml', ['authorizers', '0', 'type'], 'Node'), flag(api, 'authorization-config', '/etc/kubernetes/authorization.yaml')]),
  pass('1.2.8', 'Rights come from RBAC', [setting('/etc/kubernetes/authorization.yaml', ['authorizers', '1', 'type'], 'RBAC'), flag(api, 'authorization-config', '/etc/kubernetes/authorization.yaml')]),
  manual('1.2.9', 'The rate of events is limited (EventRateLimit)', 'Left off: limits need figures that fit the cluster, and API priority and fairness, which is on, already keeps events from starving others.'),
  pass('1.2.10', 'Nothing is admitted unseen (AlwaysAdmit)', [flag(api, 'enable-admission-plugins', 'NodeRestriction')]),
  manual('1.2.11', 'Images are pulled afresh (AlwaysPullImages)', 'Left off: pods could not start while a registry is away. Add it with `extraFlags` where tenants share nodes.'),
  pass('1.2.12', 'Pods get a service account (ServiceAccount)', [noFlag(api, 'disable-admission-plugins')]),
  pass('1.2.13', 'Nothing is made in a namespace that goes away (NamespaceLifecycle)', [noFlag(api, 'disable-admission-plugins')]),
  pass('1.2.14', 'Kubelets change only their own objects (NodeRestriction)', [flag(api, 'enable-admission-plugins', 'NodeRestriction')]),
  pass('1.2.15', 'No profiling', [flag(api, 'profiling', 'false')]),
  pass('1.2.16', 'There is an audit log', [flag(api, 'audit-log-path', '/var/log/kubernetes/audit.log')]),
  pass('1.2.17', 'The audit log is kept for 30 days', [flag(api, 'audit-log-maxage', '30')]),
  pass('1.2.18', 'Ten old audit logs are kept', [flag(api, 'audit-log-maxbackup', '10')]),
  pass('1.2.19', 'An audit log has at most 100 MB', [flag(api, 'audit-log-maxsize', '100')]),
  answered('1.2.20', 'Requests have a time limit', [flag(api, 'request-timeout', '1m0s')]),
  pass('1.2.21', 'A token counts only while its service account is there', [flag(api, 'service-account-lookup', 'true')]),
  pass('1.2.22', 'Tokens are checked with a key of their own', [flag(api, 'service-account-key-file', `${pki}/sa.pub`)]),
  pass('1.2.23', 'The API server shows etcd a client certificate', [flag(api, 'etcd-certfile', `${pki}/apiserver-etcd-client.crt`), flag(api, 'etcd-keyfile', credential(api, 'apiserver-etcd-client.key'))]),
  pass('1.2.24', 'The API server has a certificate', [flag(api, 'tls-cert-file', `${pki}/apiserver.crt`), flag(api, 'tls-private-key-file', credential(api, 'apiserver.key'))]),
  pass('1.2.25', 'Client certificates are checked', [flag(api, 'client-ca-file', `${pki}/client-ca.crt`)]),
  pass('1.2.26', "The API server checks etcd's certificate", [flag(api, 'etcd-cafile', `${pki}/etcd/ca.crt`)]),
  answered('1.2.27', 'Secrets are encrypted at rest', [flag(api, 'encryption-provider-config', credential(api, 'encryption.yaml')), rights('/etc/kubernetes/encryption.yaml', 0o600)]),
  answered('1.2.28', 'They are encrypted with a strong cipher', [content('`encryption.yaml`: secretbox first, for Secrets', '/etc/kubernetes/encryption.yaml', (text) => shapeOf(text) === shapeOf(JSON.stringify({ resources: providers })), (text) => text.replace('secretbox', 'aesgcm'))]),
  answered('1.2.29', 'Only strong ciphers are used', [flag(api, 'tls-min-version', 'VersionTLS13')], 'TLS 1.3 alone: `--tls-cipher-suites` has no meaning there, and all of its suites are on the benchmark’s list.'),
  pass('1.2.30', 'The life of service-account tokens is not extended', [flag(api, 'service-account-extend-token-expiration', 'false')]),
];

const controllers: readonly CisCheck[] = [
  manual('1.3.1', 'Ended pods are removed in time', 'Kubernetes’ own threshold of 12,500 stays: logs of ended Jobs are the user’s. `extraFlags: { terminated-pod-gc-threshold: "1000" }` lowers it.'),
  pass('1.3.2', 'No profiling in the controller manager', [flag(manager, 'profiling', 'false')]),
  pass('1.3.3', 'Each controller has an identity of its own', [flag(manager, 'use-service-account-credentials', 'true')]),
  pass('1.3.4', 'Tokens are signed with a key of their own', [flag(manager, 'service-account-private-key-file', credential(manager, 'sa.key'))]),
  pass('1.3.5', 'Pods are given the CA of the API server', [flag(manager, 'root-ca-file', `${pki}/ca.crt`)]),
  pass('1.3.6', "Kubelets' serving certificates are renewed", [noFlag(manager, 'feature-gates')], 'RotateKubeletServerCertificate is on unless it is turned off.'),
  pass('1.3.7', 'The controller manager listens on loopback', [flag(manager, 'bind-address', '127.0.0.1')]),
  pass('1.4.1', 'No profiling in the scheduler', [setting('/etc/kubernetes/scheduler.yaml', ['enableProfiling'], false), flag('kube-scheduler', 'config', '/etc/kubernetes/scheduler.yaml')], 'Set in the configuration file, beside which the flag has no effect.'),
  pass('1.4.2', 'The scheduler listens on loopback', [flag('kube-scheduler', 'bind-address', '127.0.0.1')]),
];

const etcd: readonly CisCheck[] = [
  pass('2.1', 'etcd has a certificate', [setting(etcdFile, ['client-transport-security', 'cert-file'], `${pki}/etcd/server.crt`), setting(etcdFile, ['client-transport-security', 'key-file'], credential('etcd', 'server.key'))], 'etcd reads a configuration file, where kube-bench does not look.'),
  pass('2.2', 'Clients of etcd need a certificate', [setting(etcdFile, ['client-transport-security', 'client-cert-auth'], true)]),
  pass('2.3', 'etcd makes no certificates for itself', [setting(etcdFile, ['client-transport-security', 'auto-tls'], undefined)]),
  pass('2.4', 'Members of etcd have certificates for each other', [setting(etcdFile, ['peer-transport-security', 'cert-file'], `${pki}/etcd/peer.crt`), setting(etcdFile, ['peer-transport-security', 'key-file'], credential('etcd', 'peer.key'))]),
  pass('2.5', 'Members of etcd need a certificate', [setting(etcdFile, ['peer-transport-security', 'client-cert-auth'], true)]),
  pass('2.6', 'etcd makes no certificates for its members', [setting(etcdFile, ['peer-transport-security', 'auto-tls'], undefined)]),
  answered('2.7', 'etcd has a CA of its own', [
    setting(etcdFile, ['client-transport-security', 'trusted-ca-file'], `${pki}/etcd/ca.crt`),
    setting(etcdFile, ['peer-transport-security', 'trusted-ca-file'], `${pki}/etcd/peer-ca.crt`),
    content('neither is the CA of Kubernetes', `${pki}/ca.crt`, (text, host) => text !== '' && ['ca', 'peer-ca'].every((name) => host.get(`${pki}/etcd/${name}.crt`)?.content !== text), () => ''),
  ]),
];

const controlPlane: readonly CisCheck[] = [
  manual('3.1.1', 'People do not use client certificates', 'kubekeep makes one for the operator, short-lived and with rights from a ClusterRoleBinding that can be taken away; no host keeps it. Another way in for people is not set up by this release.'),
  manual('3.1.2', 'People do not use service-account tokens', 'kubekeep makes none.'),
  manual('3.1.3', 'People do not use bootstrap tokens', 'kubekeep makes one for each join, for one machine and at most 15 minutes, and takes it away after; that of `join-command` lives an hour, or `--ttl`. None is for people.', [flag(api, 'enable-bootstrap-token-auth', 'true')]),
  answered('3.2.1', 'There is an audit policy', [flag(api, 'audit-policy-file', auditPolicy), rights(auditPolicy, 0o644)]),
  answered('3.2.2', 'The audit policy covers what matters', [
    audited('bodies of Secrets, ConfigMaps and tokens are never noted', 'Metadata', [['get', '', 'secrets'], ['create', '', 'secrets'], ['create', '', 'configmaps'], ['create', '', 'serviceaccounts/token'], ['create', 'authentication.k8s.io', 'tokenreviews']], '- secrets', '- others'),
    audited('changes of pods and Deployments are noted with their body', 'Request', [['create', '', 'pods'], ['patch', 'apps', 'deployments'], ['delete', '', 'pods']], 'level: Request', 'level: None'),
    audited('who runs commands in pods, or goes through proxies, is noted', 'Metadata', [['get', '', 'pods/exec'], ['get', '', 'pods/portforward'], ['get', '', 'pods/proxy'], ['get', '', 'services/proxy']], 'level: Metadata\n    verbs', 'level: None\n    verbs'),
  ]),
];

export const cisChecks: readonly CisCheck[] = [...files, ...apiServer, ...controllers, ...etcd, ...controlPlane];

function audited(shows: string, level: string, requests: readonly (readonly [verb: string, group: string, resource: string])[], right: string, wrong: string): Evidence {
  return content(shows, auditPolicy, (text) => requests.every(([verb, group, resource]) => auditLevel(text, { verb, group, resource }) === level), (text) => text.replace(right, wrong));
}

/** The resources and providers of an encryption configuration in their order, without the keys. */
function shapeOf(text: string): string {
  return [...text.matchAll(/\b(secrets|secretbox|aesgcm|aescbc|kms|identity)\b/g)].map(([, word]) => word).join(' ');
}

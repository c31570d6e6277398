import { join } from 'node:path';
import type { BackedUpCluster } from '../cluster/cluster.ts';
import type { Secret } from '../lib/secret.ts';
import type { Authority } from '../pki/authorities.ts';
import type { IssuedLeaf } from '../pki/issue.ts';
import type { CertificateSpec } from '../pki/leaves.ts';
import { servicePublicKey } from '../pki/secrets.ts';

export interface ScratchApiInput {
  readonly cluster: BackedUpCluster;
  /** Where the files lie, absolute. */
  readonly folder: string;
  /** Of the etcd that it reads. */
  readonly etcdSocket: string;
  /** Made for this one server. */
  readonly authority: Authority;
  readonly serving: IssuedLeaf;
  readonly serviceAccountKey: Secret;
  /** How values in that etcd are encrypted, where it is known: an EncryptionConfiguration. */
  readonly encryption: Secret | undefined;
  /** Lets people in who may read everything and change nothing, and never an administrator of then. */
  readonly forReaders: boolean;
}

export interface ScratchApiDesign {
  readonly flags: Readonly<Record<string, string>>;
  readonly port: number;
  /** By name in the folder; for kubekeep's user alone. */
  readonly files: Readonly<Record<string, string | Secret>>;
}

const port = 6443;
/** Flags of the cluster's own API servers that decide which resources there are. */
const keptFlags = ['feature-gates', 'runtime-config', 'emulated-version'];
/** All that are on by default in Kubernetes 1.37: nothing may be changed, or refused, on the way. */
const admission = [
  'NamespaceLifecycle', 'LimitRanger', 'ServiceAccount', 'TaintNodesByCondition', 'PodSecurity', 'Priority', 'DefaultTolerationSeconds', 'DefaultStorageClass', 'StorageObjectInUseProtection',
  'PodGroupProtection', 'PersistentVolumeClaimResize', 'RuntimeClass', 'CertificateApproval', 'CertificateSigning', 'ClusterTrustBundleAttest', 'CertificateSubjectRestriction', 'DefaultIngressClass',
  'PodTopologyLabels', 'NodeDeclaredFeatureValidator', 'PodResizeValidator', 'MutatingAdmissionPolicy', 'MutatingAdmissionWebhook', 'ValidatingAdmissionPolicy', 'ValidatingAdmissionWebhook', 'ResourceQuota',
];

/** What the certificate of such a server says. */
export const scratchServingLeaf: CertificateSpec = { name: 'apiserver', authority: 'kubernetes', commonName: 'kube-apiserver', organizations: [], dnsNames: ['kubernetes'], addresses: ['127.0.0.1'], usages: ['server'] };

/** Who a server for readers lets in. A refusal names the user: that is the reason, too. */
export const readerLeaf: CertificateSpec = { name: 'reader', authority: 'kubernetes', commonName: 'the-past-is-read-only', organizations: [], dnsNames: [], addresses: [], usages: ['client'] };

/** An API server on loopback that reads an etcd and is thrown away: it compacts nothing, caches nothing and announces itself nowhere. */
export function renderScratchApiServer({ cluster, folder, etcdSocket, authority, serving, serviceAccountKey, encryption, forReaders }: ScratchApiInput): ScratchApiDesign {
  const { extraFlags } = cluster.kubernetes.apiServer;
  return {
    port,
    flags: {
      'advertise-address': '127.0.0.1',
      'anonymous-auth': 'false',
      ...(forReaders ? { 'authorization-mode': 'ABAC', 'authorization-policy-file': join(folder, 'readers.jsonl') } : { 'authorization-mode': 'RBAC' }),
      'bind-address': '127.0.0.1',
      'cert-dir': folder,
      'client-ca-file': join(folder, 'ca.crt'),
      'disable-admission-plugins': admission.join(','),
      ...(encryption && { 'encryption-provider-config': join(folder, 'encryption.yaml') }),
      'endpoint-reconciler-type': 'none',
      'etcd-compaction-interval': '0',
      'etcd-servers': `unix://${etcdSocket}`,
      'profiling': 'false',
      'secure-port': String(port),
      'service-account-issuer': `https://kubernetes.default.svc.${cluster.networks.dnsDomain}`,
      'service-account-key-file': join(folder, 'sa.pub'),
      'service-account-signing-key-file': join(folder, 'sa.key'),
      'service-cluster-ip-range': cluster.networks.services,
      'tls-cert-file': join(folder, 'apiserver.crt'),
      'tls-private-key-file': join(folder, 'apiserver.key'),
      'watch-cache': 'false',
      ...Object.fromEntries(Object.entries(extraFlags).filter(([name]) => keptFlags.includes(name))),
    },
    files: {
      'ca.crt': authority.certificate,
      'apiserver.crt': serving.certificate,
      'apiserver.key': serving.privateKey,
      'sa.key': serviceAccountKey,
      'sa.pub': servicePublicKey({ serviceAccountKey }),
      ...(encryption && { 'encryption.yaml': encryption }),
      ...(forReaders && { 'readers.jsonl': readersPolicy }),
    },
  };
}

/** Its rules lie outside of etcd, so that no role of then counts. Nothing stores the reviews that programs ask for to learn what they may do. */
const readersPolicy = [
  { namespace: '*', resource: '*', apiGroup: '*', readonly: true },
  { nonResourcePath: '*', readonly: true },
  ...['selfsubjectaccessreviews', 'selfsubjectrulesreviews'].map((resource) => ({ namespace: '*', resource, apiGroup: 'authorization.k8s.io' })),
  { resource: 'selfsubjectreviews', apiGroup: 'authentication.k8s.io' },
]
  .map((spec) => `${JSON.stringify({ apiVersion: 'abac.authorization.kubernetes.io/v1beta1', kind: 'Policy', spec: { user: readerLeaf.commonName, ...spec } })}\n`)
  .join('');

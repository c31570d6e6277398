import { join } from 'node:path';
import type { BackedUpCluster } from '../cluster/cluster.ts';
import type { Secret } from '../lib/secret.ts';
import type { Authority } from '../pki/authorities.ts';
import type { IssuedLeaf } from '../pki/issue.ts';
import type { CertificateSpec } from '../pki/leaves.ts';
import { servicePublicKey } from '../pki/secrets.ts';
import { encryptionConfig } from './kube-apiserver.ts';

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
  /** The key of the Secrets in that etcd, where it is known. */
  readonly encryptionKey: Secret | undefined;
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
export const scratchServingLeaf: CertificateSpec = { name: 'apiserver', authority: 'kubernetes', commonName: 'kube-apiserver', organizations: [], dnsNames: ['kubernetes'], addresses: [], usages: ['server'] };

/** An API server on loopback that reads an etcd once and is thrown away: it compacts nothing, caches nothing and announces itself nowhere. */
export function renderScratchApiServer({ cluster, folder, etcdSocket, authority, serving, serviceAccountKey, encryptionKey }: ScratchApiInput): ScratchApiDesign {
  const { extraFlags } = cluster.kubernetes.apiServer;
  return {
    port,
    flags: {
      'advertise-address': '127.0.0.1',
      'anonymous-auth': 'false',
      'authorization-mode': 'RBAC',
      'bind-address': '127.0.0.1',
      'cert-dir': folder,
      'client-ca-file': join(folder, 'ca.crt'),
      'disable-admission-plugins': admission.join(','),
      ...(encryptionKey && { 'encryption-provider-config': join(folder, 'encryption.yaml') }),
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
      ...(encryptionKey && { 'encryption.yaml': encryptionConfig(encryptionKey) }),
    },
  };
}

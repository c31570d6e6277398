import type { z } from 'zod';
import { list, mapping, path, text } from './_fields.ts';
import { clusterFileSchema } from './cluster-file-schema.ts';
import type { Kubernetes, Networks } from './cluster.ts';

/** The cluster file of a cluster that somebody else built: what its backups need, and nothing that kubekeep could be taken to change. */
export type ExternalFile = z.output<typeof externalFileSchema>;

const { apiVersion, kind, metadata, spec } = clusterFileSchema.shape;
const { kubernetes, etcd, networks, programs, backup } = spec.shape;

const host = '[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?';
const endpoint = text(new RegExp(`^https://${host}:[1-9][0-9]{0,4}/?$`), 'an https address with a port such as https://10.0.0.11:2379', (value) =>
  value.startsWith('http://') ? 'is not https; without TLS whoever can read the network has every Secret, so kubekeep speaks with etcd by TLS only' : undefined);

const externalEtcd = mapping({
  endpoints: list(endpoint, 'https addresses', 1).describe('Client addresses of the etcd members, reached from this computer without SSH; members that they name and this list does not are asked too.'),
  ca: path('the path of a file with certificates').describe("Certificates (PEM) of the authorities of which one has issued the members' server certificates; with kubeadm `/etc/kubernetes/pki/etcd/ca.crt`. Relative paths start at the folder of the cluster file."),
  certificate: path('the path of a certificate').describe('Client certificate (PEM) that the members take; with kubeadm `/etc/kubernetes/pki/etcd/healthcheck-client.crt`. The files are read again whenever kubekeep connects.'),
  key: path('the path of a private key').describe('Its private key (PEM), with kubeadm `/etc/kubernetes/pki/etcd/healthcheck-client.key`.'),
});

export const externalFileSchema = mapping({
  apiVersion,
  kind,
  metadata,
  spec: mapping({
    external: mapping({ etcd: externalEtcd.describe('How the etcd members are reached.') }).describe('A cluster that kubekeep did not build: it is backed up, and nothing in it is changed.'),
    kubernetes: mapping({ version: kubernetes.unwrap().shape.version.describe('Version of the API server that reads what is restored to be verified.') }).prefault({}).describe('The Kubernetes programs.'),
    etcd: mapping({ version: etcd.unwrap().shape.version.unwrap().optional().describe('Version of the etcd that replays what was backed up. Default: that of the member it came from.') }).prefault({}).describe('The etcd members.'),
    programs,
    backup,
  }).describe('What is backed up, and where to.'),
});

/** What a built cluster that says nothing else has. */
export function builtDefaults(version: string): { readonly kubernetes: Kubernetes; readonly networks: Networks } {
  return { kubernetes: kubernetes.parse({ version }), networks: networks.parse({}) };
}

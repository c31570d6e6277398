import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { EtcdTls } from '../../clients/etcd/etcd-connection.ts';
import type { ExternalEtcd } from '../../cluster/cluster.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { Secret } from '../../lib/secret.ts';

/** Reads the files that the cluster file names, and refuses what etcd would refuse without a reason. `now` in ms. Throws `file-missing`, and `etcd-failed` where the certificate is out of time. */
export async function readCredentials({ ca, certificate, key }: Pick<ExternalEtcd, 'ca' | 'certificate' | 'key'>, now: number): Promise<EtcdTls> {
  const [authorities, own, privateKey] = await Promise.all([textOf('ca', ca), textOf('certificate', certificate), textOf('key', key)]);
  firstCertificate('ca', ca, authorities);
  const leaf = firstCertificate('certificate', certificate, own);
  if (now > leaf.validToDate.getTime()) throw outOfTime(certificate, `expired on ${day(leaf.validToDate)}`, 'Copy the renewed one and its key here; with kubeadm: kubeadm certs renew etcd-healthcheck-client.');
  if (now < leaf.validFromDate.getTime()) throw outOfTime(certificate, `is not valid before ${leaf.validFromDate.toISOString()}`, "Compare this computer's clock with the cluster's.");
  refuseOtherKey(leaf, { certificate, key }, privateKey);
  return { ca: authorities, certificate: own, key: new Secret(privateKey) };
}

/** Days until the client certificate expires, for who must not be surprised. */
export function daysLeftOf({ certificate }: EtcdTls, now: number): number {
  return Math.floor((new X509Certificate(certificate).validToDate.getTime() - now) / 86_400_000);
}

type Field = 'ca' | 'certificate' | 'key';

async function textOf(field: Field, path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    const why = error.code === 'ENOENT' ? 'does not exist' : error.code === 'EACCES' ? 'may not be read by this user' : `cannot be read (${error.code})`;
    throw new KubekeepError('file-missing', `${path}, spec.external.etcd.${field} of the cluster file, ${why}`, { hint: 'Copy it from a host of the cluster, where kubeadm has it in /etc/kubernetes/pki/etcd, or correct the path.' });
  });
}

function firstCertificate(field: Field, path: string, text: string): X509Certificate {
  try {
    return new X509Certificate(text);
  } catch {
    throw unfit(field, path, `has ${text.includes('PRIVATE KEY') ? 'a private key and ' : ''}no certificate in PEM form`, `Name the file that begins with -----BEGIN CERTIFICATE----- as spec.external.etcd.${field}.`);
  }
}

function refuseOtherKey(leaf: X509Certificate, { certificate, key }: Pick<ExternalEtcd, 'certificate' | 'key'>, text: string): void {
  const fits = (() => {
    try {
      return createPublicKey(createPrivateKey(text)).equals(leaf.publicKey);
    } catch {
      // What is said of a text that is no key may quote it.
      return undefined;
    }
  })();
  if (fits === undefined) throw unfit('key', key, `has no private key in PEM form${text.includes('ENCRYPTED') ? ' that is readable without a passphrase' : ''}`, 'Name the file that holds the private key of the certificate, without a passphrase.');
  if (!fits) throw unfit('key', key, `is not the private key of ${certificate}`, 'Name the key that was made together with the certificate.');
}

function unfit(field: Field, path: string, what: string, hint: string): KubekeepError {
  return new KubekeepError('file-missing', `${path}, spec.external.etcd.${field} of the cluster file, ${what}`, { hint });
}

/** Passes when the file is replaced: who follows waits for that. */
function outOfTime(path: string, what: string, hint: string): KubekeepError {
  return new KubekeepError('etcd-failed', `${path}, spec.external.etcd.certificate of the cluster file, ${what}`, { hint });
}

function day(time: Date): string {
  return time.toISOString().slice(0, 10);
}

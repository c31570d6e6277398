import { xsalsa20poly1305 } from '@noble/ciphers/salsa.js';
import { createDecipheriv } from 'node:crypto';
import { parse } from 'yaml';
import { z } from 'zod';
import { KubekeepError } from '../lib/errors.ts';
import type { Secret } from '../lib/secret.ts';
import { Unreadable } from './unreadable.ts';

/** Keys of an EncryptionConfiguration by "PROVIDER:NAME": a name may have had several. */
export type EncryptionKeys = ReadonlyMap<string, readonly Buffer[]>;

const start = 'k8s:enc:';
const providers = ['aescbc', 'aesgcm', 'secretbox'] as const;
type Provider = (typeof providers)[number];

/** With what a value is encrypted: "secretbox:k1"; undefined where it is not. */
export function encryptedWith(value: Buffer): string | undefined {
  const head = headOf(value);
  return head && `${head.provider}:${head.name}`;
}

/** The value that was encrypted under `key` of etcd, a letter for each byte. Throws Unreadable where it takes a key that is not there, and a RangeError where no key of that name opens it. */
export function decryptValue(value: Buffer, key: string, keys: EncryptionKeys): Buffer {
  const { provider, name, content } = headOf(value)!;
  if (provider === 'kms') throw new Unreadable(`it is encrypted by a key management service (kms, ${name}): only that can open it, by an API server`);
  const known = keys.get(`${provider}:${name}`);
  if (!known) throw new Unreadable(`it is encrypted (${provider}, key ${name}), and that key is not here`);
  for (const one of known) {
    const opened = opens(provider, content, one, key);
    if (opened) return opened;
  }
  throw new RangeError(`key ${name} of ${provider} does not open it`);
}

/** The keys of the text of an EncryptionConfiguration. Throws `spec-invalid`, without a word of the text. */
export function encryptionKeysOf(text: Secret): EncryptionKeys {
  const read = configuration.safeParse(parsed(text));
  if (!read.success) throw new KubekeepError('spec-invalid', `the encryption configuration is none that Kubernetes takes: ${read.error.issues[0]!.path.join('.') || 'it is no EncryptionConfiguration'}`);
  const found = new Map<string, Buffer[]>();
  for (const { providers: all } of read.data.resources) {
    for (const one of all) {
      for (const provider of providers) {
        for (const { name, secret } of one[provider]?.keys ?? []) {
          const id = `${provider}:${name}`;
          found.set(id, [...(found.get(id) ?? []), Buffer.from(secret, 'base64')]);
        }
      }
    }
  }
  return found;
}

const keyList = z.object({ keys: z.array(z.object({ name: z.string(), secret: z.string() })) }).optional();
const configuration = z.object({
  kind: z.literal('EncryptionConfiguration'),
  resources: z.array(z.object({ providers: z.array(z.object({ aescbc: keyList, aesgcm: keyList, secretbox: keyList })) })),
});

function parsed(text: Secret): unknown {
  try {
    return parse(text.reveal());
  } catch {
    // The error quotes the text, which is secret.
    return undefined;
  }
}

function headOf(value: Buffer): { readonly provider: Provider | 'kms'; readonly name: string; readonly content: Buffer } | undefined {
  // Hardly any value is, and a text of each takes its time.
  if (value[3] !== start.charCodeAt(3) || value.toString('latin1', 0, start.length) !== start) return undefined;
  const [, provider, name] = /^k8s:enc:(\w+):v\d:([^:]*):/.exec(value.toString('latin1', 0, 512)) ?? [];
  if (provider === undefined || name === undefined) return { provider: 'kms', name: '', content: value };
  const length = value.indexOf(':', value.indexOf(':', start.length) + 4) + 1;
  return { provider: providers.find((one) => one === provider) ?? 'kms', name, content: value.subarray(length) };
}

function opens(provider: Provider, content: Buffer, key: Buffer, etcdKey: string): Buffer | undefined {
  try {
    return ciphers[provider](content, key, etcdKey);
  } catch {
    return undefined;
  }
}

/** kubernetes/apiserver, pkg/storage/value/encrypt: aesgcm is bound to the key in etcd that the value lies under. */
const ciphers: Readonly<Record<Provider, (content: Buffer, key: Buffer, etcdKey: string) => Buffer>> = {
  secretbox: (content, key) => Buffer.from(xsalsa20poly1305(key, content.subarray(0, 24)).decrypt(content.subarray(24))),
  aescbc: (content, key) => {
    const cipher = createDecipheriv(`aes-${key.length * 8}-cbc`, key, content.subarray(0, 16));
    return Buffer.concat([cipher.update(content.subarray(16)), cipher.final()]);
  },
  aesgcm: (content, key, etcdKey) => {
    const cipher = createDecipheriv(`aes-${key.length * 8}-gcm` as 'aes-256-gcm', key, content.subarray(0, 12), { authTagLength: 16 });
    cipher.setAAD(Buffer.from(etcdKey, 'latin1')).setAuthTag(content.subarray(-16));
    return Buffer.concat([cipher.update(content.subarray(12, -16)), cipher.final()]);
  },
};

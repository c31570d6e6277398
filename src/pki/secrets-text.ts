import * as z from 'zod';
import { KubekeepError } from '../lib/errors.ts';
import { publicKeyPem } from './_key-pair.ts';
import { authorityNames, clusterId } from './authorities.ts';
import type { Authority, AuthorityName } from './authorities.ts';
import { Secret } from '../lib/secret.ts';
import type { ClusterSecrets } from './secrets.ts';

const format = 'kubekeep.secrets/v1';

const authority = z.strictObject({ certificate: z.string(), privateKey: z.string() });

const bundle = z.strictObject({
  format: z.literal(format),
  clusterId: z.string().regex(/^[0-9a-f]{64}$/),
  createdAt: z.iso.datetime(),
  authorities: z.record(z.enum(authorityNames), authority),
  serviceAccountKey: z.string(),
  encryptionKey: z.string().regex(/^[A-Za-z0-9+/]{43}=$/),
});

/** The only place that writes the secrets out in the clear; the text goes into what is sealed and nowhere else. */
export function bundleToJson(secrets: ClusterSecrets): string {
  const entries = authorityNames.map((name) => {
    const { certificate, privateKey } = secrets.authorities[name];
    return [name, { certificate, privateKey: privateKey.reveal() }] as const;
  });
  const document: z.infer<typeof bundle> = {
    format,
    clusterId: secrets.clusterId,
    createdAt: secrets.createdAt,
    authorities: Object.fromEntries(entries) as Record<AuthorityName, z.infer<typeof authority>>,
    serviceAccountKey: secrets.serviceAccountKey.reveal(),
    encryptionKey: secrets.encryptionKey.reveal(),
  };
  return `${JSON.stringify(document, undefined, 1)}\n`;
}

/** Reads what `bundleToJson` wrote and checks that it holds together. Throws `state-broken`, naming the field and never its value. */
export function bundleFromJson(text: string): ClusterSecrets {
  const parsed = bundle.safeParse(parseJson(text));
  if (!parsed.success) throw broken(`field ${parsed.error.issues[0]!.path.join('.') || '(whole file)'} is not as expected`);
  const { data } = parsed;
  if (keyOf(data.authorities.kubernetes.certificate) === undefined || clusterId(data.authorities.kubernetes.certificate) !== data.clusterId) {
    throw broken('the cluster id is not the one of the kubernetes CA');
  }
  for (const name of authorityNames) {
    const { certificate, privateKey } = data.authorities[name];
    const key = keyOf(certificate);
    if (key === undefined || key !== keyOf(privateKey)) throw broken(`certificate and key of CA ${name} do not belong together`);
  }
  if (keyOf(data.serviceAccountKey) === undefined) throw broken('the service-account key cannot be read');
  return {
    clusterId: data.clusterId,
    createdAt: data.createdAt,
    authorities: authoritiesFrom(data.authorities),
    serviceAccountKey: new Secret(data.serviceAccountKey),
    encryptionKey: new Secret(data.encryptionKey),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Node's error quotes the text, which is secret, so it is not kept as the cause.
    throw broken('it is not JSON');
  }
}

function keyOf(pem: string): string | undefined {
  try {
    return publicKeyPem(pem);
  } catch {
    return undefined;
  }
}

function authoritiesFrom(found: z.infer<typeof bundle>['authorities']): Record<AuthorityName, Authority> {
  const entries = authorityNames.map((name) => [name, { name, certificate: found[name].certificate, privateKey: new Secret(found[name].privateKey) }] as const);
  return Object.fromEntries(entries) as unknown as Record<AuthorityName, Authority>;
}

function broken(why: string): KubekeepError {
  return new KubekeepError('state-broken', `the sealed keys of the cluster cannot be used: ${why}`, { hint: 'every control-plane host has a copy of the file' });
}

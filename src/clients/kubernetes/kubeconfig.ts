import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { KubekeepError } from '../../lib/errors.ts';
import { Secret } from '../../lib/secret.ts';
import type { ApiConnection } from './api-connection.ts';

/** Where the current context of a kubeconfig leads, and with which credentials. Throws `file-missing`, and `usage` where it is not one that can be used without another program. */
export async function readKubeconfig(path: string): Promise<ApiConnection> {
  const read = schema.safeParse(parsed(path, await fileText(path)));
  if (!read.success) throw new KubekeepError('usage', `${path} is no kubeconfig: ${read.error.issues[0]!.path.join('.') || 'it is no map'}`);
  const { contexts, clusters, users, 'current-context': current } = read.data;
  const context = contexts.find(({ name }) => name === current)?.context;
  const cluster = clusters.find(({ name }) => name === context?.cluster)?.cluster;
  const user = users.find(({ name }) => name === context?.user)?.user;
  if (!cluster || !user) throw new KubekeepError('usage', `${path} has no context "${current}" with a cluster and a user`, { hint: 'kubectl config current-context, with this file, says what it has.' });
  const from = async (data: string | undefined, file: string | undefined) => (data !== undefined ? Buffer.from(data, 'base64').toString() : file === undefined ? undefined : fileText(resolve(dirname(path), file)));
  const ca = await from(cluster['certificate-authority-data'], cluster['certificate-authority']);
  const [certificate, key, token] = [await from(user['client-certificate-data'], user['client-certificate']), await from(user['client-key-data'], user['client-key']), user.token ?? (await from(undefined, user.tokenFile))?.trim()];
  if (ca === undefined) throw new KubekeepError('usage', `${path} has no certificate authority for its cluster, and a server is not spoken to unchecked`);
  if (token === undefined && (certificate === undefined || key === undefined)) throw new KubekeepError('usage', `${path} has neither a token nor a client certificate with its key: credentials that another program has to get are not supported`, { hint: 'kubectl create token, or kubeadm kubeconfig user, makes some that stand in a file.' });
  const { host, port } = serverOf(path, cluster.server);
  return { connect: { host, port }, serverName: cluster['tls-server-name'] ?? host, ca, certificate, key: key === undefined ? undefined : new Secret(key), token: token === undefined ? undefined : new Secret(token) };
}

const optional = z.string().optional();
const schema = z.object({
  'current-context': z.string(),
  contexts: z.array(z.object({ name: z.string(), context: z.object({ cluster: z.string(), user: z.string() }) })),
  clusters: z.array(z.object({ name: z.string(), cluster: z.object({ server: z.string(), 'tls-server-name': optional, 'certificate-authority': optional, 'certificate-authority-data': optional }) })),
  users: z.array(z.object({ name: z.string(), user: z.object({ 'client-certificate': optional, 'client-certificate-data': optional, 'client-key': optional, 'client-key-data': optional, token: optional, tokenFile: optional }) })),
});

function serverOf(path: string, server: string): { readonly host: string; readonly port: number } {
  const url = URL.canParse(server) ? new URL(server) : undefined;
  if (url?.protocol !== 'https:' || url.pathname !== '/') throw new KubekeepError('usage', `the server in ${path} is not one of the form https://HOST:PORT`);
  return { host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(url.port || 443) };
}

/** Without a word of the text, which may hold keys. */
function parsed(path: string, text: string): unknown {
  try {
    return parse(text);
  } catch {
    throw new KubekeepError('usage', `${path} is no YAML`);
  }
}

async function fileText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new KubekeepError('file-missing', `${path} cannot be read: ${cause.code === 'ENOENT' ? 'it does not exist' : cause.message}`, { cause });
  });
}

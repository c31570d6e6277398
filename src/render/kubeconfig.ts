import { toYaml } from './_yaml.ts';

export interface KubeconfigOptions {
  readonly cluster: string;
  readonly server: string;
  /** Name that the server's certificate is checked for where it is not the server's address. */
  readonly tlsServerName?: string | undefined;
  readonly authority: { readonly file: string } | { readonly pem: string };
  readonly user: string;
  /** Default: USER@CLUSTER. */
  readonly context?: string | undefined;
  readonly credentials: { readonly certificateFile: string; readonly keyFile: string } | { readonly certificate: string; readonly key: string } | { readonly token: string };
}

/** A kubeconfig with one cluster, one user and one context; files are named, PEM is embedded. */
export function kubeconfig({ cluster, server, tlsServerName, authority, user, context = `${user}@${cluster}`, credentials }: KubeconfigOptions): string {
  return toYaml({
    'apiVersion': 'v1',
    'kind': 'Config',
    'clusters': [
      {
        name: cluster,
        cluster: {
          server,
          ...(tlsServerName && { 'tls-server-name': tlsServerName }),
          ...('file' in authority ? { 'certificate-authority': authority.file } : { 'certificate-authority-data': base64(authority.pem) }),
        },
      },
    ],
    'users': [
      {
        name: user,
        user: userOf(credentials),
      },
    ],
    'contexts': [{ name: context, context: { cluster, user } }],
    'current-context': context,
  });
}

function userOf(credentials: KubeconfigOptions['credentials']): object {
  if ('token' in credentials) return { token: credentials.token };
  if ('keyFile' in credentials) return { 'client-certificate': credentials.certificateFile, 'client-key': credentials.keyFile };
  return { 'client-certificate-data': base64(credentials.certificate), 'client-key-data': base64(credentials.key) };
}

function base64(pem: string): string {
  return Buffer.from(pem).toString('base64');
}

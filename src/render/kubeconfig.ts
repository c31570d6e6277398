import { toYaml } from './_yaml.ts';

export interface KubeconfigOptions {
  readonly cluster: string;
  readonly server: string;
  /** Name that the server's certificate is checked for where it is not the server's address. */
  readonly tlsServerName?: string | undefined;
  readonly authority: { readonly file: string } | { readonly pem: string };
  readonly user: string;
  readonly credentials: { readonly certificateFile: string; readonly keyFile: string } | { readonly certificate: string; readonly key: string };
}

/** A kubeconfig with one cluster, one user and one context; files are named, PEM is embedded. */
export function kubeconfig({ cluster, server, tlsServerName, authority, user, credentials }: KubeconfigOptions): string {
  const base64 = (pem: string) => Buffer.from(pem).toString('base64');
  const context = `${user}@${cluster}`;
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
        user:
          'keyFile' in credentials
            ? { 'client-certificate': credentials.certificateFile, 'client-key': credentials.keyFile }
            : { 'client-certificate-data': base64(credentials.certificate), 'client-key-data': base64(credentials.key) },
      },
    ],
    'contexts': [{ name: context, context: { cluster, user } }],
    'current-context': context,
  });
}

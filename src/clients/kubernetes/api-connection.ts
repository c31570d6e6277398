import type { Secret } from '../../lib/secret.ts';

export interface ApiConnection {
  /** A unix socket that leads to the API server, as `Host.forward` gives it, or its address. */
  readonly connect: { readonly socketPath: string } | { readonly host: string; readonly port: number };
  /** A name or an address in the serving certificate. */
  readonly serverName: string;
  /** CA of the serving certificate, own certificate: PEM. */
  readonly ca: string;
  readonly certificate?: string | undefined;
  readonly key?: Secret | undefined;
  /** Instead of a certificate. */
  readonly token?: Secret | undefined;
  /** Milliseconds for each call; default 5000. */
  readonly deadline?: number | undefined;
}

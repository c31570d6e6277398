import type { Secret } from '../../lib/secret.ts';

export interface EtcdConnection {
  /** A unix socket that leads to the member's client port, as `Host.forward` gives it. */
  readonly socketPath: string;
  /** A name in the member's server certificate: the host's name. */
  readonly serverName: string;
  /** None for an etcd that listens on that very socket and nowhere else. */
  readonly tls: EtcdTls | undefined;
  /** Milliseconds for each call; default 5000. */
  readonly deadline?: number | undefined;
}

export interface EtcdTls {
  /** CA of etcd's server certificates, own certificate: PEM. */
  readonly ca: string;
  readonly certificate: string;
  readonly key: Secret;
}

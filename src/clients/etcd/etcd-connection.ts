import type { Secret } from '../../lib/secret.ts';

export type EtcdConnection = (ThroughSocket | ByAddress) & {
  /** None for an etcd that listens on that very socket and nowhere else. */
  readonly tls: EtcdTls | undefined;
  /** Milliseconds for each call; default 5000. */
  readonly deadline?: number | undefined;
};

export interface ThroughSocket {
  /** A unix socket that leads to the member's client port, as `Host.forward` gives it. */
  readonly socketPath: string;
  /** A name in the member's server certificate: the host's name. */
  readonly serverName: string;
}

export interface ByAddress {
  /** Name or IPv4 address, which the member's server certificate must have. */
  readonly host: string;
  readonly port: number;
}

/** What a member is called in errors. */
export function nameOf(connection: ThroughSocket | ByAddress): string {
  return 'socketPath' in connection ? connection.serverName : `${connection.host}:${connection.port}`;
}

export interface EtcdTls {
  /** CA of etcd's server certificates, own certificate: PEM. */
  readonly ca: string;
  readonly certificate: string;
  readonly key: Secret;
}

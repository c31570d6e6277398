import type { EtcdClient } from '../../clients/etcd/connect-etcd.ts';
import type { ApiClient } from '../../clients/kubernetes/connect-api.ts';
import type { HostSpec } from '../../cluster/cluster.ts';
import { KubekeepError } from '../../lib/errors.ts';
import type { ClusterSecrets } from '../../pki/secrets.ts';
import { apiAt, apiCertificate, etcdCertificate, etcdOf } from '../clients.ts';
import type { Operation } from '../operation.ts';
import type { Answer, ApiAnswer, EndpointProbe, EtcdAnswer, Lease } from './observation.ts';

/** ms for a question with its connection; one that hangs is given up sooner, by its deadline. */
const patience = 4500;

/** Questions to the running parts, each answered or given up within `deadline` ms. Connections are kept from one question to the next. */
export interface Probes {
  etcd(spec: HostSpec): Promise<Answer<EtcdAnswer>>;
  api(spec: HostSpec): Promise<Answer<ApiAnswer>>;
  /** The API through the VIP, as this host reaches it. */
  endpoint(spec: HostSpec): Promise<Answer<EndpointProbe>>;
  close(): void;
}

export function openProbes({ cluster, hosts, clock, signal }: Operation, secrets: ClusterSecrets, deadline = 2000): Probes {
  const kept = new Map<string, Promise<EtcdClient | ApiClient>>();
  const certificates = { etcd: etcdCertificate(secrets, clock.now()), api: apiCertificate(secrets, clock.now()) };
  const options = { deadline, signal };

  async function ask<C extends EtcdClient | ApiClient, T>(key: string, connect: () => Promise<C>, question: (client: C) => Promise<T>): Promise<Answer<T>> {
    const client = (kept.get(key) as Promise<C> | undefined) ?? connect();
    kept.set(key, client);
    const timer = new AbortController();
    const late = clock.sleep(patience, timer.signal).then((): Answer<T> => ({ ok: false, reason: `no answer within ${patience / 1000} s` }));
    const answer = client.then(question).then(
      (value): Answer<T> => ({ ok: true, value }),
      (error: unknown): Answer<T> => {
        signal.throwIfAborted();
        // A connection that was given up for being too slow ends like one that was interrupted.
        if (error instanceof KubekeepError || (error instanceof Error && error.name === 'AbortError')) return { ok: false, reason: error.message };
        throw error;
      },
    );
    const first = await Promise.race([answer, late]).finally(() => timer.abort());
    if (!first.ok) forget(key, client);
    return first;
  }
  /** The next question connects again. */
  function forget(key: string, client: Promise<EtcdClient | ApiClient>): void {
    kept.delete(key);
    client.then((one) => one.close(), () => {});
  }
  const connectToApi = (spec: HostSpec, address: string, port: number) => () => apiAt(address, port, hosts.get(spec.name)!, secrets, clock.now(), certificates.api);

  return {
    etcd: (spec) =>
      ask(`etcd ${spec.name}`, () => etcdOf(spec, hosts.get(spec.name)!, secrets, clock.now(), certificates.etcd), async (client) => {
        const [status, members] = await Promise.all([client.status(options), client.members({ stale: true, ...options })]);
        return { status, members };
      }),
    api: (spec) =>
      ask(`api ${spec.name}`, connectToApi(spec, spec.address, 6443), async (client) => {
        // One after the other over one connection: each further one costs a handshake, which is most of the work.
        const { gitVersion } = await client.get<{ gitVersion: string }>('/version', options);
        const { items } = await client.get<LeaseList>(leasesPath, options);
        const { failed } = await client.readyz({ ...options, deadline: deadline / 2 }).catch(() => ({ failed: [] }));
        return { version: gitVersion.replace(/^v/, ''), failedChecks: failed, leases: items.flatMap(toLease) };
      }),
    endpoint: (spec) =>
      ask(`endpoint ${spec.name}`, connectToApi(spec, cluster.endpoint.vip, cluster.endpoint.port), async (client) => {
        const begin = clock.monotonic();
        const { ready } = await client.readyz(options);
        return { ready, milliseconds: Math.round(clock.monotonic() - begin) };
      }),
    close: () => {
      for (const client of kept.values()) client.then((one) => one.close(), () => {});
      kept.clear();
    },
  };
}

const leasesPath = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases';

interface LeaseList {
  readonly items: readonly {
    readonly metadata: { readonly name: string };
    readonly spec: { readonly holderIdentity?: string; readonly renewTime?: string; readonly leaseDurationSeconds?: number };
  }[];
}

function toLease({ metadata: { name }, spec }: LeaseList['items'][number]): Lease[] {
  if (name !== 'kube-controller-manager' && name !== 'kube-scheduler') return [];
  return [{ name, holder: spec.holderIdentity ?? '', renewedAt: Date.parse(spec.renewTime ?? '') || 0, durationSeconds: spec.leaseDurationSeconds ?? 0 }];
}

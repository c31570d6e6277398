import { execFileSync, spawn } from 'node:child_process';
import { join } from 'node:path';
import { connectEtcd, type EtcdClient } from '../src/clients/etcd/connect-etcd.ts';
import { systemClock } from '../src/lib/clock.ts';
import { seededDraw } from '../src/lib/seeded-draw.ts';
import { cachedProgram } from '../test/support/cached-program.ts';
import { endProcess } from '../test/support/end-process.ts';

export const version = '3.7.3';

/** An etcd of one member on a unix socket. */
export interface BenchEtcd extends AsyncDisposable {
  readonly folder: string;
  readonly socketPath: string;
  readonly url: string;
  readonly client: EtcdClient;
}

/** `data`: that of a member called `name`, or nothing yet. */
export async function benchEtcd(folder: string, { data = join(folder, 'data'), name = 'bench' }: { readonly data?: string; readonly name?: string } = {}): Promise<BenchEtcd> {
  const socketPath = join(folder, 'client');
  const [url, peer] = [`unix://${socketPath}`, `unix://${join(folder, 'peer')}`];
  const etcd = spawn(cachedProgram('etcd', version), ['--data-dir', data, '--name', name, '--listen-client-urls', url, '--advertise-client-urls', url, '--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', `${name}=${peer}`, '--quota-backend-bytes', '8000000000', '--log-level', 'error'], { stdio: 'ignore' });
  const client = connectEtcd({ socketPath, serverName: 'bench', tls: undefined, deadline: 60_000 });
  while (!(await client.canRead({ deadline: 1000 }))) await systemClock.sleep(50);
  const end = async () => {
    client.close();
    await endProcess(etcd);
  };
  return { folder, socketPath, url, client, [Symbol.asyncDispose]: end };
}

/** What `etcdctl snapshot save` writes to a path. */
export function saveSnapshot({ url }: Pick<BenchEtcd, 'url'>, path: string): void {
  execFileSync(cachedProgram('etcdctl', version), ['--endpoints', url, 'snapshot', 'save', path], { stdio: 'ignore' });
}

/** Some 3 KB of text, most of it the same in all. */
export function value(draw: () => number): Buffer {
  const own = Array.from({ length: 12 }, () => Math.floor(draw() * 1e9).toString(36));
  return Buffer.from(JSON.stringify({ kind: 'Pod', metadata: { name: own[0], uid: own.slice(1, 5).join('-'), labels: { app: own[5] } }, spec: { containers: Array.from({ length: 12 }, (_, index) => ({ name: `c${index}`, image: `registry.example/${own[6]}:${index}`, env: own.map((word, number) => ({ name: `VARIABLE_${number}`, value: word })).slice(0, 3) })) }, status: own.slice(7) }));
}

/** Until all values together have so many bytes; the file of etcd has half as many more. */
export async function fill(client: EtcdClient, bytes: number, prefix = '/registry/pods/'): Promise<void> {
  const draw = seededDraw(1);
  const count = Math.ceil(bytes / (value(draw).length * 1.25));
  let next = 0;
  const lane = async () => {
    while (next < count) {
      const keys = Array.from({ length: 20 }, () => next++);
      await client.commit(keys.map((key) => ({ key: Buffer.from(`${prefix}${key}`), value: value(draw), lease: 0n })));
    }
  };
  await Promise.all(Array.from({ length: 16 }, lane));
}

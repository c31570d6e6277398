import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { connectEtcd, type EtcdClient } from '../../src/clients/etcd/connect-etcd.ts';
import type { ReadAt } from '../../src/bolt/bolt-file.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createAuthority } from '../../src/pki/authorities.ts';
import { issueLeaf } from '../../src/pki/issue.ts';
import { etcdOperatorLeaf } from '../../src/pki/leaves.ts';
import { cachedProgram } from './cached-program.ts';
import { endProcess } from './end-process.ts';
import { freePorts } from './free-ports.ts';
import { etcdctlAccess, startEtcd, writeCertificates, writeOperator, type EtcdPlace } from './real-etcd.ts';
import { forwardPort } from './unix-forward.ts';

/** A cluster of one real etcd, written to by etcdctl. */
export interface LoneEtcd extends AsyncDisposable {
  readonly client: EtcdClient;
  /** All in one transaction, so of one revision; undefined deletes the key. */
  write(values: Readonly<Record<string, string | undefined>>): Promise<void>;
  compact(revision: number): Promise<void>;
  /** What the Snapshot stream gives, without the 32 bytes behind it. */
  snapshotFile(): Promise<ReadAt>;
}

export async function loneEtcd(folder: string): Promise<LoneEtcd> {
  const now = Date.now();
  const authorities = { etcd: await createAuthority('etcd', 'prod', now), peer: await createAuthority('etcd-peer', 'prod', now) };
  const [clientPort = 0, peerPort = 0] = await freePorts(2);
  const place: EtcdPlace = { name: 'm1', folder: join(folder, 'm1'), clientPort, peerPort };
  mkdirSync(place.folder);
  await writeCertificates(place, authorities, now);
  const socketPath = join(place.folder, 'client.sock');
  const forward = await forwardPort(clientPort, socketPath);
  const operator = await issueLeaf(etcdOperatorLeaf(), authorities.etcd, { now });
  const client = connectEtcd({ socketPath, serverName: 'm1', tls: { ca: authorities.etcd.certificate, certificate: operator.certificate, key: operator.privateKey } });
  const process = startEtcd(place, { m1: `https://127.0.0.1:${peerPort}` }, 'new');
  const end = performance.now() + 20_000;
  while (!(await client.canRead().catch(() => false))) {
    if (performance.now() > end) throw new Error('etcd did not start within 20 s');
    await systemClock.sleep(50);
  }
  writeOperator(place.folder, operator);
  const etcdctl = (args: readonly string[], input = '') =>
    new Promise<string>((resolve, reject) => {
      const child = execFile(cachedProgram('etcdctl', '3.7.3'), [...etcdctlAccess(place, place.folder), ...args], { timeout: 20_000 }, (error, stdout) => (error ? reject(error) : resolve(stdout)));
      child.stdin!.end(input);
    });
  return {
    client,
    write: async (values) => void (await etcdctl(['txn'], `\n${Object.entries(values).map(([key, value]) => (value === undefined ? `del ${key}` : `put ${key} "${value}"`)).join('\n')}\n\n\n`)),
    compact: async (revision) => void (await etcdctl(['compact', String(revision)])),
    async snapshotFile() {
      const pieces = await Array.fromAsync(client.snapshot());
      const bytes = Buffer.concat(pieces).subarray(0, -32);
      return { size: bytes.length, read: (offset, length) => bytes.subarray(offset, offset + length) };
    },
    async [Symbol.asyncDispose]() {
      client.close();
      await endProcess(process);
      await forward.close();
    },
  };
}

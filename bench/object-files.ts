import { createHash } from 'node:crypto';
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { extendSnapshot } from '../src/backup/extend-snapshot.ts';
import type { Segment } from '../src/backup/format/segment.ts';
import { filePages } from '../src/bolt/file-pages.ts';
import { newestValues } from '../src/bolt/newest-values.ts';
import { startOwnApi } from '../test/support/real-api-server.ts';
import { benchEtcd, saveSnapshot } from './bench-etcd.ts';

/** Objects as a real API server stored them, each with a name of so many letters that stands for others. */
export interface Templates {
  readonly pod: Template;
  readonly config: Template;
}

export interface Template {
  readonly name: string;
  readonly uid: string;
  readonly value: Buffer;
}

const templateName = 'web-0123456789-abcdefgh';
/** Each Pod has its own, which stands in its managedFields too. */
const templateAddress = '10.111.111.111';

/** A Pod and a ConfigMap of the usual size. */
export async function templates(folder: string): Promise<Templates> {
  const data = join(folder, 'api');
  await mkdir(data);
  {
    await using own = await startOwnApi(data);
    const metadata = { name: templateName, labels: Object.fromEntries(['app', 'tier', 'release', 'team'].map((one) => [`example.org/${one}`, 'web'])) };
    await own.api.post('/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } }).catch(() => undefined);
    const containers = Array.from({ length: 2 }, (_, index) => ({
      name: `c${index}`, image: `registry.example/web:1.${index}`, ports: [{ containerPort: 8080 + index }], resources: { requests: { cpu: '100m', memory: '64Mi' }, limits: { memory: '128Mi' } },
      env: Array.from({ length: 5 }, (__, at) => ({ name: `VARIABLE_${at}`, value: `value ${at} of ${index}` })),
      livenessProbe: { httpGet: { path: '/healthz', port: 8080 } }, volumeMounts: [{ name: 'data', mountPath: '/data' }],
    }));
    await own.api.post('/api/v1/namespaces/default/pods', { metadata, spec: { containers, automountServiceAccountToken: false, volumes: [{ name: 'data', emptyDir: {} }] } });
    const conditions = ['Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map((type) => ({ type, status: 'True', lastTransitionTime: '2026-11-26T10:00:00Z' }));
    await own.api.patch(`/api/v1/namespaces/default/pods/${templateName}/status`, { status: { phase: 'Running', podIP: templateAddress, conditions } });
    await own.api.post('/api/v1/namespaces/default/configmaps', { metadata, data: Object.fromEntries(Array.from({ length: 22 }, (_, at) => [`key-${at}`, `some value of key ${at}, which is as long as such values are`])) });
  }
  const path = join(data, 'snap.db');
  {
    // Which has all of the log of an etcd that was ended.
    await using etcd = await benchEtcd(data, { data: join(data, 'etcd/data'), name: 'm1' });
    saveSnapshot(etcd, path);
  }
  await using file = await open(path);
  const values = await newestValues(await filePages(file), (key) => key.endsWith(templateName));
  const of = (kind: string): Template => {
    const { value } = values.get(`/registry/${kind}/default/${templateName}`)!;
    return { name: templateName, uid: /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/.exec(value.toString('latin1'))![0], value };
  };
  return { pod: of('pods'), config: of('configmaps') };
}

/** The key and the value of an object of a number: of its own name, uid and address, and as long as the template. */
export function objectOf(kind: 'pods' | 'configmaps', { name, uid, value }: Template, number: number): { readonly key: Buffer; readonly value: Buffer } {
  const digits = createHash('sha256').update(String(number)).digest('hex');
  const own = `web-${digits.slice(0, 10)}-${String(number).padStart(8, '0')}`;
  const copy = Buffer.from(value);
  const address = `10.${[10_000, 100, 1].map((of) => 100 + (Math.floor(number / of) % 100)).join('.')}`;
  for (const [old, fresh] of [[name, own], [templateAddress, address], [uid, `${digits.slice(0, 8)}${uid.slice(8, 24)}${digits.slice(8, 20)}`]] as const) {
    for (let at = copy.indexOf(old); at >= 0; at = copy.indexOf(old, at + old.length)) copy.write(fresh, at);
  }
  return { key: Buffer.from(`/registry/${kind}/ns-${number % 50}/${own}`), value: copy };
}

/** A snapshot of an etcd with so many objects, of which `pods` are Pods, put there without asking an etcd for each. The revision that wrote the last one. */
export async function manyObjects(folder: string, path: string, { pod, config }: Templates, { objects, pods }: { readonly objects: number; readonly pods: number }): Promise<number> {
  const place = join(folder, 'first');
  await mkdir(place);
  let first: number;
  {
    await using etcd = await benchEtcd(place);
    first = (await etcd.client.commit([{ key: Buffer.from('/registry/first'), value: Buffer.from('{}'), lease: 0n }])) + 1;
    saveSnapshot(etcd, path);
  }
  await rm(place, { recursive: true });
  const log = async function* (): AsyncGenerator<Segment> {
    for (let number = 0; number < objects; number += 1000) {
      const records = Array.from({ length: Math.min(1000, objects - number) }, (_, at) => {
        const [of, revision] = [number + at, first + number + at];
        // Spread over the whole file, as they are where objects come and go.
        const isPod = Math.floor(((of + 1) * pods) / objects) > Math.floor((of * pods) / objects);
        const object = isPod ? objectOf('pods', pod, of) : objectOf('configmaps', config, of);
        return { revision, received: 0, changes: [{ ...object, revision, createRevision: revision, version: 1, lease: 0n }] };
      });
      yield { records, leases: new Map() };
    }
  };
  await extendSnapshot(path, log(), { signal: new AbortController().signal, onRevision: () => {} });
  return first + objects - 1;
}

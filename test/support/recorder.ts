import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { systemClock } from '../../src/lib/clock.ts';
import { cachedProgram } from './cached-program.ts';
import { endProcess } from './end-process.ts';

/** What etcd has of a key: all but the key itself, as text. */
type Kept = string;
export type State = ReadonlyMap<string, Kept>;

/** Writes down what etcd had at every revision, by etcdctl alone: none of its code is that of backups. */
export interface Recorder extends AsyncDisposable {
  /** Resolves when it has come as far. */
  reached(revision: number): Promise<void>;
  stateAt(revision: number): State;
}

interface KeyValue {
  readonly key: string;
  readonly value?: string;
  readonly create_revision?: number;
  readonly mod_revision: number;
  readonly version?: number;
  /** As it stands there: it may be beyond what a number can hold. */
  readonly lease?: string;
}

interface WatchEvent {
  /** 1: deleted. */
  readonly type?: number | string;
  readonly kv: KeyValue;
}

/** From the first revision on; `access` is what etcdctl needs to reach the member. */
export function recorder(access: readonly string[]): Recorder {
  const child = spawn(cachedProgram('etcdctl', '3.7.3'), [...access, 'watch', '--prefix', '', '--rev', '1', '-w', 'json'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const changes: { readonly revision: number; readonly key: string; readonly kept: Kept | undefined }[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    for (const { type, kv } of (parse(line) as { readonly Events?: readonly WatchEvent[] }).Events ?? []) {
      const deleted = type === 1 || type === 'DELETE';
      changes.push({ revision: kv.mod_revision, key: kv.key, kept: deleted ? undefined : keptOf(kv) });
    }
  });
  return {
    async reached(revision) {
      const end = performance.now() + 30_000;
      while ((changes.at(-1)?.revision ?? 0) < revision) {
        if (performance.now() > end) throw new Error(`the recorder is at ${changes.at(-1)?.revision} and not at ${revision}`);
        await systemClock.sleep(20);
      }
    },
    stateAt(revision) {
      const state = new Map<string, Kept>();
      for (const change of changes) {
        if (change.revision > revision) break;
        if (change.kept === undefined) state.delete(change.key);
        else state.set(change.key, change.kept);
      }
      return state;
    },
    async [Symbol.asyncDispose]() {
      const closed = once(child, 'close');
      await endProcess(child);
      await closed;
    },
  };
}

/** What an etcd says it had at a revision, by etcdctl. */
export async function readState(access: readonly string[], revision: number): Promise<State> {
  const { kvs } = (await etcdctl(access, ['get', '', '--prefix', '--rev', String(revision)])) as { readonly kvs?: readonly KeyValue[] };
  return new Map((kvs ?? []).map((kv) => [kv.key, keptOf(kv)]));
}

/** Seconds that a lease, by its decimal number, was granted for. */
export async function grantedTtl(access: readonly string[], lease: string): Promise<number | undefined> {
  const answer = (await etcdctl(access, ['lease', 'timetolive', BigInt(lease).toString(16)])) as { readonly 'granted-ttl'?: number; readonly grantedTTL?: number };
  return answer['granted-ttl'] ?? answer.grantedTTL;
}

async function etcdctl(access: readonly string[], args: readonly string[]): Promise<unknown> {
  const { stdout } = await promisify(execFile)(cachedProgram('etcdctl', '3.7.3'), [...access, ...args, '-w', 'json'], { maxBuffer: 1 << 30 });
  return parse(stdout);
}

function keptOf({ value = '', create_revision = 0, mod_revision, version = 0, lease = '0' }: KeyValue): Kept {
  return JSON.stringify({ create_revision, mod_revision, version, lease, value });
}

/** Ids of leases have 64 bits: they stay text. */
function parse(text: string): unknown {
  return JSON.parse(text.replaceAll(/"lease":(\d+)/g, '"lease":"$1"'));
}

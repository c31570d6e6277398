import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { readClusterFile } from '../../src/cli/cluster-file.ts';
import { readEnvironment } from '../../src/cli/env.ts';
import { connectHosts } from '../../src/cli/wire.ts';
import type { Cluster } from '../../src/cluster/cluster.ts';
import { apiThroughVip } from '../../src/drills/api-through-vip.ts';
import type { Reach } from '../../src/drills/stage.ts';
import { destroyLab } from '../../src/lab/destroy-lab.ts';
import type { Lab } from '../../src/lab/lab.ts';
import { readRecord } from '../../src/lab/registry.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silent } from '../../src/lib/progress.ts';
import type { Hosts } from '../../src/operations/observe.ts';
import { observe } from '../../src/operations/observe.ts';
import type { ClusterFacts } from '../../src/operations/facts.ts';
import { waitUntilHealthy } from '../../src/operations/wait-until-healthy.ts';
import { openSecrets, stateFolder } from '../../src/operations/state.ts';
import { issueLeaf } from '../../src/pki/issue.ts';
import { adminLeaf } from '../../src/pki/leaves.ts';
import type { ClusterSecrets } from '../../src/pki/secrets.ts';
import { fromRepository } from './from-repository.ts';
import type { WriterTarget } from '../../src/drills/writer.ts';

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A lab with a cluster file, driven by the real command line as a user drives it. */
export interface LabCluster extends AsyncDisposable {
  readonly lab: Lab;
  readonly cluster: Cluster;
  readonly file: string;
  readonly hosts: Hosts;
  /** Runs `kubekeep ARGS --file …`. */
  run(...args: string[]): Promise<Outcome>;
  facts(): Promise<ClusterFacts>;
  /** Resolves when every host does what its roles ask for. */
  healthy(): Promise<void>;
  secrets(): Promise<ClusterSecrets>;
  /** To speak with the parts of the cluster. */
  reach(): Promise<Reach>;
  /** A writer's target: the endpoint, as an administrator. */
  target(namespace: string): Promise<WriterTarget>;
  createNamespace(name: string): Promise<void>;
}

const runtimeFolder = readEnvironment().runtimeFolder;

export async function labCluster(topology: string, name: string, release = 'trixie', more: readonly string[] = []): Promise<LabCluster> {
  const directory = await mkdtemp(join('/var/tmp', `kubekeep-${name}-`));
  await expectZero(kubekeep('lab', 'up', '--topology', topology, '--name', name, '--dir', directory, '--release', release, '--yes', '--raise-limits', ...more));
  const { lab } = await readRecord(runtimeFolder, name);
  const file = join(directory, 'cluster.yaml');
  const { cluster } = await readClusterFile(file);
  const state = stateFolder(directory, cluster.name);
  const hosts = connectHosts(cluster, { folder: join(runtimeFolder, 'ssh'), knownHosts: state.knownHosts, connectTimeout: 3 });
  const facts = () => observe(cluster, hosts, { clock: systemClock, timeout: 5000 });
  const secrets = async () => (await openSecrets(state, { cluster: cluster.name, facts: await facts(), identityFile: undefined, now: Date.now() })).secrets;
  const operation = { cluster, hosts, clock: systemClock, signal: new AbortController().signal };
  const reach = async () => ({ operation, secrets: await secrets() });
  return {
    lab, cluster, file, hosts, facts, secrets, reach,
    healthy: () => waitUntilHealthy(operation),
    run: (...args) => kubekeep(...args, '--file', file),
    async target(namespace) {
      const { authorities } = await secrets();
      const { certificate, privateKey } = await issueLeaf(adminLeaf('test'), authorities.kubernetes, { now: Date.now(), days: 1 });
      return { address: cluster.endpoint.vip, port: cluster.endpoint.port, serverName: 'kubernetes', ca: authorities.kubernetes.certificate, certificate, key: privateKey, namespace };
    },
    async createNamespace(namespace) {
      await apiThroughVip(await reach(), (api) => api.post('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }));
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...hosts.values()].map((host) => host.close()));
      await destroyLab(name, { runtimeFolder, progress: silent });
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Runs the program as a user does: its own process, no terminal. */
export function kubekeep(...args: string[]): Promise<Outcome> {
  return startKubekeep(args).ended;
}

export interface Running {
  readonly process: ChildProcess;
  readonly ended: Promise<Outcome>;
}

/** The same without waiting for it; `onLine` gets every line of its progress. */
export function startKubekeep(args: readonly string[], { env = {}, onLine }: { env?: Readonly<Record<string, string>>; onLine?: (line: string) => void } = {}): Running {
  const child = spawn(process.execPath, [fromRepository('bin/kubekeep.mjs'), ...args], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
  if (onLine) createInterface({ input: child.stderr }).on('line', onLine);
  return { process: child, ended: new Promise((resolve, reject) => child.once('error', reject).once('close', (code) => resolve({ code, ...output }))) };
}

export async function expectZero(run: Promise<Outcome>): Promise<Outcome> {
  const outcome = await run;
  if (outcome.code !== 0) throw new Error(`exit code ${outcome.code}: ${outcome.stderr.slice(-2000)}${outcome.stdout.slice(-500)}`);
  return outcome;
}

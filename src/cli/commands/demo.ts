import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { hostsWith } from '../../cluster/cluster.ts';
import { lanes, startWriter, type Writer } from '../../drills/writer.ts';
import { lostWrites, summarizeLane, type LaneSummary } from '../../drills/history.ts';
import { destroyLab } from '../../lab/destroy-lab.ts';
import type { Lab } from '../../lab/lab.ts';
import { powerOff, powerOn } from '../../lab/power.ts';
import { readRecords } from '../../lab/registry.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { apply } from '../../operations/apply.ts';
import { apiAt, etcdOf } from '../../operations/clients.ts';
import { reachable } from '../../operations/facts.ts';
import { observe } from '../../operations/observe.ts';
import type { Operation } from '../../operations/operation.ts';
import { preparePlan } from '../../operations/prepare-plan.ts';
import { viewCluster } from '../../operations/view-cluster.ts';
import { waitUntilHealthy } from '../../operations/wait-until-healthy.ts';
import { issueLeaf } from '../../pki/issue.ts';
import { adminLeaf } from '../../pki/leaves.ts';
import type { ClusterSecrets } from '../../pki/secrets.ts';
import type { AddCommand } from '../add-command.ts';
import type { Cli } from '../cli.ts';
import { drawCluster } from '../draw-cluster.ts';
import { openOperation } from '../wire.ts';
import { labUp } from './lab-up.ts';

const labName = 'demo';
const namespace = 'kubekeep-demo';
const rate = 20;

/** `demo`: a lab, a cluster, a writer, and the power of the most important machine cut. */
export const addDemo: AddCommand = (program, cli) => {
  program
    .command('demo')
    .description('Build a cluster of three machines on this computer, cut the power of its leader under load, and count what was lost.')
    .option('--keep', 'leave the lab up afterwards')
    .option('--yes', 'install missing packages of this computer without asking')
    .action(async ({ keep = false, yes = false }: { readonly keep?: boolean; readonly yes?: boolean }) => {
      const { runtimeFolder } = cli.environment;
      if ((await readRecords(runtimeFolder)).some(({ lab }) => lab.name === labName)) await destroyLab(labName, { runtimeFolder, progress: cli.progress });
      const lab = await labUp({ topology: 'T3', name: labName, dir: await mkdtemp(join('/var/tmp', 'kubekeep-demo-')), release: 'trixie', yes, raiseLimits: true }, cli);
      try {
        const result = await runDemo(lab, cli);
        const text = `${result.acknowledged} acknowledged writes, ${result.lost} lost; longest gap: ${result.lanes.map(({ lane, longestGap }) => `${lane} ${(longestGap / 1000).toFixed(2)} s`).join(', ')}`;
        if (keep) say(cli, keepHint(lab));
        cli.print({ kind: 'Demo', data: { ...result }, text });
        if (result.lost > 0) throw new KubekeepError('writes-lost', `${result.lost} acknowledged writes are missing`);
        const dead = result.lanes.filter((lane) => lane.dead).map(({ lane }) => lane);
        if (dead.length > 0) throw new KubekeepError('writes-lost', `the lane ${dead.join(' and the lane ')} had no acknowledged write at the end`);
      } finally {
        if (!keep) await destroyLab(labName, { runtimeFolder, progress: cli.progress });
      }
    });
};

interface DemoResult {
  readonly acknowledged: number;
  readonly unknown: number;
  readonly lost: number;
  readonly lanes: readonly LaneSummary[];
}

async function runDemo(lab: Lab, cli: Cli): Promise<DemoResult> {
  await using operation = await openOperation(cli, { file: join(lab.directory, 'cluster.yaml') });
  await apply(operation, { confirm: () => Promise.resolve(true) });
  const { opened } = await preparePlan(operation);
  const { secrets } = opened;
  const victim = await giveLeadershipToHolder(operation, secrets);
  await draw(operation, secrets, cli, 'Before');
  await createNamespace(operation, secrets);
  const from = cli.clock.monotonic();
  const writer = await openWriter(operation, secrets, cli);
  try {
    say(cli, `Writing ${rate} objects a second on new and on reused connections. In 5 s the power of ${victim} is cut: it holds the VIP and leads etcd.`);
    await cli.clock.sleep(5000, cli.signal);
    await powerOff(lab, victim);
    say(cli, `${victim} is without power.`);
    await cli.clock.sleep(12_000, cli.signal);
    await draw(operation, secrets, cli, `12 s without ${victim}`);
    await powerOn(lab, victim, { signal: cli.signal });
    say(cli, `${victim} has power again; waiting until everything is green.`);
  } catch (error) {
    await writer.stop();
    throw error;
  }
  // The connection to the victim died with it.
  await using again = await openOperation(cli, { file: join(lab.directory, 'cluster.yaml') });
  try {
    await waitUntilHealthy(again);
    await cli.clock.sleep(2000, cli.signal);
  } finally {
    await writer.stop();
  }
  const to = Math.max(...writer.writes.map(({ due }) => due));
  await draw(again, secrets, cli, 'After');
  const found = await listObjects(again, secrets);
  const all = lanes.map((lane) => summarizeLane(lane, writer.writes, { from, to, deadAfter: 3000 }));
  for (const lane of all) say(cli, `lane ${lane.lane}: ${lane.writes} writes, ${lane.acknowledged} acknowledged, ${lane.unknown} without an answer, ${lane.refused} refused`);
  return {
    acknowledged: all.reduce((sum, { acknowledged }) => sum + acknowledged, 0),
    unknown: all.reduce((sum, { unknown }) => sum + unknown, 0),
    lost: lostWrites(writer.writes, found).length,
    lanes: all,
  };
}

/** So that one machine is the worst one to lose. Resolves to its name. */
async function giveLeadershipToHolder(operation: Operation, secrets: ClusterSecrets): Promise<string> {
  const { facts } = await preparePlan(operation);
  const holder = operation.cluster.hosts.find(({ name }) => {
    const found = facts.hosts.get(name);
    return reachable(found) && found.addresses.some(({ address }) => address === operation.cluster.endpoint.vip);
  });
  if (!holder) throw new KubekeepError('not-healthy', `no host holds the VIP ${operation.cluster.endpoint.vip}`);
  const view = await viewCluster(operation, facts, secrets);
  const leader = view.hosts.find(({ etcd }) => etcd === 'leader');
  if (leader && leader.name !== holder.name) {
    const spec = operation.cluster.hosts.find(({ name }) => name === leader.name)!;
    const client = await etcdOf(spec, operation.hosts.get(spec.name)!, secrets, operation.clock.now());
    try {
      const target = (await client.members()).find(({ name }) => name === holder.name);
      if (target) await client.moveLeader(target.id);
    } finally {
      client.close();
    }
  }
  return holder.name;
}

async function draw(operation: Operation, secrets: ClusterSecrets, cli: Cli, title: string): Promise<void> {
  const { cluster, hosts, clock, signal } = operation;
  const facts = await observe(cluster, hosts, { clock, signal, timeout: 3000 });
  say(cli, `\n${title}: ${drawCluster(await viewCluster(operation, facts, secrets), { colour: cli.environment.colour })}\n`);
}

async function createNamespace(operation: Operation, secrets: ClusterSecrets): Promise<void> {
  const { cluster, hosts, clock } = operation;
  const from = hostsWith(cluster, 'load-balancer')[0]!;
  const api = await apiAt(cluster.endpoint.vip, cluster.endpoint.port, hosts.get(from.name)!, secrets, clock.now());
  try {
    await api.post('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  } finally {
    api.close();
  }
}

async function openWriter({ cluster, clock }: Operation, secrets: ClusterSecrets, cli: Cli): Promise<Writer> {
  const issued = await issueLeaf(adminLeaf('kubekeep-demo'), secrets.authorities.kubernetes, { now: cli.clock.now(), days: 1 / 24 });
  const target = {
    address: cluster.endpoint.vip,
    port: cluster.endpoint.port,
    serverName: 'kubernetes',
    ca: secrets.authorities.kubernetes.certificate,
    certificate: issued.certificate,
    key: issued.privateKey,
    namespace,
  };
  return startWriter(target, { rate, clock, run: 'w' });
}

async function listObjects({ cluster, hosts, clock }: Operation, secrets: ClusterSecrets): Promise<Set<string>> {
  const from = hostsWith(cluster, 'load-balancer')[0]!;
  const api = await apiAt(cluster.endpoint.vip, cluster.endpoint.port, hosts.get(from.name)!, secrets, clock.now());
  const names = new Set<string>();
  try {
    let next = '';
    do {
      const page = await api.get<{ items: { metadata: { name: string } }[]; metadata: { continue?: string } }>(`/api/v1/namespaces/${namespace}/configmaps?limit=500&continue=${next}`);
      for (const { metadata } of page.items) names.add(metadata.name);
      next = page.metadata.continue ?? '';
    } while (next !== '');
  } finally {
    api.close();
  }
  return names;
}

function say(cli: Cli, text: string): void {
  for (const line of text.split('\n')) cli.progress({ type: 'note', title: line });
}

function keepHint({ directory }: Lab): string {
  return `The lab stays up. kubekeep kubectl --file ${directory}/cluster.yaml -- get --raw /readyz?verbose; kubekeep lab down --name ${labName} removes it.`;
}

import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { apiThroughVip } from '../../drills/api-through-vip.ts';
import { listConfigMaps } from '../../drills/list-config-maps.ts';
import { moveLeader } from '../../drills/stage.ts';
import { lanes, startWriter, type Writer } from '../../drills/writer.ts';
import { lostWrites, summarizeLane, type LaneSummary } from '../../drills/history.ts';
import type { Lab } from '../../lab/lab.ts';
import { powerOff, powerOn } from '../../lab/power.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { apply } from '../../operations/apply.ts';
import { existingSecrets } from '../../operations/existing-secrets.ts';
import type { Operation } from '../../operations/operation.ts';
import type { ClusterStatus } from '../../operations/status/cluster-status.ts';
import { openStatus, type StatusView } from '../../operations/status/open-status.ts';
import { issueLeaf } from '../../pki/issue.ts';
import { adminLeaf } from '../../pki/leaves.ts';
import type { ClusterSecrets } from '../../pki/secrets.ts';
import type { AddCommand } from '../add-command.ts';
import type { Cli } from '../cli.ts';
import { describeStatus } from '../describe-status.ts';
import { drawCluster } from '../draw-cluster.ts';
import { openOperation } from '../wire.ts';
import { labName, openDemoLab } from './_demo-lab.ts';
import { loseWorker, openShop, shopService, type ShopResult } from './_demo-shop.ts';
import { labUp } from './lab-up.ts';

const namespace = 'kubekeep-demo';
const rate = 20;

/** `demo`: a lab, a cluster with a shop, a writer, and the power of the most important machine cut; then that of a worker, with visitors in the shop. */
export const addDemo: AddCommand = (program, cli, exit) => {
  program
    .command('demo')
    .description('Build a cluster of three machines and two workers on this computer, cut the power of its leader under load, and count what was lost; then that of a worker while a web shop is visited.')
    .option('--keep', 'leave the lab up afterwards')
    .option('--yes', 'install missing packages of this computer without asking')
    .action(async ({ keep = false, yes = false }: { readonly keep?: boolean; readonly yes?: boolean }) => {
      const make = (name: string, dir: string) => labUp({ topology: 'T3', workers: 2, name, dir, release: 'trixie', yes, raiseLimits: true }, cli);
      await using opened = await openDemoLab(make, { keep, runtimeFolder: cli.environment.runtimeFolder, progress: cli.progress });
      const { lab } = opened;
      await appendFile(join(lab.directory, 'cluster.yaml'), shopService(lab));
      const result = await runDemo(lab, cli);
      const text = `${result.acknowledged} acknowledged writes, ${result.lost} lost; longest gap: ${result.lanes.map(({ lane, longestGap }) => `${lane} ${(longestGap / 1000).toFixed(2)} s`).join(', ')}; shop without ${result.shop.without} ${(result.shop.longestGap / 1000).toFixed(2)} s`;
      if (keep) say(cli, keepHint(lab));
      const dead = [...result.lanes.filter((lane) => lane.dead).map(({ lane }) => `lane ${lane}`), ...(result.shop.dead ? ['shop'] : [])];
      exit(result.lost > 0 || dead.length > 0 ? 1 : 0);
      if (dead.length > 0) say(cli, `The ${dead.join(' and the ')} had no answer at the end.`);
      cli.print({ kind: 'Demo', data: { ...result }, text });
    });
};

interface DemoResult {
  readonly acknowledged: number;
  readonly unknown: number;
  readonly lost: number;
  readonly lanes: readonly LaneSummary[];
  readonly shop: ShopResult;
}

async function runDemo(lab: Lab, cli: Cli): Promise<DemoResult> {
  await using operation = await openOperation(cli, { file: join(lab.directory, 'cluster.yaml'), connectTimeout: 3 });
  await apply(operation, { confirm: () => Promise.resolve(true) });
  const { secrets } = await existingSecrets(operation);
  const view = openStatus(operation);
  try {
    await createNamespace(operation, secrets);
    await openShop({ operation, secrets }, namespace);
    const victim = await giveLeadershipToHolder(operation, secrets, await green(view, cli));
    draw(await view.look(), cli, 'Before');
    const from = cli.clock.monotonic();
    const writer = await openWriter(operation, secrets, cli);
    try {
      await cutPower(lab, victim, view, cli);
    } finally {
      await writer.stop();
    }
    const losses = await countLosses(operation, secrets, writer, { from, cli });
    const shop = await loseWorker(lab, { operation, secrets }, { signal: cli.signal, say: (text) => say(cli, text), draw: async (title) => draw(await view.look(), cli, title) });
    say(cli, `${shop.without} has power again; waiting until status is green.`);
    await green(view, cli);
    return { ...losses, shop };
  } finally {
    view.close();
  }
}

async function cutPower(lab: Lab, victim: string, view: StatusView, cli: Cli): Promise<void> {
  say(cli, `Writing ${rate} objects a second on new and on reused connections. In 5 s the power of ${victim} is cut: it holds the VIP and leads etcd.`);
  await cli.clock.sleep(5000, cli.signal);
  await powerOff(lab, victim);
  say(cli, `${victim} is without power.`);
  await cli.clock.sleep(12_000, cli.signal);
  draw(await view.look(), cli, `12 s without ${victim}`);
  await powerOn(lab, victim, { signal: cli.signal });
  say(cli, `${victim} has power again; waiting until status is green.`);
  await green(view, cli);
  await cli.clock.sleep(2000, cli.signal);
  const status = await view.look();
  say(cli, `\nAfter: ${drawCluster(status, { colour: cli.environment.colour })}\n\n${describeStatus(status, { colour: cli.environment.colour })}\n`);
}

/** Looks until nothing is degraded, for two minutes at most. */
async function green(view: StatusView, { clock, signal }: Cli): Promise<ClusterStatus> {
  const deadline = clock.monotonic() + 120_000;
  for (;;) {
    const status = await view.look();
    if (status.healthy) return status;
    if (clock.monotonic() > deadline) throw new KubekeepError('not-healthy', `the cluster is not green after two minutes: ${status.degraded.map(({ message }) => message).join('; ')}`);
    await clock.sleep(500, signal);
  }
}

async function countLosses(operation: Operation, secrets: ClusterSecrets, writer: Writer, { from, cli }: { from: number; cli: Cli }): Promise<Omit<DemoResult, 'shop'>> {
  const to = Math.max(...writer.writes.map(({ due }) => due));
  const found = await apiThroughVip({ operation, secrets }, (api) => listConfigMaps(api, namespace));
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
async function giveLeadershipToHolder(operation: Operation, secrets: ClusterSecrets, { endpoint }: ClusterStatus): Promise<string> {
  const [holder] = endpoint.holders;
  if (holder === undefined) throw new KubekeepError('not-healthy', `no host holds the VIP ${endpoint.address}`);
  await moveLeader({ operation, secrets }, { name: holder });
  return holder;
}

function draw(status: ClusterStatus, cli: Cli, title: string): void {
  say(cli, `\n${title}: ${drawCluster(status, { colour: cli.environment.colour })}\n`);
}

async function createNamespace(operation: Operation, secrets: ClusterSecrets): Promise<void> {
  await apiThroughVip({ operation, secrets }, (api) => api.post('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }));
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

function say(cli: Cli, text: string): void {
  for (const line of text.split('\n')) cli.progress({ type: 'note', title: line });
}

function keepHint({ directory }: Lab): string {
  return `The lab stays up. kubekeep kubectl --file ${directory}/cluster.yaml -- get --raw /readyz?verbose; kubekeep lab down --name ${labName} removes it.`;
}

/**
 * Measures a restore of the whole cluster on machines, and beside it the same by hand with etcdutl: `npm run bench:restore [-- --mb 1000]`; 1000 MB of values are a file of 1.4 GB. Needs root, warm caches, some ten times the file as room on the disk, and a computer that has nothing else to do.
 * Writes docs/evidence/restore.md. All three machines, and the computer that restores, share the processors: what each host would do beside the others is done one after the other here, by both.
 */
import { stat, writeFile } from 'node:fs/promises';
import { cpus, loadavg, release } from 'node:os';
import { dirname, join } from 'node:path';
import { hostsWith } from '../src/cluster/cluster.ts';
import { apiThroughVip } from '../src/drills/api-through-vip.ts';
import { expectSuccess } from '../src/hosts/local.ts';
import { systemClock } from '../src/lib/clock.ts';
import { parallel } from '../src/lib/parallel.ts';
import { etcdOf } from '../src/operations/clients.ts';
import { restorePhaseNames } from '../src/operations/restore/restore-plan.ts';
import { etcdDataFolder, programPath } from '../src/render/paths.ts';
import { fromRepository } from '../test/support/from-repository.ts';
import { expectZero, labCluster, startKubekeep, type LabCluster } from '../test/support/lab-cluster.ts';
import { fill } from './bench-etcd.ts';
import { mb, say, timed } from './figures.ts';

const megabytes = Number(process.argv[process.argv.indexOf('--mb') + 1]) || 1000;
const load = loadavg()[0]!.toFixed(1);
const minutes = 600_000;

await using lab = await labCluster('T3', 'bench-restore');
const { cluster } = lab;
const members = hostsWith(cluster, 'etcd');
await expectZero(lab.run('apply', '--yes'));
await expectZero(lab.run('backup', 'init'));
const client = await etcdOf(members[0]!, lab.hosts.get(members[0]!.name)!, await lab.secrets(), Date.now());
await fill(client, megabytes * 1e6, '/bench/');
client.close();
await expectZero(lab.run('backup', 'run'));
const point = join(dirname(lab.file), 'point.db');
await expectZero(lab.run('restore', 'file', '--at', 'latest', '--to', point));
const { size } = await stat(point);

const own = await byKubekeep(lab);
say(JSON.stringify(own));
const hand = await byHand(lab);
say(JSON.stringify(hand));
const rival = hand.restored + hand.started;
const rows = [
  ['`kubekeep restore cluster --at latest --yes`, from its start until the endpoint answers', `${own.serving.toFixed(1)} s: ${(own.serving / rival).toFixed(2)} x ${rival.toFixed(1)} s`],
  ['the same: from the first host that is closed until then', `${(own.serving - own.closing).toFixed(1)} s`],
  ['the same: until the command ended, a base of the restored cluster included', `${own.ended.toFixed(1)} s`],
  ...own.phases.map(([name, seconds]) => [`of that, until \`${name}\` was done everywhere`, `${seconds.toFixed(1)} s after the one before`] as const),
  ['by hand: `etcdutl snapshot restore` on three machines at the same time', `${hand.restored.toFixed(1)} s`],
  ['by hand: etcd, then API servers, then the rest, until the endpoint answers', `${hand.started.toFixed(1)} s`],
  ['by hand, not in the sum: `etcdctl snapshot save` or the like is there already; copying it to three machines', `${hand.copied.toFixed(1)} s`],
  ['by hand, not in the sum: stopping everything', `${hand.stopped.toFixed(1)} s`],
] as const;
for (const [what, found] of rows) say(`${what}: ${found}`);
await writeFile(fromRepository('docs/evidence/restore.md'), [
  '# What a restore of the whole cluster takes',
  '',
  `Made by \`npm run bench:restore\` on ${new Date().toISOString().slice(0, 10)}: ${cpus().length} shared cores, Linux ${release().split('-')[0]}, load ${load} before it began, T3 of three machines on this computer, etcd ${cluster.etcd.version}, a file of ${mb(size)}, made-up values, a folder on the same disk as repository. One run.`,
  '',
  '| what | |',
  '| --- | --- |',
  ...rows.map((row) => `| ${row.join(' | ')} |`),
  '',
].join('\n'));

interface Own {
  /** Seconds since the command began. */
  readonly closing: number;
  readonly serving: number;
  readonly ended: number;
  /** Seconds of each phase, and of what was before the first. */
  readonly phases: readonly (readonly [name: string, seconds: number])[];
}

async function byKubekeep({ file, reach }: LabCluster): Promise<Own> {
  const way = await reach();
  const begin = performance.now();
  const since = () => (performance.now() - begin) / 1000;
  const starts = new Map<string, number>();
  const ends = new Map<string, number>();
  let serving: Promise<number> | undefined;
  const running = startKubekeep(['restore', 'cluster', '--at', 'latest', '--yes', '--json', '--file', file], {
    onLine: (line) => {
      const event = line.startsWith('{') ? (JSON.parse(line) as { type: string; step?: string }) : {} as { type?: string; step?: string };
      const phase = /\/restore-(\w+)$/.exec(event.step ?? '')?.[1];
      if (phase === undefined) return;
      if (!starts.has(phase)) starts.set(phase, since());
      if (event.type === 'done') ends.set(phase, since());
      // By then no balancer leads anywhere.
      if (event.type === 'done' && phase === 'stop') serving ??= answers(way).then(since);
    },
  });
  await expectZero(running.ended);
  const ended = since();
  const closing = starts.get('close')!;
  const known = restorePhaseNames.filter((name) => ends.has(name));
  let before = 0;
  const phases = known.map((name) => {
    const at = ends.get(name)!;
    const took = [name, at - before] as const;
    before = at;
    return took;
  });
  return { closing, serving: await serving!, ended, phases };
}

async function answers(way: Awaited<ReturnType<LabCluster['reach']>>): Promise<void> {
  while (!(await apiThroughVip(way, (api) => api.get('/api/v1/namespaces/default', { deadline: 1000 })).then(() => true, () => false))) await systemClock.sleep(100);
}

interface Hand {
  readonly copied: number;
  readonly stopped: number;
  readonly restored: number;
  readonly started: number;
}

/** As an operator does it who has a terminal for each host, without a second lost between two commands. */
async function byHand({ hosts, reach }: LabCluster): Promise<Hand> {
  const way = await reach();
  const everywhere = async (script: (spec: (typeof members)[number]) => string) => {
    await parallel(members, async ({ name, ...spec }) => expectSuccess(await hosts.get(name)!.run(script({ name, ...spec }), { timeout: minutes }), `a script on ${name}`));
  };
  const initial = members.map(({ name, address }) => `${name}=https://${address}:2380`).join(',');
  const copied = await timed(async () => void (await parallel(members, ({ name }) => hosts.get(name)!.upload({ source: point, target: '/var/lib/by-hand.db', mode: 0o600, sha256: undefined }, { timeout: minutes }))));
  const stopped = await timed(async () => {
    for (const units of ['kubekeep-keepalived kubekeep-haproxy', 'kube-controller-manager kube-scheduler kube-apiserver', 'etcd']) await everywhere(() => `systemctl stop ${units}`);
  });
  const restored = await timed(() => everywhere(({ name, address }) => `rm -rf /var/lib/by-hand && ${programPath('etcdutl', cluster.etcd.version)} snapshot restore /var/lib/by-hand.db --data-dir /var/lib/by-hand --name ${name} --initial-cluster ${initial} --initial-cluster-token by-hand --initial-advertise-peer-urls https://${address}:2380 --bump-revision 2000000000 --mark-compacted`));
  await everywhere(() => `mv ${etcdDataFolder}/member ${etcdDataFolder}.before-by-hand && mv /var/lib/by-hand/member ${etcdDataFolder}/member && chown -R etcd:etcd ${etcdDataFolder}`);
  const started = await timed(async () => {
    for (const units of ['etcd', 'kube-apiserver', 'kubekeep-haproxy kubekeep-keepalived kube-controller-manager kube-scheduler']) await everywhere(() => `systemctl start ${units}`);
    await answers(way);
  });
  return { copied, stopped, restored, started };
}

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { Cluster } from '../../cluster/cluster.ts';
import { faults } from '../../drills/faults/catalogue.ts';
import type { Fault } from '../../drills/faults/fault.ts';
import { drawPairs } from '../../drills/faults/pair.ts';
import { parseHistory } from '../../drills/history/read-history.ts';
import { openProbePlan } from '../../drills/open-probe-plan.ts';
import { describeRuns } from '../../drills/report/describe-runs.ts';
import type { DrillRun } from '../../drills/report/drill-run.ts';
import { worstVerdict } from '../../drills/report/summarize-runs.ts';
import { renderReport } from '../../drills/report/render-report.ts';
import { readRuns } from '../../drills/report/read-runs.ts';
import { runDrill } from '../../drills/run-drill.ts';
import { thisLab } from '../../drills/this-lab.ts';
import type { Lab } from '../../lab/lab.ts';
import { readRecords } from '../../lab/registry.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { seededDraw } from '../../lib/seeded-draw.ts';
import type { AddCommand } from '../add-command.ts';
import type { Cli } from '../cli.ts';
import { clusterFileOption, readClusterFile } from '../cluster-file.ts';
import { textTable } from '../text-table.ts';
import { openOperation } from '../wire.ts';
import { drillsFolder, possibleFaults, sentence, tidied, wholeNumber } from './_drill.ts';
import { openDrill, type DrillFlags } from './_open-drill.ts';
import { addCompare } from './drill-compare.ts';
import { addPermit } from './drill-permit.ts';

/** `drill list|run|permit|compare|report`: faults on purpose, in a lab or where a permit allows it. */
export const addDrill: AddCommand = (program, cli, exit) => {
  const group = program.command('drill').description('Break a cluster on purpose, in a lab or with a permit, measure what clients feel, and check what was promised.');
  addList(group, cli);
  addRun(group, cli, exit);
  addPermit(group, cli);
  addCompare(group, cli, exit);
  addReport(group, cli);
};

function addList(group: Command, cli: Cli): void {
  group
    .command('list')
    .description('List the faults with what each asks of the machines; with --file also which the cluster cannot have.')
    .option('-f, --file <path>', 'a cluster file')
    .action(async ({ file }: { readonly file?: string }) => {
      const cluster = file === undefined ? undefined : (await readClusterFile(file)).cluster;
      const lab = cluster && thisLab(cluster, await readRecords(cli.environment.runtimeFolder));
      const rows = faults.map(({ id, component, title, needs, seconds, planned = false, obstacle }) => ({ id, component, title, needs, seconds, planned, obstacle: cluster && obstacle(cluster, lab) }));
      const text = textTable([
        ['FAULT', 'OF', 'WHAT HAPPENS', 'ASKS FOR'],
        ...rows.map(({ id, component, title, needs, obstacle }) => [id, component, title, obstacle ? `not here: ${obstacle}` : needs]),
      ]);
      cli.print({ kind: 'DrillFaults', data: { faults: rows }, text: `${text}\n\n${rows.length} faults. kubekeep drill run FAULT… breaks a cluster of a lab.` });
    });
}

interface RunFlags extends DrillFlags {
  readonly file: string;
  readonly count: string;
  readonly seed?: string;
}

function addRun(group: Command, cli: Cli, exit: (code: number) => void): void {
  group
    .command('run')
    .description('Run faults one after the other against a cluster of a lab, or with a permit against another. Stops where the cluster does not become healthy again; exit code 1 unless every promise was held in every run. Planned work may cost 5 s, 10 s where the leadership of etcd moves, and 20 s on kept connections where API servers restart.')
    .argument('[faults...]', 'ids of faults, as drill list names them')
    .addOption(clusterFileOption())
    .option('--count <n>', 'how often each', '1')
    .option('--all', 'every fault that the cluster can have')
    .option('--pairs <n>', 'that many pairs of faults that overlap, drawn by the seed')
    .option('--permit <path>', 'outside a lab: what drill permit wrote; shows what each run may cost whom, and asks')
    .option('-y, --yes', 'with --permit: do not ask; without a terminal it is needed')
    .option('--seed <n>', 'decides victims, orders and pairs; a run with the same seed makes the same choices')
    .action(async (ids: readonly string[], flags: RunFlags) => {
      const count = wholeNumber('--count', flags.count);
      const seed = flags.seed === undefined ? cli.clock.now() % 1_000_000 : wholeNumber('--seed', flags.seed);
      await using operation = await openOperation(cli, { file: flags.file, connectTimeout: 3 });
      const draw = seededDraw(seed);
      const lab = thisLab(operation.cluster, await readRecords(cli.environment.runtimeFolder));
      const chosen = chooseFaults(ids, flags, { cluster: operation.cluster, lab }, draw);
      await using drill = await openDrill(cli, operation, chosen, draw, flags);
      const runs: DrillRun[] = [];
      await tidied(drill.stage, async () => {
        for (const [position, fault] of chosen.flatMap((one) => Array.from({ length: count }, () => one)).entries()) {
          const aim = await drill.aim?.(fault);
          const id = `${new Date(cli.clock.now()).toISOString().replace(/\..*/, '').replaceAll(':', '-')}-${fault.id}`;
          const plan = await openProbePlan(drill.stage, { seed: seed + position, run: cli.clock.now().toString(36) });
          const run = await runDrill(drill.stage, fault, { plan, folder: join(drillsFolder(operation), id), seed, setup: 'kubekeep', aim });
          runs.push(run);
          cli.progress({ type: 'note', title: sentence(run) });
          if (!run.restored) break;
        }
      });
      const restored = runs.every((run) => run.restored);
      const kept = `Histories: ${drillsFolder(operation)}. kubekeep drill report makes a page of them.${restored ? '' : '\nThe cluster did not become healthy again: kubekeep status says what is wrong.'}`;
      cli.print({ kind: 'DrillRuns', data: { seed, runs }, text: `${describeRuns(runs, textTable)}\n\n${kept}` });
      exit(runs.length > 0 && restored && runs.every((run) => worstVerdict(run) === 'held') ? 0 : 1);
    });
}

function addReport(group: Command, cli: Cli): void {
  group
    .command('report')
    .description('Make one HTML page of the runs so far: figures, verdicts and timelines.')
    .addOption(clusterFileOption())
    .option('--out <path>', 'where the page goes', 'drill-report.html')
    .option('--last <n>', 'only the newest runs')
    .action(async ({ file, out, last }: { readonly file: string; readonly out: string; readonly last?: string }) => {
      await using operation = await openOperation(cli, { file });
      const { runs, unfinished } = await readRuns(drillsFolder(operation), last === undefined ? undefined : wholeNumber('--last', last));
      if (runs.length === 0) throw new KubekeepError('file-missing', `there is no drill's result in ${drillsFolder(operation)}${unfinished.length > 0 ? `, only ${unfinished.join(', ')}, cut off or still going on` : ''}`, { hint: 'kubekeep drill run FAULT makes one.' });
      const histories = await Promise.all(runs.map(async ({ run, folder }) => [run.id, parseHistory(await readFile(join(folder, run.history), 'utf8').catch(() => ''))] as const));
      const records = new Map(histories.map(([id, history]) => [id, history.records]));
      const damage = new Map(histories.map(([id, history]) => [id, history.damage]));
      await writeFile(out, renderReport(runs.map(({ run }) => run), records, damage, unfinished));
      cli.print({ kind: 'DrillReport', data: { path: out, runs: runs.length, unfinished }, text: `${describeRuns(runs.map(({ run }) => run), textTable, unfinished)}\n\nWrote ${out}.` });
    });
}

function chooseFaults(ids: readonly string[], { all = false, pairs }: RunFlags, { cluster, lab }: { readonly cluster: Cluster; readonly lab: Lab | undefined }, draw: () => number): Fault[] {
  if ([ids.length > 0, all, pairs !== undefined].filter(Boolean).length !== 1) throw new KubekeepError('usage', 'name faults, or give --all or --pairs', { hint: 'kubekeep drill list names them.' });
  const able = faults.filter(({ obstacle }) => obstacle(cluster, lab) === undefined);
  if (all) return able;
  if (pairs !== undefined) return drawPairs(able, wholeNumber('--pairs', pairs), draw);
  return possibleFaults(ids, cluster, lab);
}

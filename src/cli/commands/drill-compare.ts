import { writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import { comparisonPage } from '../../drills/compare/comparison-page.ts';
import { makeContender, ownOf, placeOf, switchOff, switchOn, type Contender } from '../../drills/compare/contender.ts';
import { runComparison } from '../../drills/compare/run-comparison.ts';
import { holdDrills } from '../../drills/hold-drills.ts';
import { openStage } from '../../drills/open-stage.ts';
import { describeRuns } from '../../drills/report/describe-runs.ts';
import { worstVerdict } from '../../drills/report/summarize-runs.ts';
import { findSetups, kubekeepSetup, rivals } from '../../drills/setups/catalogue.ts';
import { thisLab } from '../../drills/this-lab.ts';
import { readRecords } from '../../lab/registry.ts';
import { seededDraw } from '../../lib/seeded-draw.ts';
import type { Cli } from '../cli.ts';
import { clusterFileOption } from '../cluster-file.ts';
import { textTable } from '../text-table.ts';
import { openOperation, operationOn } from '../wire.ts';
import { drillsFolder, possibleFaults, refuseUnhealthy, sentence, wholeNumber } from './_drill.ts';

interface CompareFlags {
  readonly file: string;
  readonly faults: string;
  readonly setups: string;
  readonly count: string;
  readonly seed: string;
  readonly out?: string;
  readonly raiseLimits?: boolean;
}

/** `drill compare`: the same faults, machines and prober with other people's configuration. */
export function addCompare(group: Command, cli: Cli, exit: (code: number) => void): void {
  group
    .command('compare')
    .description('Run faults against this cluster and against the same cluster set up in other ways, in turns by power switch, each on machines of its own that are removed at the end. Exit code 1 unless this cluster held every promise.')
    .addOption(clusterFileOption())
    .option('--faults <ids>', 'which, with commas', 'N1,H2,A3,E2')
    .option('--setups <ids>', `compared with what: ${rivals.map(({ id, title }) => `${id} (${title})`).join('; ')}`, rivals.map(({ id }) => id).join(','))
    .option('--count <n>', 'how often each fault in each set-up', '5')
    .option('--seed <n>', 'decides victims, alike in all set-ups', '1')
    .option('--out <path>', 'also write the table as a Markdown page')
    .option('--raise-limits', 'raise limits of this computer that are too low for more machines, until the last lab is down')
    .action(async (flags: CompareFlags) => {
      const { environment: { runtimeFolder } } = cli;
      const [count, seed] = [wholeNumber('--count', flags.count), wholeNumber('--seed', flags.seed)];
      await using operation = await openOperation(cli, { file: flags.file, connectTimeout: 3 });
      const records = await readRecords(runtimeFolder);
      const lab = thisLab(operation.cluster, records);
      const faults = possibleFaults(flags.faults.split(','), operation.cluster, lab);
      const setups = findSetups(flags.setups.split(','));
      await using _held = lab && (await holdDrills(lab, runtimeFolder));
      const stage = await openStage(operation, records, seededDraw(seed));
      await refuseUnhealthy(stage);
      for (const setup of setups) ownOf(records, placeOf(stage, setup));
      const own: Contender = { setup: kubekeepSetup, stage };
      await using made = new AsyncDisposableStack();
      // Last of all, whatever happened, also after Ctrl-C.
      made.defer(() => switchOn({ ...own, stage: { ...stage, operation: { ...operation, signal: new AbortController().signal } } }));
      await switchOff(own);
      const contenders = [own];
      for (const setup of setups) {
        contenders.push(made.use(await makeContender({ stage, setup, runtimeFolder, raiseLimits: flags.raiseLimits ?? false, draw: seededDraw(seed), connect: (cluster, state) => ({ ...operationOn(cli, cluster, state, { connectTimeout: 3 }), renderers: setup.renderers }) })));
      }
      const runs = await runComparison(contenders, { faults, count, seed, folder: drillsFolder(operation), onRun: (run) => cli.progress({ type: 'note', title: `${run.setup}: ${sentence(run)}` }) });
      const command = `kubekeep drill compare --faults ${flags.faults} --setups ${flags.setups} --count ${count} --seed ${seed}`;
      if (flags.out) await writeFile(flags.out, comparisonPage(runs, { command, processors: availableParallelism(), setups: contenders.map(({ setup }) => setup) }));
      cli.print({ kind: 'DrillComparison', data: { seed, runs }, text: `${describeRuns(runs, textTable)}\n\n${flags.out ? `Wrote ${flags.out}.` : 'kubekeep drill report makes a page with pictures.'}` });
      exit(runs.every((run) => run.setup !== kubekeepSetup.id || (run.restored && worstVerdict(run) === 'held')) ? 0 : 1);
    });
}

import { InvalidArgumentError, Option, type Command } from 'commander';
import { age, healthOf, usualLimits, type Limits } from '../../backup/backup-health.ts';
import { logRanges, type LogPart } from '../../backup/change-log/coverage.ts';
import { basesOf, type Base } from '../../backup/points.ts';
import { rehearsedBases, verdictsOf, type Verdict } from '../../backup/verdicts.ts';
import { duration } from '../../lib/duration.ts';
import { followBackup } from '../../operations/backup/follow-backup.ts';
import { initBackup } from '../../operations/backup/init-backup.ts';
import { writeMetrics } from '../../operations/backup/metrics-file.ts';
import { openToRead } from '../../operations/backup/open-backup.ts';
import { pruneBackup } from '../../operations/backup/prune-backup.ts';
import { readWriterKeys } from '../../operations/backup/host-writers.ts';
import { runBackup } from '../../operations/backup/run-backup.ts';
import type { AddCommand } from '../add-command.ts';
import type { Cli } from '../cli.ts';
import { clusterFileOption } from '../cluster-file.ts';
import { megabytes } from '../megabytes.ts';
import { textTable, utc } from '../text-table.ts';
import { openBackupOperation, storeOf } from '../wire.ts';
import { sentence, stateOf } from './_backup.ts';
import { addVerify } from './_backup-verify.ts';
import { addBackupKeys } from './backup-keys.ts';

interface Flags {
  readonly file: string;
}

interface MetricsFlags extends Flags {
  readonly metrics?: string;
}

const metricsOption = () => new Option('--metrics <file>', 'also write what monitoring needs to a file for Prometheus, for example /var/lib/node_exporter/kubekeep.prom');

/** The newest ones, in a table. */
const shownVerdicts = 20;

/** `backup init|run|follow|list|check|verify|prune|keys`. */
export const addBackup: AddCommand = (program, cli, exit) => {
  const group = program.command('backup').description('Keep what etcd holds in a repository: encrypted, each page once.');
  addInit(group, cli);
  addRun(group, cli);
  addFollow(group, cli);
  addList(group, cli);
  addCheck(group, cli, exit);
  addPrune(group, cli);
  addVerify(group, cli, exit);
  addBackupKeys(group, cli, exit);
};

function addInit(group: Command, cli: Cli): void {
  group
    .command('init')
    .description('Make the repository that spec.backup of the cluster file names. Its keys are kept beside the cluster file, sealed to the identity of the cluster.')
    .addOption(clusterFileOption())
    .action(async ({ file }: Flags) => {
      await using operation = await openBackupOperation(cli, { file, connectTimeout: 4 });
      const { id, place, recipients, escrow, owner, madeIdentity } = await initBackup(operation, storeOf(operation));
      const text = `${madeIdentity === undefined ? '' : `made identity ${madeIdentity}, since there was none: copy it to a safe place now\n`}repository ${id.slice(0, 12)} in ${place}, readable with the identity of ${recipients.length} ${recipients.length === 1 ? 'recipient' : 'recipients'}\nowner ${owner}\nKeep a copy of the identity elsewhere: without one nothing in it can be read, and the owner's key tells it from another that was put in its place.\nNext: kubekeep backup run`;
      cli.print({ kind: 'Repository', data: { id, place, recipients, escrow, owner, madeIdentity }, text });
    });
}

function addRun(group: Command, cli: Cli): void {
  group
    .command('run')
    .description('Take a base now: all of etcd at one revision, compared with every member, stored where it is new.')
    .addOption(clusterFileOption())
    .action(async ({ file }: Flags) => {
      await using operation = await openBackupOperation(cli, { file, connectTimeout: 4 });
      const base = await runBackup(operation, storeOf(operation));
      cli.print({ kind: 'Base', data: { base }, text: `${sentence(base)}\n${megabytes(base.added)} of ${megabytes(base.length)} were new` });
    });
}

function addFollow(group: Command, cli: Cli): void {
  group
    .command('follow')
    .description('Append every revision of etcd to the log in the repository, until it is stopped. It may be stopped and started at will, and run twice: as long as etcd still has the revisions that are missing, none is lost.')
    .addOption(metricsOption())
    .option('--writer <file>', 'write with the keys in this file, which kubekeep apply gives to hosts, and with no others; what is noted lies in the folder that systemd names (StateDirectory), or beside the cluster file')
    .addOption(clusterFileOption())
    .action(async ({ file, metrics, writer }: MetricsFlags & { readonly writer?: string }) => {
      await using operation = await openBackupOperation(cli, { file, connectTimeout: 4, stateIn: writer === undefined ? undefined : cli.environment.serviceState });
      await followBackup(operation, storeOf(operation), { metrics, keys: writer === undefined ? undefined : await readWriterKeys(writer) });
    });
}

function addList(group: Command, cli: Cli): void {
  group
    .command('list')
    .description('List the bases of the repository, and which revisions its log has and lacks. Needs the identity, and no host.')
    .addOption(clusterFileOption())
    .action(async ({ file }: Flags) => {
      await using operation = await openBackupOperation(cli, { file });
      const { repository } = await openToRead(operation, storeOf(operation));
      const [bases, log, verdicts] = [basesOf(repository.chain), logRanges(repository.chain), verdictsOf(repository.chain)];
      const text = bases.length === 0 ? `no base in ${repository.store.place}\nNext: kubekeep backup run` : [baseTable(bases, rehearsedBases(repository.chain)), ...(log.length === 0 ? ['no log: kubekeep backup follow writes one'] : [logTable(log)]), ...(verdicts.length === 0 ? [] : [verdictTable(verdicts)])].join('\n\n');
      cli.print({ kind: 'Bases', data: { repository: repository.id, place: repository.store.place, bases, log, verdicts }, text });
    });
}

function addCheck(group: Command, cli: Cli, exit: (code: number) => void): void {
  group
    .command('check')
    .description('Say whether backups are as they should be, for monitoring: a base of the last 25 hours that members agree with, a log that ends less than a minute ago where there is one, no revision lost in the last 25 hours. Needs the identity, and no host; exit code 5 when something is wrong.')
    .addOption(metricsOption())
    .addOption(clusterFileOption())
    .addOption(new Option('--rehearsed-within <time>', 'also want a point that restore verify held so lately: 12h, 7d, 2w').argParser(timeOf))
    .addOption(new Option('--log-within <time>', 'how long ago the log may end: more than a minute where nothing may be written to etcd for so long, which the repository alone does not show: 15m, 12h (default: 1m)').argParser(timeOf))
    .action(async ({ file, metrics, rehearsedWithin, logWithin: log = usualLimits.log }: MetricsFlags & { readonly rehearsedWithin?: number; readonly logWithin?: number }) => {
      await using operation = await openBackupOperation(cli, { file });
      const { repository } = await openToRead(operation, storeOf(operation));
      const now = cli.clock.now();
      const limits: Limits = { ...usualLimits, log, rehearsed: rehearsedWithin };
      if (metrics !== undefined) await writeMetrics(operation, { repository, limits }, metrics);
      const { newest, base, rehearsed, problems } = healthOf(repository, now, limits);
      const state = newest && base && `newest point: revision ${newest.revision}, ${age(now - newest.time)} ago; newest base: ${base.number}, ${age(now - base.time)} ago, ${stateOf(base, rehearsedBases(repository.chain))}`;
      cli.print({ kind: 'BackupHealth', data: { newest, base, rehearsed, problems }, text: [...(state ? [state] : []), ...(problems.length === 0 ? ['nothing is wrong'] : problems.map((problem) => `- ${problem}`))].join('\n') });
      exit(problems.length === 0 ? 0 : 5);
    });
}

function addPrune(group: Command, cli: Cli): void {
  group
    .command('prune')
    .description('Take away what spec.backup.keep of the cluster file does not keep. What goes is said first, and removed by a run a day later or after that: until then a restore that has begun finds it.')
    .option('--dry-run', 'only say what would go, and why the rest stays')
    .addOption(clusterFileOption())
    .action(async ({ file, dryRun = false }: Flags & { readonly dryRun?: boolean }) => {
      await using operation = await openBackupOperation(cli, { file });
      const { plan, objects, removed, refused } = await pruneBackup(operation, storeOf(operation), { dryRun });
      const bases = plan.bases.map(({ base, keep }) => ({ number: base.number, time: base.time, revision: base.revision, keep }));
      const goes = bases.filter(({ keep }) => keep.length === 0).length;
      const done = [
        `${goes} of ${bases.length} bases go${plan.logs.map(({ first, upTo }) => `, and revisions ${first} to ${upTo} of the log`).join('')}`,
        ...(dryRun ? ['nothing was changed'] : [`${removed} objects are gone, ${objects} more go a day from now`]),
        ...refused.map(({ name, why }) => `${name} is still there: ${why}`),
      ];
      cli.print({ kind: 'Pruned', data: { bases, logs: plan.logs, changed: !dryRun, objects, removed, refused }, text: [...(bases.length === 0 ? [] : [keepTable(bases)]), done.join('\n')].join('\n\n') });
    });
}

function keepTable(bases: readonly { readonly number: number; readonly time: number; readonly revision: number; readonly keep: readonly string[] }[]): string {
  return textTable([['BASE', 'TIME (UTC)', 'REVISION', 'KEPT AS'], ...bases.map(({ number, time, revision, keep }) => [String(number), utc(time), String(revision), keep.length === 0 ? '- goes' : keep.join(', ')])]);
}

/** In ms. */
function timeOf(text: string): number {
  const ms = duration(text);
  if (ms === undefined) throw new InvalidArgumentError('It is a number of minutes, hours, days or weeks, such as 15m, 12h, 7d or 2w.');
  return ms;
}

function baseTable(bases: readonly Base[], rehearsed: ReadonlySet<number>): string {
  const rows = bases.map((base) => [String(base.number), utc(base.time), String(base.revision), stateOf(base, rehearsed), base.member, megabytes(base.length), megabytes(base.added)]);
  return textTable([['BASE', 'TIME (UTC)', 'REVISION', 'STATE', 'FROM', 'SIZE', 'NEW'], ...rows]);
}

function logTable(log: readonly LogPart[]): string {
  const rows = log.map((part) => [part.kind === 'hole' ? 'hole' : 'whole', String(part.first), String(part.last), part.kind === 'hole' ? part.why : `${utc(part.from)} to ${utc(part.to)}`]);
  return textTable([['LOG', 'FROM REVISION', 'TO REVISION', 'CAPTURED (UTC)'], ...rows]);
}

function verdictTable(verdicts: readonly Verdict[]): string {
  const rows = verdicts.slice(-shownVerdicts).map(({ time, revision, base, outcome, state, listed, took }) => {
    const equal = state?.members.filter(({ verdict }) => verdict === 'equal').length ?? 0;
    return [utc(time), String(revision), String(base), outcome, equal === 0 ? 'no member' : `${equal} of ${state!.members.length} at ${state!.revision}`, listed ? String(listed.objects) : '', age(took)];
  });
  return textTable([['REPLAYED (UTC)', 'REVISION', 'FROM BASE', 'OUTCOME', 'EQUAL TO', 'OBJECTS', 'TOOK'], ...rows]);
}

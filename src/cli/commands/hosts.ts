import type { Command } from 'commander';
import type { Cluster } from '../../cluster/cluster.ts';
import { slowEtcdTimes, withSlowEtcdTimes } from '../../cluster/slow-etcd-times.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { checkHosts } from '../../operations/check-hosts/check-hosts.ts';
import type { HostsReport } from '../../operations/check-hosts/report.ts';
import { showHostKeys, trustKeys, type ShownKey } from '../../operations/trust-hosts.ts';
import type { AddCommand } from '../add-command.ts';
import type { Cli } from '../cli.ts';
import { clusterFileOption, readClusterText, writeClusterText } from '../cluster-file.ts';
import { describeHostsReport } from '../describe-hosts-report.ts';
import { openOperation } from '../wire.ts';
import { addHostsApprove } from './_hosts-approve.ts';
import { addHostsRemove } from './_hosts-remove.ts';

/** `hosts`: looking at the hosts before anything is touched. */
export const addHosts: AddCommand = (program, cli, exit) => {
  const group = program.command('hosts').description('The hosts of the cluster file: are they fit, and are they the right ones?');
  addCheck(group, cli, exit);
  addTrust(group, cli, exit);
  addHostsApprove(group, cli);
  addHostsRemove(group, cli);
};

function addCheck(group: Command, cli: Cli, exit: (code: number) => void): void {
  group
    .command('check')
    .description('Look whether the hosts are fit for the cluster. Leaves nothing behind on them; exit code 3 when something is refused.')
    .addOption(clusterFileOption())
    .option('--slow-disk', 'accept a disk that is too slow for the usual times of etcd, and write larger ones into the cluster file')
    .option('--quick', 'leave out disk speed, connections between the hosts and the VIP on each of them')
    .action(async ({ file, slowDisk = false, quick = false }: { readonly file: string; readonly slowDisk?: boolean; readonly quick?: boolean }) => {
      await using operation = await openOperation(cli, { file, connectTimeout: 5 });
      const report = await checkHosts(operation, { slowDisk, quick });
      exit(report.fit ? 0 : 3);
      const etcdTimes = slowDisk ? await chooseEtcdTimes(file, operation.cluster, report) : undefined;
      const chosen = etcdTimes ? `\nWrote spec.etcd.heartbeatInterval ${etcdTimes.heartbeatInterval} and electionTimeout ${etcdTimes.electionTimeout} into ${file}.` : '';
      cli.print({ kind: 'HostsReport', data: { ...report, ...(etcdTimes && { etcdTimes }) }, text: describeHostsReport(report) + chosen });
    });
}

/** What was written into the cluster file; nothing where every disk is fast or the times are as large already. */
async function chooseEtcdTimes(file: string, { etcd }: Cluster, { checks }: HostsReport): Promise<typeof slowEtcdTimes | undefined> {
  const isSlow = checks.some(({ check, verdict }) => check === 'disk' && verdict === 'warning');
  if (!isSlow || etcd.electionTimeout >= slowEtcdTimes.electionTimeout) return undefined;
  await writeClusterText(file, withSlowEtcdTimes(await readClusterText(file)));
  return slowEtcdTimes;
}

interface TrustFlags {
  readonly file: string;
  readonly yes?: boolean;
  readonly replace?: boolean;
}

function addTrust(group: Command, cli: Cli, exit: (code: number) => void): void {
  group
    .command('trust')
    .description('Show the SSH keys of the hosts and remember them. Compare the fingerprints with the consoles of the hosts first.')
    .addOption(clusterFileOption())
    .option('-y, --yes', 'do not ask; without a terminal it is needed')
    .option('--replace', 'also accept keys that are not the ones that were trusted before')
    .action(async ({ file, yes = false, replace = false }: TrustFlags) => {
      await using operation = await openOperation(cli, { file });
      const keys = await showHostKeys(operation);
      refuseChanged(keys, replace);
      const wanted = keys.filter(({ state }) => state === 'new' || state === 'changed');
      if (wanted.length > 0 && !yes) await ask(keys, wanted, cli);
      const written = await trustKeys(operation.state, keys);
      const silent = keys.filter(({ state }) => state === 'no answer');
      exit(silent.length > 0 ? 1 : 0);
      const outcome = [
        ...(written.length > 0 ? [`Remembered the keys of ${written.join(', ')} in ${operation.state.knownHosts}.`] : ['Nothing to remember.']),
        ...silent.map(({ host, reason }) => `${host} was left out: ${reason}`),
      ];
      cli.print({ kind: 'HostKeys', data: { keys, written }, text: [describeKeys(keys), '', ...outcome].join('\n') });
    });
}

function refuseChanged(keys: readonly ShownKey[], replace: boolean): void {
  const other = keys.filter(({ state }) => state === 'not as in the cluster file' || (state === 'changed' && !replace));
  if (other.length === 0) return;
  const words = other.map(({ host, state, before, fingerprint }) => `${host} shows ${fingerprint}, ${state === 'changed' ? 'trusted was' : 'the cluster file says'} ${before}`);
  const inFile = other.some(({ state }) => state !== 'changed');
  throw new KubekeepError('host-key', `the host key has changed; nothing was remembered: ${words.join('; ')}`, {
    hint: inFile ? 'Compare with the console of the host; if it was reinstalled on purpose, correct hostKey in the cluster file.' : 'Compare with the console of the host; if it was reinstalled on purpose, run kubekeep hosts trust --replace.',
  });
}

async function ask(keys: readonly ShownKey[], wanted: readonly ShownKey[], cli: Cli): Promise<void> {
  if (cli.environment.interactive) {
    if (await cli.confirm(`Trust ${wanted.length === 1 ? 'this key' : `these ${wanted.length} keys`}?`, `${describeKeys(keys)}\n\nOn the console of a host: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub`)) return;
  }
  throw new KubekeepError('needs-confirmation', `nothing was remembered: the keys of ${wanted.map(({ host }) => host).join(', ')} were not confirmed`, { hint: 'Run it on a terminal and compare the fingerprints, or give --yes.' });
}

function describeKeys(keys: readonly ShownKey[]): string {
  const rows = keys.map(({ host, at, state, key, fingerprint = '', before }) => [host, at, key?.split(' ')[0] ?? '', fingerprint, before ? `${state}, before ${before}` : state]);
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) => row.map((text, column) => text.padEnd(widths[column]!)).join('  ').trimEnd()).join('\n');
}

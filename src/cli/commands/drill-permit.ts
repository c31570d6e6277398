import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { refuseLabOnly } from '../../drills/open-permitted-stage.ts';
import { longestLife, permitFormat, signPermit } from '../../drills/permit/permit.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { parseTime } from '../../lib/parse-time.ts';
import { existingSecrets } from '../../operations/existing-secrets.ts';
import type { Cli } from '../cli.ts';
import { clusterFileOption } from '../cluster-file.ts';
import { openOperation } from '../wire.ts';
import { possibleFaults, wholeNumber } from './_drill.ts';

interface PermitFlags {
  readonly file: string;
  readonly faults: string;
  readonly hours: string;
  readonly from?: string;
  readonly out: string;
}

/** `drill permit`: allows faults on a cluster that people use, for some hours. */
export function addPermit(group: Command, cli: Cli): void {
  group
    .command('permit')
    .description("Sign a permit for drills on this cluster outside a lab, with the key of its Kubernetes CA: for the faults named, this cluster and some hours. It breaks nothing; drill run --permit does.")
    .addOption(clusterFileOption())
    .requiredOption('--faults <ids>', 'which may be run, with commas')
    .requiredOption('--hours <n>', `for how long, ${longestLife} at most`)
    .option('--from <time>', 'when it begins, for example 2026-11-28T22:00:00Z (default: now)')
    .option('--out <path>', 'where the permit goes', 'drill-permit.json')
    .action(async (flags: PermitFlags) => {
      const hours = wholeNumber('--hours', flags.hours);
      if (hours > longestLife) throw new KubekeepError('usage', `a permit is for ${longestLife} hours at most, not ${hours}`, { hint: 'Sign one for each occasion.' });
      const from = startTime(flags.from, cli.clock.now());
      await using operation = await openOperation(cli, { file: flags.file, connectTimeout: 4 });
      const { cluster } = operation;
      const faults = possibleFaults(flags.faults.split(','), cluster, undefined);
      refuseLabOnly(faults);
      const { secrets } = await existingSecrets(operation);
      const time = (at: number) => new Date(at).toISOString();
      const ids = faults.map(({ id }) => id);
      const signed = signPermit({ format: permitFormat, clusterId: secrets.clusterId, cluster: cluster.name, faults: ids, notBefore: time(from), expires: time(from + hours * 3_600_000), who: operation.user }, secrets.authorities.kubernetes);
      await writeFile(flags.out, `${JSON.stringify(signed, null, 2)}\n`, { mode: 0o600 });
      const text = `Wrote ${flags.out}: ${ids.join(', ')} on ${cluster.name} (id ${secrets.clusterId.slice(0, 12)}) until ${signed.permit.expires}.\n  → kubekeep drill run ${ids.join(' ')} --permit ${flags.out} --file ${flags.file}`;
      cli.print({ kind: 'DrillPermit', data: { path: flags.out, ...signed }, text });
    });
}

/** @internal */
export function startTime(text: string | undefined, now: number): number {
  if (text === undefined) return now;
  const [, day, clock, zone] = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d(?::\d\d)?)(Z|[+-]\d\d:\d\d)$/.exec(text) ?? [];
  const time = day && clock && zone ? parseTime(day, clock, zone) : Number.NaN;
  if (Number.isNaN(time)) throw new KubekeepError('usage', `--from wants a time with its zone, not "${text}"`, { hint: 'For example 2026-11-28T22:00:00Z or 2026-11-28T23:00+01:00.' });
  return time;
}

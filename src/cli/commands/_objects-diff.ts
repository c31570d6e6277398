import { Option, type Command } from 'commander';
import { KubekeepError } from '../../lib/errors.ts';
import { parseLabelSelector } from '../../objects/label-selector.ts';
import { nameOf } from '../../objects/stored-objects.ts';
import type { ReadOperation } from '../../operations/backup/backup-operation.ts';
import { liveDifferences, type LiveDifferences } from '../../operations/objects/live-differences.ts';
import { openLive } from '../../operations/objects/live-objects.ts';
import { objectDifferences, type DifferenceOptions, type ObjectDifference } from '../../operations/objects/object-differences.ts';
import type { OpenObjects } from '../../operations/objects/open-objects.ts';
import { customResources } from '../../operations/objects/read-objects.ts';
import { wantedNames, type WantedWords } from '../../operations/objects/wanted-names.ts';
import type { Cli } from '../cli.ts';
import { describeDifferences } from '../describe-changes.ts';
import { kubeconfigOption, withApiOf } from './_objects-api.ts';
import { printedChange, sinceWords, startOf } from './_objects-changes.ts';
import { hiding, pointWords, wantedWords, withObjects, withRepositoryOptions, type SourceFlags } from './_objects.ts';

interface DiffFlags extends Omit<SourceFlags, 'fromFile' | 'at'> {
  readonly namespace?: string;
  readonly from: string;
  readonly to?: string;
  readonly live?: boolean;
  readonly kubeconfig?: string;
  readonly selector?: string;
  readonly all?: boolean;
}

/** `objects diff`. */
export function addDiff(group: Command, cli: Cli, exit: (code: number) => void): void {
  withRepositoryOptions(group.command('diff [kind]'))
    .description('Show what is different between two points, or between a point and the cluster as it is: objects that appeared, went or changed, of all kinds or of KIND or KIND/NAME. Exit code 5 when the cluster does not give all kinds.')
    .requiredOption('--from <point>', sinceWords)
    .option('--to <point>', `${pointWords} (default: latest)`)
    .option('--live', 'the cluster as it is, through its API, instead of --to')
    .addOption(kubeconfigOption('with --live: the cluster to compare with'))
    .addOption(new Option('-n, --namespace <name>', 'only of this namespace'))
    .option('-l, --selector <labels>', 'only objects with these labels, before or after')
    .option('--all', 'leases, events, endpoints and the addresses of Services too, and status, generation and who manages which field')
    .action(async (kind: string | undefined, { namespace, from, to, live = false, kubeconfig, selector, all = false, ...flags }: DiffFlags) => {
      if (live && to !== undefined) throw new KubekeepError('usage', 'a diff has one other side: give either --to or --live');
      if (!live && kubeconfig !== undefined) throw new KubekeepError('usage', '--kubeconfig names the cluster that --live compares with', { hint: 'Add --live, or leave it out to compare two points.' });
      const words = wantedWords(kind, namespace);
      const how = { selector: selector === undefined ? undefined : parseLabelSelector(selector), all, hide: hiding(flags.reveal) };
      await withObjects(cli, flags, async (open, operation) => {
        const start = await startOf(cli, open, from);
        const found = live ? await withLive(cli, { operation, open, start }, { words, how, file: flags.file, kubeconfig }) : await betweenPoints(operation, open, { start, to: to ?? 'latest', words, how });
        const differences = found.differences.map((one) => ({ ...one, name: { ...one.name, resource: nameOf(one.name) }, changes: one.changes.map(printedChange) }));
        const none = `nothing is different between revision ${start.point.revision} and ${live ? 'the cluster as it is' : found.to}${all ? '' : ' but what --all would show'}`;
        const text = [...(found.live ? notesOf(found.live) : []), found.differences.length === 0 ? none : describeDifferences(found.differences, { colour: cli.environment.colour })].join('\n');
        cli.print({ kind: 'ObjectDifferences', data: { from: start.point.revision, to: found.to, live: found.live, differences }, text });
        exit(found.live && found.live.notCompared.length > 0 ? 5 : 0);
      });
    });
}

type How = Pick<DifferenceOptions, 'selector' | 'all' | 'hide'>;
type Start = Awaited<ReturnType<OpenObjects['at']>>;

interface Found {
  /** Revision of the other side; of a cluster undefined where its user may not ask for one. */
  readonly to: number | undefined;
  readonly differences: readonly ObjectDifference[];
  /** Of the cluster as it is; undefined between two points. */
  readonly live: Omit<LiveDifferences, 'differences'> | undefined;
}

async function betweenPoints(operation: ReadOperation, open: OpenObjects, { start, to, words, how }: { readonly start: Start; readonly to: string; readonly words: WantedWords; readonly how: How }): Promise<Found> {
  const end = await open.at(to);
  const { has: wanted } = await wantedNames(words, [end.state, start.state].map((one) => () => customResources(one)));
  return { to: end.point.revision, live: undefined, differences: await objectDifferences(operation, open, { from: start.point, to: end.point, wanted, ...how }) };
}

async function withLive(cli: Cli, { operation, open, start }: { readonly operation: ReadOperation; readonly open: OpenObjects; readonly start: Start }, { words, how, ...flags }: { readonly words: WantedWords; readonly how: How; readonly file: string; readonly kubeconfig: string | undefined }): Promise<Found> {
  return withApiOf(cli, { file: flags.file, ...(flags.kubeconfig !== undefined && { kubeconfig: flags.kubeconfig }) }, async (api) => {
    const cluster = await openLive(api, operation.signal);
    const wanted = await wantedNames(words, [async () => cluster.custom ?? [], () => customResources(start.state)]);
    const { differences, ...live } = await liveDifferences(operation, start.state, cluster, { wanted, encryptionKeys: open.encryptionKeys, ...how });
    return { to: cluster.revision, live, differences };
  });
}

function notesOf({ cluster, notCompared, otherVersions }: Omit<LiveDifferences, 'differences'>): readonly string[] {
  return [
    ...(cluster === 'other' ? ['this is another cluster than that of the backup: uids, addresses and what else belongs to one life of an object are not compared, but with --all'] : []),
    ...notCompared.map(({ resource, why }) => `not compared: ${resource}: ${why}`),
    ...otherVersions.map(({ resource, stored, served }) => `${resource} are stored as ${stored}, which is not served, and compared as ${served}`),
  ];
}

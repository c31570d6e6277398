import { Option, type Command } from 'commander';
import { KubekeepError } from '../../lib/errors.ts';
import { nameOf } from '../../objects/stored-objects.ts';
import { searchObjects } from '../../operations/objects/search-objects.ts';
import type { FoundText } from '../../operations/objects/text-spans.ts';
import type { Cli } from '../cli.ts';
import { textTable, utc } from '../text-table.ts';
import { sinceWords, startOf } from './_objects-changes.ts';
import { hiding, pointWords, withObjects, withRepositoryOptions, type SourceFlags } from './_objects.ts';

type SearchFlags = Omit<SourceFlags, 'fromFile'> & { readonly namespace?: string; readonly since: string; readonly all?: boolean };
/** Of a label or an annotation: some hold whole objects. */
const mostLetters = 80;

export function addSearch(group: Command, cli: Cli): void {
  withRepositoryOptions(group.command('search <text>'))
    .description('Look for a text, as it is written, in the names, labels and annotations of every revision of every object: when it was there, and when it went.')
    .addOption(new Option('-n, --namespace <name>', 'only in this namespace'))
    .requiredOption('--since <point>', sinceWords)
    .option('--at <point>', `up to ${pointWords} (default: latest)`)
    .option('--all', 'leases, events, endpoints and the addresses of Services too')
    .action(async (text: string, { namespace, since, at = 'latest', all = false, reveal, ...flags }: SearchFlags) => {
      if (text === '') throw new KubekeepError('usage', 'an empty text is everywhere', { hint: 'Name a part of a name, a label or an annotation.' });
      await withObjects(cli, flags, async (open, operation) => {
        const { point: upTo, state } = await open.at(at);
        const start = await startOf(cli, open, since);
        const { found, gaps } = await searchObjects(operation, open, { text, since: start.point, upTo, all, wanted: (name) => namespace === undefined || name.namespace === namespace, encryptionKeys: await open.encryptionKeys(), hide: hiding(reveal) });
        const printed = found.map((one) => ({ ...one, resource: nameOf(one) }));
        const lines = [...(found.length === 0 ? [`nothing had "${text}" up to ${state.called}`] : [textTable([['FROM (UTC)', 'REVISION', 'UNTIL', 'OBJECT', 'NAMESPACE', 'WHERE'], ...printed.map(foundRow)])]), ...gaps.map(({ first, last, why }) => `not known of revisions ${first} to ${last}: ${why}`)];
        cli.print({ kind: 'FoundTexts', data: { found: printed, gaps }, text: lines.join('\n') });
      });
    });
}

function foundRow({ time, from, until, resource, name, namespace, where, what }: FoundText): readonly string[] {
  const shown = what.length > mostLetters ? `${what.slice(0, mostLetters)}…` : what;
  return [time === undefined ? 'before' : utc(time), String(from), until === undefined ? '' : String(until), `${resource}/${name}`, namespace, where === 'name' ? where : `${where} ${shown.replaceAll(/\s+/g, ' ')}`];
}

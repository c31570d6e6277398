import { Option } from 'commander';
import { quote } from '../../hosts/quote.ts';
import { runInteractive } from '../../hosts/run-interactive.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { nameOf } from '../../objects/stored-objects.ts';
import { bisect, type Culprit } from '../../operations/past/bisect.ts';
import { objectKeys } from '../../operations/objects/log-changes.ts';
import { customResources } from '../../operations/objects/read-objects.ts';
import { wantedNames } from '../../operations/objects/wanted-names.ts';
import type { AddCommand } from '../add-command.ts';
import { clusterFileOption } from '../cluster-file.ts';
import { describeDifferences } from '../describe-changes.ts';
import { pastPoint, pastPointWords } from '../past-point.ts';
import { utc } from '../text-table.ts';
import { hiding, wantedWords, withObjects } from './_objects.ts';
import { printedChange } from './_objects-changes.ts';

interface Flags {
  readonly file: string;
  readonly good: string;
  readonly bad: string;
  readonly only?: string;
  readonly namespace?: string;
  readonly encryptionConfig?: string;
  readonly reveal?: boolean;
}

/** `bisect`: which change turned it bad. */
export const addBisect: AddCommand = (program, cli) => {
  program
    .command('bisect')
    .argument('<words...>', 'the check, a command after --: it ends with 0 where all is good, with 125 where it cannot tell, with another number up to 127 where it is bad')
    .description('Find the change that turned something bad: run a check against points of the past, as kubekeep at serves them, with KUBECONFIG set, and name the revision, the object, its fields and who wrote them. Of 3 million revisions 22 are judged, and both ends. Needs the identity, and no host.')
    .addOption(clusterFileOption())
    .requiredOption('--good <point>', `when all was good: ${pastPointWords}`)
    .requiredOption('--bad <point>', 'when it was bad, written the same way')
    .option('--only <object>', 'suspect a kind, or one object KIND/NAME: other revisions are judged only where it was none of its')
    .addOption(new Option('-n, --namespace <name>', 'with --only: in this namespace'))
    .option('--encryption-config <path>', 'the EncryptionConfiguration that API servers had then, for a cluster that kubekeep did not build')
    .option('--reveal', 'show what Secrets hold')
    .action(async (words: readonly string[], { good, bad, only, namespace, reveal, ...flags }: Flags) => {
      await withObjects(cli, flags, async (open, operation) => {
        const [from, to] = [await open.at(pastPoint(good, cli.clock.now())), await open.at(pastPoint(bad, cli.clock.now()))];
        if (from.point.base.timeline !== to.point.base.timeline) throw new KubekeepError('usage', 'the cluster was restored between the two points: what came after does not follow on what was before', { hint: 'Choose two points on one side of it; kubekeep backup list shows when it was.' });
        if (from.point.revision >= to.point.revision) throw new KubekeepError('usage', `revision ${from.point.revision}, which is to be good, does not come before revision ${to.point.revision}, which is to be bad`);
        const wanted = only === undefined ? undefined : objectKeys({ all: true, wanted: (await wantedNames(wantedWords(only, namespace), [to.state, from.state].map((one) => () => customResources(one)))).has });
        const culprit = await bisect(operation, open, {
          good: from.point, bad: to.point, suspected: wanted, hide: hiding(reveal),
          check: (kubeconfig) => runInteractive(['env', `KUBECONFIG=${kubeconfig}`, ...words], cli.signal, { beside: true }),
        });
        const changes = culprit.changes.map((one) => ({ ...one, name: { ...one.name, resource: nameOf(one.name) }, changes: one.changes.map(printedChange) }));
        cli.print({ kind: 'Culprit', data: { ...culprit, changes }, text: culpritText(culprit, cli.environment) });
      });
    });
};

function culpritText({ good, bad, changes, more, gaps, candidates, judged }: Culprit, { colour }: { readonly colour: boolean }): string {
  const exact = bad === good + 1;
  const last = changes.at(-1);
  return [
    `${exact ? `revision ${bad} turned it bad` : `one of revisions ${good + 1} to ${bad} turned it bad; those between cannot be judged`} (${judged} of ${candidates.toLocaleString('en')} judged)`,
    ...changes.map(({ kind, name, revision, time, manager, changes: fields, why }) => {
      const difference = { kind: kind === 'made' ? 'appeared' : kind === 'deleted' ? 'went' : 'changed', name, before: kind === 'made' ? undefined : revision - 1, after: revision, changes: fields, why } as const;
      return `\n${time === undefined ? '' : `${utc(time)} UTC`}${manager === undefined ? '' : `, by ${manager}`}\n${describeDifferences([difference], { colour })}`;
    }),
    ...(more > 0 ? [`and ${more} more objects`] : []),
    ...gaps.map(({ first, last: end, why }) => `not known of revisions ${first} to ${end}: ${why}`),
    ...(last && exact ? [`\nNext: kubekeep objects get ${quote(`${nameOf(last.name)}/${last.name.name}`)}${last.name.namespace === '' ? '' : ` -n ${last.name.namespace}`} --at revision:${good}`] : []),
  ].join('\n');
}

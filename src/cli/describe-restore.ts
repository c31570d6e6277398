import type { NamedChange, StateChanges } from '../operations/restore/state-changes.ts';
import type { RestorePlan } from '../operations/restore/restore-plan.ts';

const shownResources = 12;
const shownNames = 8;

/** What a restore of the whole cluster will do and change, for people. */
export function describeRestore(plan: RestorePlan): string {
  const { record, highest, phases, changes, unseen, warnings, continues } = plan;
  return [
    `${plan.cluster}: ${sourceOf(plan)}${continues ? ', which was begun before and goes on' : ''}.`,
    ...warnings.map((warning) => `! ${warning}`),
    `Revisions of etcd begin at ${record.floor}: the highest seen is ${highest.revision} (${highest.where}). Clients read everything anew, none sees a revision decrease.`,
    '',
    'What is done, one line after the other:',
    ...phases.map(({ title, steps }) => `  ${[...new Set(steps.map(({ host }) => host))].join(', ')}: ${title}`),
    '',
    ...(record.kind === 'roll-back' ? ['Everything that was written since then will be gone.'] : []),
    ...(changes ? changeLines(changes) : [`What changes for those who live in the cluster is not known: ${unseen}.`]),
    'Not looked at: what stands in the objects, and everything outside etcd: volumes and what is on them, load balancers of a cloud, what runs on nodes.',
  ].join('\n');
}

export function describeRestored(plan: RestorePlan, file: string): string {
  return [
    `${plan.cluster}: ${sourceOf(plan)}, done. A new timeline of revisions begins at ${plan.record.floor}.`,
    'What etcd had before is kept beside its data on each host, until you remove it: /var/lib/etcd.before-restore-… (kubekeep restore cluster --roll-back goes back to it).',
    `  → kubekeep status --file ${file}`,
  ].join('\n');
}

function sourceOf({ record: { kind, point, undoes } }: RestorePlan): string {
  if (kind === 'roll-back' || !point) return `back to what etcd had before restore ${undoes}`;
  return `back to revision ${point.revision} of ${new Date(point.time).toISOString()} (base ${point.base})`;
}

function changeLines({ resources, named, cronJobs }: StateChanges): string[] {
  if (resources.length === 0) return ['What changes for those who live in the cluster: nothing, by the names and revisions of the objects.'];
  const shown = resources.slice(0, shownResources);
  const width = Math.max(...shown.map(({ resource }) => resource.length));
  return [
    'What changes for those who live in the cluster:',
    ...shown.map(({ resource, gone, back, older }) => `  ${resource.padEnd(width)}  ${words(gone, back, older)}`),
    ...(resources.length > shown.length ? [`  and ${resources.length - shown.length} more kinds of objects`] : []),
    ...named.flatMap(nameLines),
    ...(cronJobs.length > 0 ? [`CronJobs whose time came since then run once as soon as the controllers work: ${some(cronJobs)}.`] : []),
    ...hints(named, resources.some(({ resource, back }) => resource === 'secrets' && back > 0)),
  ];
}

function words(gone: number, back: number, older: number): string {
  return [...(gone > 0 ? [`${gone} made since are gone`] : []), ...(back > 0 ? [`${back} deleted since are back`] : []), ...(older > 0 ? [`${older} are as they were then`] : [])].join(', ');
}

function nameLines({ resource, gone, back }: NamedChange): string[] {
  return [...(gone.length > 0 ? [`${resource} that will be gone: ${some(gone)}`] : []), ...(back.length > 0 ? [`${resource} that will be back: ${some(back)}`] : [])];
}

/** What follows from it for machines and people. */
function hints(named: readonly NamedChange[], secretsBack: boolean): string[] {
  const gone = (resource: string) => named.some((one) => one.resource === resource && one.gone.length > 0);
  const back = (resource: string) => named.some((one) => one.resource === resource && one.back.length > 0);
  return [
    ...(gone('pods') ? ['Kubelets end pods that are gone; their controllers make new ones.'] : []),
    ...(gone('nodes') ? ['Nodes that are gone register again where their kubelet may, or have to join again.'] : []),
    ...(gone('persistentvolumes') || gone('volumeattachments') ? ['Volumes that are gone stay where they are, and nothing in the cluster knows them.'] : []),
    ...(back('persistentvolumes') ? ['Volumes that are back may have been deleted outside the cluster.'] : []),
    ...(secretsBack ? ['Tokens and passwords among the secrets that are back are valid again.'] : []),
  ];
}

function some(names: readonly string[]): string {
  return names.length <= shownNames ? names.join(', ') : `${names.slice(0, shownNames).join(', ')} and ${names.length - shownNames} more`;
}

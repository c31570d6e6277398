import { ApiError } from '../../../clients/kubernetes/api-error.ts';
import type { ApiClient } from '../../../clients/kubernetes/connect-api.ts';
import { fewAtOnce } from '../../../lib/few-at-once.ts';
import { changedFields } from '../../../objects/changed-fields.ts';
import { at, printable, textOf, type JsonObject } from '../../../objects/json.ts';
import { comparable, without } from '../../../objects/manifest.ts';
import { isNoise } from '../../../objects/noise.ts';
import { nameOf, type ObjectName } from '../../../objects/stored-objects.ts';
import { whyRefused } from './check-plan.ts';
import { deadline, getIfThere, lanes } from './living.ts';
import { calledBy, idOf } from './selection.ts';
import type { UndoEntry } from './undo-record.ts';

/** What becomes of an object that a restore wrote. */
export interface UndoStep {
  /** `none`: it is gone already, or as it was before. `keep`: it is not what was restored any more. */
  readonly action: 'remove' | 'put-back' | 'none' | 'keep';
  readonly name: ObjectName;
  readonly why: string | undefined;
  readonly entry: UndoEntry;
  /** What is there. */
  readonly living: JsonObject | undefined;
}

/** Looks at what a restore wrote, the last first. Throws `api-failed`. */
export async function planUndo(api: ApiClient, entries: readonly UndoEntry[], signal: AbortSignal): Promise<readonly UndoStep[]> {
  const living = await fewAtOnce(entries, lanes, ({ path }) => getIfThere(api, path, signal));
  const steps = entries.map((entry, index) => judge(entry, living[index])).toReversed();
  const removed = new Set(steps.filter(({ action }) => action === 'remove').map(({ name }) => idOf(name)));
  return fewAtOnce(steps, 1, async (step) => {
    if (step.action !== 'remove') return step;
    const others = await othersIn(api, step, removed, signal);
    return others.length === 0 ? step : { ...step, action: 'keep', why: `there is more in it than was restored: ${others.slice(0, 3).join(', ')}${others.length > 3 ? `, and ${others.length - 3} more` : ''}` };
  });
}

function judge(entry: UndoEntry, living: JsonObject | undefined): UndoStep {
  const { name, before, after, uid } = entry;
  const step = (action: UndoStep['action'], why?: string) => ({ action, name, why, entry, living });
  if (!living) return before ? step('keep', 'it was deleted since') : step('none', 'it is gone');
  if (at(living, 'metadata', 'deletionTimestamp') !== undefined) return step('none', 'it is being deleted');
  if (uid !== undefined && at(living, 'metadata', 'uid') !== uid) return step('keep', 'it was deleted since, and made again by somebody else');
  if (before && uid === undefined && at(living, 'metadata', 'resourceVersion') === at(before, 'metadata', 'resourceVersion')) return step('none', 'it was not written');
  if (before && uid !== undefined && at(living, 'metadata', 'resourceVersion') === at(before, 'metadata', 'resourceVersion')) return step('none', 'it is as it was');
  // Of a restore that was killed it is known what was sent, and not what the API server made of it.
  const changes = changedFields(after, comparable(living)).filter((one) => uid !== undefined || one.before !== undefined);
  if (changes.length > 0) return step('keep', `it was changed since: ${changes.slice(0, 3).map(({ path }) => path).join(', ')}`);
  return before ? step('put-back') : step('remove');
}

/** What would go with a namespace or a definition though nobody restored it. What somebody owns goes with its owner. */
async function othersIn(api: ApiClient, { name, entry, living }: UndoStep, removed: ReadonlySet<string>, signal: AbortSignal): Promise<readonly string[]> {
  const lists = nameOf(name) === 'namespaces' ? await listsOfNamespace(api, name.name, signal) : name.resource === 'customresourcedefinitions' ? listsOfDefinition(living ?? entry.after) : [];
  const found = await fewAtOnce(lists, lanes, async ({ path, group, resource }) => {
    const { items } = (await getIfThere<{ readonly items: readonly JsonObject[] }>(api, path, signal)) ?? { items: [] };
    return items.flatMap(({ metadata }) => {
      const one = { group, resource, namespace: textOf(at(metadata, 'namespace')), name: textOf(at(metadata, 'name')) };
      const made = ['configmaps/kube-root-ca.crt', 'serviceaccounts/default'].includes(`${nameOf(one)}/${one.name}`);
      const goes = made || isNoise(one) || removed.has(idOf(one)) || at(metadata, 'ownerReferences') !== undefined || at(metadata, 'deletionTimestamp') !== undefined;
      return goes ? [] : [calledBy(one)];
    });
  });
  return found.flat();
}

interface List {
  readonly path: string;
  readonly group: string;
  readonly resource: string;
}

function listsOfDefinition(definition: JsonObject): readonly List[] {
  const [group, resource] = [textOf(at(definition, 'spec', 'group')), textOf(at(definition, 'spec', 'names', 'plural'))];
  const version = (at(definition, 'spec', 'versions') as readonly JsonObject[]).find(({ served }) => served === true);
  return version ? [{ path: `/apis/${group}/${textOf(version['name'])}/${resource}`, group, resource }] : [];
}

interface Groups {
  readonly groups: readonly { readonly name: string; readonly preferredVersion: { readonly version: string } }[];
}

interface Resources {
  readonly resources: readonly { readonly name: string; readonly namespaced: boolean; readonly verbs: readonly string[] }[];
}

/** Of what is stored: metrics of pods and the like cannot be deleted. */
async function listsOfNamespace(api: ApiClient, namespace: string, signal: AbortSignal): Promise<readonly List[]> {
  const { groups } = await api.get<Groups>('/apis', { signal, deadline });
  const starts = [{ group: '', start: '/api/v1' }, ...groups.map(({ name, preferredVersion: { version } }) => ({ group: name, start: `/apis/${name}/${version}` }))].filter(({ group }) => group !== 'events.k8s.io');
  const found = await fewAtOnce(starts, lanes, async ({ group, start }) => {
    const { resources } = (await getIfThere<Resources>(api, start, signal)) ?? { resources: [] };
    return resources.flatMap(({ name, namespaced, verbs }) => (namespaced && verbs.includes('list') && verbs.includes('delete') ? [{ path: `${start}/namespaces/${namespace}/${name}`, group, resource: name }] : []));
  });
  return found.flat();
}

/** So often an object is looked at anew that a controller wrote meanwhile. */
const tries = 5;

/** Takes away and puts back what the steps say. What the API server refuses is given back with its reason. Throws `api-failed` where it does not answer. */
export async function applyUndo(api: ApiClient, steps: readonly UndoStep[], signal: AbortSignal): Promise<readonly UndoStep[]> {
  const done: UndoStep[] = [];
  for (const line of linesOf(steps)) done.push(...(await fewAtOnce(line, lanes, (step) => undo(api, step, signal, tries))));
  return done;
}

/** Those of one kind that come one after the other are undone together. */
function linesOf(steps: readonly UndoStep[]): readonly (readonly UndoStep[])[] {
  const lines: UndoStep[][] = [];
  for (const step of steps) {
    const last = lines.at(-1);
    if (last && nameOf(last[0]!.name) === nameOf(step.name)) last.push(step);
    else lines.push([step]);
  }
  return lines;
}

async function undo(api: ApiClient, step: UndoStep, signal: AbortSignal, left: number): Promise<UndoStep> {
  const { action, entry, living } = step;
  try {
    if (action === 'remove') await api.delete(entry.path, { uid: textOf(at(living, 'metadata', 'uid')), signal, deadline });
    if (action === 'put-back') await api.put(entry.path, printable(whatWas(entry.before!, living!)), { signal, deadline });
    return step;
  } catch (error) {
    if (!(error instanceof ApiError) || error.status === undefined) throw error;
    if (error.status === 404) return { ...step, action: 'none', why: 'it is gone' };
    if (error.reason === 'Conflict' && left > 1) return undo(api, judge(entry, await getIfThere(api, entry.path, signal)), signal, left - 1);
    return { ...step, action: 'keep', why: whyRefused(error) };
  }
}

function whatWas(before: JsonObject, living: JsonObject): JsonObject {
  return { ...before, metadata: { ...without(before['metadata'], ['managedFields']), resourceVersion: at(living, 'metadata', 'resourceVersion')! } };
}

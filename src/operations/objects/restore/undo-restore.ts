import { ApiError } from '../../../clients/kubernetes/api-error.ts';
import type { ApiClient } from '../../../clients/kubernetes/connect-api.ts';
import { fewAtOnce } from '../../../lib/few-at-once.ts';
import { changedFields } from '../../../objects/changed-fields.ts';
import { at, printable, textOf, type JsonObject } from '../../../objects/json.ts';
import { comparable, without } from '../../../objects/manifest.ts';
import { nameOf, type ObjectName } from '../../../objects/stored-objects.ts';
import { whyRefused } from './check-plan.ts';
import { deadline, getIfThere, lanes } from './living.ts';
import type { UndoEntry } from './undo-record.ts';
import { whyHeld } from './why-held.ts';

/** What becomes of an object that a restore wrote. */
export interface UndoStep {
  /** `none`: it is gone already, or as it was before. `keep`: it is not what was restored any more, or something else would go with it. */
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
  const removed = removedBy(steps);
  return fewAtOnce(steps, 1, (step) => unlessHeld(api, step, removed, signal));
}

/** Uids of what goes. */
function removedBy(steps: readonly UndoStep[]): ReadonlySet<string> {
  return new Set(steps.flatMap(({ action, living }) => (action === 'remove' ? [textOf(at(living, 'metadata', 'uid'))] : [])));
}

async function unlessHeld(api: ApiClient, step: UndoStep, removed: ReadonlySet<string>, signal: AbortSignal): Promise<UndoStep> {
  const { action, name, entry: { before }, living } = step;
  if (action !== 'remove' && action !== 'put-back') return step;
  const why = await whyHeld(api, { name, living: living!, before }, removed, signal);
  return why === undefined ? step : { ...step, action: 'keep', why };
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

/** So often an object is looked at anew that a controller wrote meanwhile. */
const tries = 5;

/** Takes away and puts back what the steps say, and looks again at what others may have come into meanwhile. What the API server refuses is given back with its reason. Throws `api-failed` where it does not answer. */
export async function applyUndo(api: ApiClient, steps: readonly UndoStep[], signal: AbortSignal): Promise<readonly UndoStep[]> {
  const done: UndoStep[] = [];
  for (const line of linesOf(steps)) {
    const removed = removedBy([...done, ...steps.slice(done.length)]);
    done.push(...(await fewAtOnce(line, lanes, (step) => undo(api, step, { removed, signal, left: tries }))));
  }
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

interface Undoing {
  readonly removed: ReadonlySet<string>;
  readonly signal: AbortSignal;
  /** Tries. */
  readonly left: number;
}

async function undo(api: ApiClient, planned: UndoStep, { removed, signal, left }: Undoing): Promise<UndoStep> {
  const step = await unlessHeld(api, planned, removed, signal);
  const { action, entry, living } = step;
  try {
    if (action === 'remove') await api.delete(entry.path, { uid: textOf(at(living, 'metadata', 'uid')), signal, deadline });
    if (action === 'put-back') await api.put(entry.path, printable(whatWas(entry.before!, living!)), { signal, deadline });
    return step;
  } catch (error) {
    if (!(error instanceof ApiError) || error.status === undefined) throw error;
    if (error.status === 404) return { ...step, action: 'none', why: 'it is gone' };
    if (error.reason === 'Conflict' && left > 1) return undo(api, judge(entry, await getIfThere(api, entry.path, signal)), { removed, signal, left: left - 1 });
    return { ...step, action: 'keep', why: whyRefused(error) };
  }
}

function whatWas(before: JsonObject, living: JsonObject): JsonObject {
  return { ...before, metadata: { ...without(before['metadata'], ['managedFields']), resourceVersion: at(living, 'metadata', 'resourceVersion')! } };
}

import { ApiError } from '../../../clients/kubernetes/api-error.ts';
import type { ApiClient } from '../../../clients/kubernetes/connect-api.ts';
import { fewAtOnce } from '../../../lib/few-at-once.ts';
import { changedFields, type ChangedField } from '../../../objects/changed-fields.ts';
import { hideSecrets } from '../../../objects/hide-secrets.ts';
import { at, isObject, printable, textOf, type JsonObject } from '../../../objects/json.ts';
import { comparable, manifestOf, notesOfControllers, without } from '../../../objects/manifest.ts';
import { nameOf, type ObjectName } from '../../../objects/stored-objects.ts';
import { deadline, lanes, pathOf } from './living.ts';
import type { RestoreStep } from './plan-restore.ts';

/** A step and what the API server says of it. */
export interface CheckedStep extends RestoreStep {
  /** `same`: there already. `kept`: there, not the same, and left so. */
  readonly verdict: 'ready' | 'same' | 'kept' | 'refused';
  /** Why it is refused or kept. */
  readonly why: string | undefined;
  /** What would be different of one that is there; without what Secrets hold. */
  readonly changes: readonly ChangedField[];
}

/** Who has set what is restored. */
const fieldManager = 'kubekeep-restore';
const strict = `fieldManager=${fieldManager}&fieldValidation=Strict`;

/** Asks the API server of every step what it would say, in dry runs: nothing is written. Throws `api-failed` where it does not answer. */
export async function checkPlan(api: ApiClient, steps: readonly RestoreStep[], signal: AbortSignal): Promise<readonly CheckedStep[]> {
  return fewAtOnce(steps, lanes, (step) => checkStep(api, step, signal));
}

/** The same of one step, in its place. */
export async function checkInPlace(api: ApiClient, step: RestoreStep, signal: AbortSignal): Promise<CheckedStep> {
  return checkStep(api, { ...step, check: 'in-place' }, signal);
}

async function checkStep(api: ApiClient, step: RestoreStep, signal: AbortSignal): Promise<CheckedStep> {
  const ready = { ...step, verdict: 'ready', why: undefined, changes: [] } as const;
  if (step.check === 'later') return ready;
  if (step.living) return checkLiving(api, step, step.living, signal);
  const refused = await refusal(createdBy(api, step, signal, { dryRun: true }), step.check === 'stand-in');
  return refused === undefined ? ready : { ...ready, verdict: 'refused', why: refused };
}

/** The namespace that stands in for one that is not there yet has its own policies and quotas, and its own objects. */
async function refusal(asked: Promise<unknown>, standsIn: boolean): Promise<string | undefined> {
  try {
    await asked;
    return undefined;
  } catch (error) {
    if (!(error instanceof ApiError) || error.status === undefined) throw error;
    return standsIn && ['AlreadyExists', 'Forbidden'].includes(error.reason) ? undefined : whyRefused(error);
  }
}

/** Without server and path, which stand in every message. */
export function whyRefused({ message }: ApiError): string {
  return message.replace(/^API server \S+: [A-Z]+ \S+: /, '');
}

async function checkLiving(api: ApiClient, step: RestoreStep, living: JsonObject, signal: AbortSignal): Promise<CheckedStep> {
  const done = { ...step, why: undefined, changes: [] } as const;
  if (at(living, 'metadata', 'deletionTimestamp') !== undefined) return { ...done, verdict: 'refused', why: 'what is there is being deleted: wait until it is gone' };
  if (step.action !== 'release' && changedFields(comparable(living), comparable(step.object)).length === 0) return { ...done, verdict: 'same' };
  try {
    const changes = differences(living, await writtenBy(api, step, signal, { dryRun: true }));
    if (step.action === 'release') return { ...done, verdict: 'ready' };
    if (changes.length === 0) return { ...done, verdict: 'same' };
    if (step.action === 'fail') return { ...done, verdict: 'refused', why: 'it is there and not the same', changes };
    return { ...done, verdict: step.action === 'skip' ? 'kept' : 'ready', why: step.action === 'skip' ? 'it is there and not the same' : undefined, changes };
  } catch (error) {
    if (!(error instanceof ApiError) || error.status === undefined) throw error;
    if (step.action === 'skip') return { ...done, verdict: 'kept', why: 'it is there and not the same', changes: differences(living, step.object) };
    return { ...done, verdict: 'refused', why: whyRefused(error) };
  }
}

function differences(before: JsonObject, after: JsonObject): readonly ChangedField[] {
  const hide = hideSecrets();
  return changedFields(comparable(hide(before)), comparable(hide(after)));
}

interface HowToWrite {
  readonly dryRun: boolean;
  /** With the uids that they have now. */
  readonly owners?: readonly JsonObject[];
}

/** Does what a step says, or asks what would come of it; what the API server has then. Throws `api-failed`. */
export async function writtenBy(api: ApiClient, step: RestoreStep, signal: AbortSignal, how: HowToWrite): Promise<JsonObject> {
  const { action, path, living } = step;
  if (!living) return createdBy(api, step, signal, how);
  if (action === 'merge') return apply(api, step, signal, how);
  return api.put<JsonObject>(`${path}?${strict}${dry(how)}`, printable(replacing(step, living)), { signal, deadline });
}

/** Addresses and ports that cannot be given are left out. In a dry run an API server with several ranges looks into one of them, whichever, so that its refusal says little. */
async function createdBy(api: ApiClient, step: RestoreStep, signal: AbortSignal, how: HowToWrite): Promise<JsonObject> {
  if (step.action === 'merge' && step.check === 'in-place') return apply(api, step, signal, how);
  const { name, object, check } = step;
  const target = check === 'stand-in' && how.dryRun ? { ...name, namespace: 'default' } : name;
  const list = pathOf(target, textOf(object['apiVersion']).split('/').at(-1)!, 'list');
  const post = (sent: JsonObject) => api.post<JsonObject>(`${list}?${strict}${dry(how)}`, printable(withMetadata(sent, { ...(target.namespace !== '' && { namespace: target.namespace }), ...owned(how) })), { signal, deadline });
  return post(object).catch((error: unknown) => {
    if (!(error instanceof ApiError && error.reason === 'Invalid' && nameOf(name) === 'services' && /clusterIP|nodePort/i.test(error.message))) throw error;
    return post(manifestOf(object));
  });
}

function apply(api: ApiClient, { path, name, object: then, living }: RestoreStep, signal: AbortSignal, how: HowToWrite): Promise<JsonObject> {
  const object = living ? withoutFixed(name, then) : then;
  return api.apply<JsonObject>(how.dryRun ? `${path}?dryRun=All` : path, printable(withMetadata(object, owned(how))), { fieldManager, force: true, signal, deadline });
}

/** What one that is there got for its life: it cannot be changed. */
const fixedFields: ReadonlyMap<string, readonly string[]> = new Map([['services', ['clusterIP', 'clusterIPs']], ['persistentvolumeclaims', ['volumeName']]]);

function withoutFixed(name: ObjectName, object: JsonObject): JsonObject {
  const fixed = fixedFields.get(nameOf(name));
  return fixed ? { ...object, spec: without(object['spec'], fixed) } : object;
}

/** What belongs to the life of the object that is there stays: owners, finalizers, addresses, the volume that was bound. */
function replacing({ action, name, object }: RestoreStep, living: JsonObject): JsonObject {
  const { resourceVersion, ownerReferences, finalizers } = isObject(living['metadata']) ? living['metadata'] : {};
  const annotations = { ...objectAt(object, 'metadata', 'annotations'), ...notesOfControllers(living) };
  const kept = { resourceVersion: resourceVersion!, ...(ownerReferences !== undefined && { ownerReferences }), ...(finalizers !== undefined && { finalizers }), ...(Object.keys(annotations).length > 0 && { annotations }) };
  const same = withMetadata(object, kept);
  const spec = (...fields: readonly string[]) => ({ ...same, spec: { ...objectAt(same, 'spec'), ...Object.fromEntries(fields.flatMap((field) => (at(living, 'spec', field) === undefined ? [] : [[field, at(living, 'spec', field)!]]))) } });
  const fixed = fixedFields.get(nameOf(name));
  if (fixed) return spec(...fixed);
  switch (nameOf(name)) {
    case 'persistentvolumes': return action === 'release' ? same : spec('claimRef');
    case 'jobs.batch': return { ...spec('selector'), metadata: { ...objectAt(same, 'metadata'), labels: { ...objectAt(same, 'metadata', 'labels'), ...objectAt(living, 'metadata', 'labels') } } };
    case 'namespaces': return { ...same, spec: objectAt(living, 'spec') };
    default: return same;
  }
}

function owned({ owners = [] }: HowToWrite): JsonObject {
  return owners.length === 0 ? {} : { ownerReferences: owners };
}

function withMetadata(object: JsonObject, more: JsonObject): JsonObject {
  return { ...object, metadata: { ...objectAt(object, 'metadata'), ...more } };
}

function objectAt(object: JsonObject, ...path: readonly string[]): JsonObject {
  const found = at(object, ...path);
  return isObject(found) ? found : {};
}

function dry({ dryRun }: HowToWrite): string {
  return dryRun ? '&dryRun=All' : '';
}

import { ApiError } from '../../../clients/kubernetes/api-error.ts';
import type { ApiClient } from '../../../clients/kubernetes/connect-api.ts';
import { KubekeepError } from '../../../lib/errors.ts';
import { fewAtOnce } from '../../../lib/few-at-once.ts';
import { at, printable, textOf, type JsonObject } from '../../../objects/json.ts';
import { comparable } from '../../../objects/manifest.ts';
import { nameOf } from '../../../objects/stored-objects.ts';
import type { Operation } from '../../operation.ts';
import { checkInPlace, whyRefused, writtenBy, type CheckedStep } from './check-plan.ts';
import { deadline, getIfThere, lanes, pathOf } from './living.ts';
import { isFoundation } from './restore-order.ts';
import { calledBy, idOf } from './selection.ts';
import type { UndoEntry } from './undo-record.ts';

type Work = Pick<Operation, 'clock' | 'signal' | 'progress'>;

export interface Written {
  readonly step: CheckedStep;
  readonly entry: UndoEntry;
}

/** What came of it: it ends with the line of steps in which the first was refused. */
export interface Applied {
  readonly written: readonly Written[];
  readonly refused: readonly Refused[];
  /** Only what others stand on was written when they were refused. */
  readonly onlyFoundations: boolean;
}

export interface Refused {
  readonly step: CheckedStep;
  readonly why: string;
}

/** How long an API server may take to serve what a new definition defines: how often it is asked, and ms between. */
const patience = { times: 150, pause: 200 };

/** What an entry says before anything is written. */
export function entryOf({ name, path, living, object }: CheckedStep): UndoEntry {
  return { name, path, ...(living && { before: living }), after: comparable(object) };
}

/** Writes the steps that are ready, in their order. What others stand on comes first, and then those others are checked in their place before they are written too. Gives to `note` what was written, as soon as it was. */
export async function applyRestore(api: ApiClient, steps: readonly CheckedStep[], work: Work, note: (written: Written) => void): Promise<Applied> {
  const ready = steps.filter(({ verdict }) => verdict === 'ready');
  const waiting = ready.filter(({ check, order }) => check !== 'in-place' && !isFoundation(order));
  const first = waiting.length === 0 ? [] : ready.filter(({ order }) => isFoundation(order));
  const uids = new Map(steps.flatMap(({ name, living }) => (living ? [[idOf(name), textOf(at(living, 'metadata', 'uid'))] as const] : [])));
  const below = await writeAll(api, first, work, { uids, note });
  if (below.refused.length > 0) return { ...below, onlyFoundations: true };
  const refused = (await fewAtOnce(waiting, lanes, (step) => checkInPlace(api, step, work.signal))).flatMap((step) => (step.verdict === 'refused' ? [{ step, why: step.why! }] : []));
  if (refused.length > 0) return { written: below.written, refused, onlyFoundations: true };
  const rest = await writeAll(api, ready.filter((step) => !first.includes(step)).map((step) => ({ ...step, check: 'in-place' as const })), work, { uids, note });
  return { written: [...below.written, ...rest.written], refused: rest.refused, onlyFoundations: false };
}

interface Noting {
  /** By the ids of what was written or is there. */
  readonly uids: Map<string, string>;
  readonly note: (written: Written) => void;
}

async function writeAll(api: ApiClient, steps: readonly CheckedStep[], work: Work, noting: Noting): Promise<Pick<Applied, 'written' | 'refused'>> {
  const [written, refused]: [Written[], Refused[]] = [[], []];
  for (const line of Map.groupBy(steps, ({ order }) => order).values()) {
    await fewAtOnce(line, lanes, async (step) => {
      try {
        const done = await write(api, step, work, noting.uids);
        noting.note(done);
        written.push(done);
      } catch (error) {
        if (!(error instanceof ApiError) || error.status === undefined) throw error;
        refused.push({ step, why: whyRefused(error) });
      }
    });
    if (refused.length > 0) break;
    for (const step of line) if (step.name.resource === 'customresourcedefinitions') await untilServed(api, step, work);
  }
  return { written, refused };
}

async function write(api: ApiClient, step: CheckedStep, { signal, progress }: Work, uids: Map<string, string>): Promise<Written> {
  const owners = step.owners.flatMap((owner) => {
    const uid = 'uid' in owner ? owner.uid : uids.get(owner.step);
    return uid === undefined ? [] : [{ ...owner.reference, uid }];
  });
  const made = await writtenBy(api, { ...step, check: 'in-place' }, signal, { dryRun: false, owners });
  const address = at(step.object, 'spec', 'clusterIP');
  if (nameOf(step.name) === 'services' && !step.living && address !== undefined && at(made, 'spec', 'clusterIP') !== address) progress({ type: 'note', title: `${calledBy(step.name)}: its address or a node port cannot be given, and it has others`, step: 'objects/address' });
  uids.set(idOf(step.name), textOf(at(made, 'metadata', 'uid')));
  if (step.status && !(await takesStatus(api, step, step.status, signal))) progress({ type: 'note', title: `${calledBy(step.name)}: its status cannot be set`, step: 'objects/status' });
  return { step, entry: { ...entryOf(step), after: comparable(made), uid: textOf(at(made, 'metadata', 'uid')) } };
}

/** False where the kind has no status of its own. */
async function takesStatus(api: ApiClient, { path }: CheckedStep, status: JsonObject, signal: AbortSignal): Promise<boolean> {
  return api.patch(`${path}/status`, printable({ status }), { signal, deadline }).then(() => true, (error: unknown) => {
    if (error instanceof ApiError && error.status !== undefined && error.status < 500) return false;
    throw error;
  });
}

/** A definition is taken at once and served some time later. Throws `api-failed`. */
async function untilServed(api: ApiClient, { name, object }: CheckedStep, { clock, signal }: Work): Promise<void> {
  const versions = (at(object, 'spec', 'versions') as readonly JsonObject[]).filter(({ served }) => served === true).map((one) => textOf(one['name']));
  const list = pathOf({ group: textOf(at(object, 'spec', 'group')), resource: textOf(at(object, 'spec', 'names', 'plural')), namespace: '', name: '' }, versions[0] ?? '', 'list');
  for (let time = 1; time <= patience.times; time++) {
    if ((await getIfThere(api, `${list}?limit=1`, signal)) !== undefined) return;
    await clock.sleep(patience.pause, signal);
  }
  throw new KubekeepError('api-failed', `${nameOf(name)}/${name.name} was made, and the API server does not serve what it defines`, { hint: 'kubectl describe crd says why; then run the command again.' });
}

import type { CheckedStep } from '../operations/objects/restore/check-plan.ts';
import type { LeftOut } from '../operations/objects/restore/plan-restore.ts';
import type { CheckedPlan, RestoreObjectsResult } from '../operations/objects/restore/restore-objects.ts';
import { calledBy } from '../operations/objects/restore/selection.ts';
import type { UndoStep } from '../operations/objects/restore/undo-restore.ts';
import { changesLine } from './describe-changes.ts';

const signs = { create: '+', release: '~', replace: '~', merge: '~', skip: '=', fail: '!' } as const;

/** A plan for people: what is made and changed, what is there already, what is left out or would be refused, and why. */
export function describeObjectRestore({ steps, left, cluster }: CheckedPlan): string {
  const same = steps.filter(({ verdict }) => verdict === 'same');
  const lines = [...steps.filter(({ verdict }) => verdict !== 'same').map(stepLine), ...leftLines(left), ...(same.length === 0 ? [] : [`= ${same.length} ${same.length === 1 ? 'object is' : 'objects are'} there already, the same`])];
  const standing = [...new Set(steps.flatMap(({ check, name, living }) => (check === 'stand-in' && !living ? [name.namespace] : [])))];
  const other = cluster === 'other' ? ['this is another cluster than that of the backup: what is there of the same name is not what was backed up, and volumes stay with the other one'] : [];
  return [...other, ...lines, ...standing.map((name) => `namespace ${name} is not there yet: what goes into it was checked in namespace default, and is checked again when it is there`)].join('\n');
}

function stepLine({ action, name, living, notes, verdict, why, changes, check }: CheckedStep): string {
  const sign = verdict === 'refused' ? '!' : verdict === 'kept' ? '=' : living ? signs[action] : '+';
  const said = [...(why === undefined ? [] : [verdict === 'refused' ? `refused: ${why}` : why]), ...(changes.length === 0 ? [] : [changesLine(changes)]), ...notes, ...(verdict === 'ready' && check === 'later' ? ['checked when what it stands on is there'] : [])];
  return `${sign} ${calledBy(name)}${said.length === 0 ? '' : `  ${said.join('; ')}`}`;
}

/** Many for the same reason are one line. */
function leftLines(left: readonly LeftOut[]): readonly string[] {
  return [...Map.groupBy(left, ({ name, why }) => `${name.group}/${name.resource} ${why}`).values()].map((those) => {
    const [first] = those as [LeftOut, ...LeftOut[]];
    return those.length <= 2 ? those.map((one) => `- left out: ${calledBy(one.name)}  ${one.why}`).join('\n') : `- left out: ${calledBy(first.name)} and ${those.length - 1} more of ${first.name.resource}  ${first.why}`;
  });
}

/** What came of it, as a sentence, below what was done. */
export function describeOutcome({ plan, applied, stayed, undo }: RestoreObjectsResult, dryRun: boolean): string {
  const refused = plan.steps.filter(({ verdict }) => verdict === 'refused').length;
  const ready = plan.steps.filter(({ verdict }) => verdict === 'ready').length;
  if (refused > 0) return `nothing was written: ${refused} of ${plan.steps.length} would be refused`;
  if (!applied) return dryRun && ready > 0 ? `nothing was written: ${ready} would be (--dry-run)` : 'nothing was to be written';
  const refusals = applied.refused.map(({ step, why }) => `! ${calledBy(step.name)}  refused: ${why}`);
  const takeBack = undo === undefined ? [] : [`To take it back: kubekeep objects undo ${undo}`];
  if (applied.onlyFoundations) return [...refusals, `what was written before that was taken away again${stayed.length === 0 ? '' : ', but for:'}`, ...(stayed.length === 0 ? [] : [describeUndo(stayed)]), ...takeBack].join('\n');
  return [...refusals, `${applied.written.length} ${applied.written.length === 1 ? 'object was' : 'objects were'} written${refusals.length > 0 ? ', and no more after what was refused' : ''}`, ...takeBack].join('\n');
}

const undoSigns = { 'remove': '-', 'put-back': '~', 'none': '=', 'keep': '!' } as const;
const undoWords = { 'remove': 'removed', 'put-back': 'put back as it was', 'none': '', 'keep': 'stays as it is' } as const;

/** What becomes of each object that a restore wrote. */
export function describeUndo(steps: readonly UndoStep[]): string {
  return steps.map(({ action, name, why }) => `${undoSigns[action]} ${calledBy(name)}  ${[undoWords[action], why].filter((one) => one !== undefined && one !== '').join(': ')}`).join('\n');
}

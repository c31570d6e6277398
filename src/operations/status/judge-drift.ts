import { isGood, type ComponentsByHost } from './judge-components.ts';
import type { DriftStatus, Finding } from './cluster-status.ts';
import type { Judged } from './judged.ts';
import type { DriftStep, Observation } from './observation.ts';
import { list } from './words.ts';

const shown = 5;

/** Whether the hosts are what the cluster file says. */
export function judgeDrift({ drift }: Observation, components: ComponentsByHost): Judged<DriftStatus> {
  if (!drift.ok) return { status: { changes: undefined, reasons: [drift.reason] }, findings: [] };
  const steps = drift.value;
  const reasons = steps.flatMap(reasonsOf).slice(0, shown);
  const unsaid = steps.filter((step) => !isSaid(step, components));
  const status = { changes: steps.length, reasons };
  return { status, findings: unsaid.length > 0 ? [findingOf(unsaid)] : [] };
}

function reasonsOf({ host, reasons }: DriftStep): string[] {
  return reasons.map((reason) => `${host}: ${reason}`);
}

/** That apply would start a part that is down, or renew a certificate that is spoken of, is no news. */
function isSaid({ host, component, reasons }: DriftStep, components: ComponentsByHost): boolean {
  const down = components.get(host)?.some((part) => part.name === component && !isGood(part)) === true;
  return reasons.every((reason) => (down && /[.]service is (stopped|failed)$/.test(reason)) || /[.]crt (expired on|is past two thirds of its life)/.test(reason));
}

function findingOf(steps: readonly DriftStep[]): Finding {
  const hosts = list([...new Set(steps.map(({ host }) => host))]);
  const [first, ...others] = steps.flatMap(({ reasons }) => reasons);
  const more = others.length > 0 ? `, and ${others.length} more ${others.length === 1 ? 'reason' : 'reasons'}` : '';
  return { message: `${steps.length} ${steps.length === 1 ? 'change is' : 'changes are'} pending on ${hosts}: ${first}${more}`, next: 'kubekeep plan lists them, kubekeep apply makes them.' };
}

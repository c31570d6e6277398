import { isEmpty, type Plan } from '../operations/plan/plan.ts';

/** A plan for people: phases, steps with their reasons, and what clients may notice. */
export function describePlan(plan: Plan): string {
  const warnings = plan.warnings.map((warning) => `! ${warning}`);
  if (isEmpty(plan)) return [`${plan.cluster}: 0 changes, ${warnings.length === 0 ? 'everything' : 'what can be seen'} is as the cluster file says.`, ...warnings].join('\n');
  const count = plan.phases.reduce((sum, { steps }) => sum + steps.length, 0);
  return [
    `${plan.cluster}: ${count} changes (${plan.mode === 'build' ? 'a new cluster' : 'a cluster that serves'}).`,
    ...warnings,
    ...plan.phases.flatMap(({ name, order, steps }) => [
      '',
      `${name}, ${order}:`,
      ...steps.flatMap(({ host, title, reasons, effect }) => [`  ${host}  ${title}  (${effect})`, ...summarize(reasons).map((reason) => `      ${reason}`)]),
    ]),
  ].join('\n');
}

function summarize(reasons: readonly string[]): string[] {
  return reasons.length <= 6 ? [...reasons] : [...reasons.slice(0, 5), `and ${reasons.length - 5} more`];
}

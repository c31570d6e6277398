import { summarizeRuns } from '../report/summarize-runs.ts';
import { countOf, momentText } from '../report/figure-text.ts';
import { describeRuns } from '../report/describe-runs.ts';
import type { DrillRun } from '../report/drill-run.ts';
import type { Setup } from '../setups/setup.ts';

export interface ComparisonAbout {
  /** The words that make the page again. */
  readonly command: string;
  readonly processors: number;
  readonly setups: readonly Setup[];
}

/** A comparison as a Markdown page to keep: how it was made, the table, and where each set-up's values come from. */
export function comparisonPage(runs: readonly DrillRun[], { command, processors, setups }: ComparisonAbout): string {
  const [first, last] = [runs[0]!, runs.at(-1)!];
  const faults = [...new Map(runs.map(({ fault }) => [fault.id, fault.title]))];
  const counts = summarizeRuns(runs).map((summary) => summary.runs);
  return `# How long the API is away, side by side

Made by \`${command}\`, ${momentText(first.startedAt)} to ${momentText(last.startedAt)}: ${countOf(runs.length, 'run')}, at least ${Math.min(...counts)} for each line, one set-up
after the other in turns on the same computer (${countOf(processors, 'processor')}), the same machines, programs (Kubernetes ${first.versions.kubernetes}, etcd ${first.versions.etcd}) and prober.
A gap is the longest time without an acknowledged write through the VIP, of each run; "x" compares the median with the first set-up's.

${describeRuns(runs, markdownTable)}

## Faults

${faults.map(([id, title]) => `- **${id}** ${title}`).join('\n')}

## Set-ups

${setups.map(({ id, title, source }) => `- **${id}**: ${title}. Source: ${source}`).join('\n')}
`;
}

/** @internal also for tests */
export function markdownTable([head = [], ...rows]: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`).join('\n');
}

import type { ConnectionKind } from '../history/record.ts';
import type { DrillRun } from './drill-run.ts';
import { countText } from './figure-text.ts';
import { summarizeRuns, type RunsSummary } from './summarize-runs.ts';
import { failedText, gapOf, gapText, lostText, summarySentences, targetText, verdictText } from './summary-text.ts';

/** The report's summary for a terminal: a table as `format` lays it out, then the sentences. `unfinished` are runs without a result. */
export function describeRuns(runs: readonly DrillRun[], format: (rows: readonly (readonly string[])[]) => string, unfinished: readonly string[] = []): string {
  const summaries = summarizeRuns(runs);
  const sentences = summarySentences(runs, summaries, unfinished).map(plain);
  if (summaries.length === 0) return sentences.join('\n');
  const short = summaries.some((summary) => gapOf(summary, 'reused, short'));
  const rows = [
    ['FAULT', 'SET-UP', 'RUNS', 'NEW P50 / MAX', 'REUSED P50 / MAX', ...(short ? ['SHORT TIMERS P50 / MAX'] : []), 'FAILED', 'LOST', 'VERDICTS', 'TARGET'],
    ...summaries.map((summary) => [
      summary.fault.id,
      summary.setup,
      countText(summary.runs),
      ...(['new', 'reused', ...(short ? ['reused, short' as const] : [])] as const).map((connection) => gapText(gapOf(summary, connection)) + ratioText(summary, summaries, connection)),
      failedText(summary),
      lostText(summary),
      verdictText(summary),
      targetText[summary.target],
    ]),
  ];
  return [format(rows.map((row) => row.map(plain))), '', ...sentences].join('\n');
}

/** " (8.2 x)": how much longer the median is than the first set-up's for the same fault. */
function ratioText(summary: RunsSummary, summaries: readonly RunsSummary[], connection: ConnectionKind): string {
  const first = summaries.find(({ fault }) => fault.id === summary.fault.id)!;
  const [mine, theirs] = [gapOf(summary, connection), gapOf(first, connection)];
  return summary === first || !mine || !theirs ? '' : ` (${(mine.p50 / theirs.p50).toFixed(1)} x)`;
}

/** Names come from files: what would steer the terminal or break the table is not printed. */
function plain(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]/gu, '\uFFFD');
}

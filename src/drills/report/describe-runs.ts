import type { DrillRun } from './drill-run.ts';
import { countText } from './figure-text.ts';
import { summarizeRuns } from './summarize-runs.ts';
import { failedText, gapOf, gapText, lostText, summarySentences, targetText, verdictText } from './summary-text.ts';

/** The report's summary for a terminal: a table as `format` lays it out, then the sentences. */
export function describeRuns(runs: readonly DrillRun[], format: (rows: readonly (readonly string[])[]) => string): string {
  const summaries = summarizeRuns(runs);
  const sentences = summarySentences(runs, summaries).map(plain);
  if (summaries.length === 0) return sentences.join('\n');
  const short = summaries.some((summary) => gapOf(summary, 'reused, short'));
  const rows = [
    ['FAULT', 'SET-UP', 'RUNS', 'NEW P50 / MAX', 'REUSED P50 / MAX', ...(short ? ['SHORT TIMERS P50 / MAX'] : []), 'FAILED', 'LOST', 'VERDICTS', 'TARGET'],
    ...summaries.map((summary) => [
      summary.fault.id,
      summary.setup,
      countText(summary.runs),
      gapText(gapOf(summary, 'new')),
      gapText(gapOf(summary, 'reused')),
      ...(short ? [gapText(gapOf(summary, 'reused, short'))] : []),
      failedText(summary),
      lostText(summary),
      verdictText(summary),
      targetText[summary.target],
    ]),
  ];
  return [format(rows.map((row) => row.map(plain))), '', ...sentences].join('\n');
}

/** Names come from files: what would steer the terminal or break the table is not printed. */
function plain(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]/gu, '\uFFFD');
}

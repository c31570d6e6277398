import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exampleDrill } from '../../../test/support/example-drill.ts';
import { kubekeepSetup, rivals } from '../setups/catalogue.ts';
import { comparisonPage, markdownTable } from './comparison-page.ts';

const runs = [['kubekeep', 400], ['kubeadm-guide', 3200]].flatMap(([setup, gap]) => [1, 2].map((seed) => exampleDrill({ seed, setup: String(setup), gap: Number(gap), seconds: 30, rate: 5 }).run));

test('a comparison says how it was made, how many runs, how much longer, and whose values it took', () => {
  const page = comparisonPage(runs, { command: 'kubekeep drill compare --faults N1', processors: 2, setups: [kubekeepSetup, rivals[0]!] });
  assert.match(page, /Made by `kubekeep drill compare --faults N1`/);
  assert.match(page, /4 runs, at least 2 for each line/);
  const [, factor] = /\| N1 \| kubeadm-guide \| 2 \|[^|]*\((\d+\.\d) x\)/.exec(page)!;
  assert.ok(Number(factor) > 4 && Number(factor) < 16, factor);
  assert.doesNotMatch(/\| N1 \| kubekeep .*/.exec(page)![0], / x\)/);
  assert.match(page, /Source: kubernetes\/kubeadm/);
});

test('cells do not break the table', () => {
  assert.equal(markdownTable([['A'], ['x|y']]), '| A |\n| --- |\n| x\\|y |');
});

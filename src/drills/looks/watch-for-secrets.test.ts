import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { needlesOf } from './needles.ts';
import { parseSearch } from './watch-for-secrets.ts';

const mark = randomBytes(12).toString('hex');
const token = randomBytes(36).toString('base64');
const needles = needlesOf('the token', token);
const marks = [`arguments of perl\t${mark}`, `the journal\t${mark}`, `/var/tmp/kubekeep-drill-mark\t${mark}`, 'looks\t12', 'read\tthe journal\t2500', 'read\t3 files\t1000'];
const parse = (...lines: readonly string[]) => parseSearch(lines.join('\n'), needles, mark);

test('a search that finds its marks and nothing else found nothing', () => {
  assert.deepEqual(parse(...marks), { through: '12 looks at processes, 3 kB of the journal, 1 kB of 3 files', found: [] });
});

test('a piece of a secret is told by place and name, each once, and never shown', () => {
  const { found } = parse(...marks, `/var/log/x\t${needles[0]!.text}`, `/var/log/x\t${needles[0]!.text}`, `the journal\t${needles[1]!.text}`);
  assert.deepEqual(found, ['/var/log/x: the token', 'the journal: the token']);
});

test('what only begins like a piece of a secret is nothing', () => {
  assert.deepEqual(parse(...marks, `/var/log/x\t${needles[0]!.text.slice(0, 6)}${'x'.repeat(18)}`).found, []);
});

test('a search that does not find a mark is blind there', () => {
  for (const [position, what] of ['processes', 'the journal', 'files'].entries()) assert.equal(parse(...marks.toSpliced(position, 1)).error, `the mark in ${what} was not found`);
  assert.match(parse().error!, /processes and the journal and files/);
});

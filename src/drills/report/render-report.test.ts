import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { exampleDrill, exampleLanes, type ExampleDrill } from '../../../test/support/example-drill.ts';
import { markupProblems } from '../../../test/support/markup-problems.ts';
import type { DrillRecord, Lane } from '../history/record.ts';
import { renderReport } from './render-report.ts';

const five = [1, 2, 3, 4, 5].map((seed) => exampleDrill({ seed }));
const page = reportOf(five);

function reportOf(drills: readonly ExampleDrill[]): string {
  return renderReport(drills.map(({ run }) => run), new Map(drills.map(({ run, records }) => [run.id, records])));
}

describe('the report as a page', () => {
  it('is well-formed, and needs no script, no other file and no network', () => {
    assert.deepEqual(markupProblems(page), []);
    assert.doesNotMatch(page, /https?:|<script|<link|<img|<iframe|@import|javascript:|\son\w+=/i);
    assert.deepEqual([...page.matchAll(/url\(([^)]*)\)/g)].map(([, target]) => target).filter((target) => !target!.startsWith('#')), []);
  });

  it('shows every run with a picture of its time that says in words what it shows', () => {
    assert.equal([...page.matchAll(/<details/g)].length, 5);
    for (const [picture] of page.matchAll(/<svg class="(?:timeline|strips)".*?<\/svg>/gs)) assert.match(picture, /role="img" aria-labelledby="([\w-]+)-title \1-text">\n<title id="\1-title">[^<]+<\/title><desc id="\1-text">[^<]{20,}<\/desc>/);
    assert.match(page, /fault is in/);
    assert.match(page, /cp3, term 5/);
  });

  it('has each id once, and each reference leads to one', () => {
    const ids = [...page.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id!);
    assert.deepEqual(ids.filter((id, position) => ids.indexOf(id) !== position), []);
    const references = [...page.matchAll(/(?:aria-labelledby|aria-describedby)="([^"]+)"/g)].flatMap(([, names]) => names!.split(' '));
    const hatchings = [...page.matchAll(/url\(#([\w-]+)\)/g)].map(([, id]) => id!);
    assert.deepEqual([...references, ...hatchings].filter((id) => !ids.includes(id)), []);
  });

  it('writes names from anywhere as text', () => {
    const evil = `<script>alert("1")</script><img src=x onerror='1'>&amp;\u0000\u001B[2J\u202Etxt`;
    const lane: Lane = { name: evil, workload: 'write', connection: 'new', door: 'VIP', rate: 25 };
    const { run, records } = exampleDrill({ seed: 1, setup: evil, fault: { id: evil, title: evil, component: evil }, lanes: [lane] });
    const hurt = records.map((record): DrillRecord => (record.kind === 'sample' ? { ...record, host: evil, servers: [`${evil} DOWN`] } : record.kind === 'mark' ? { ...record, about: evil } : record));
    const html = renderReport(
      [{ ...run, id: evil, cluster: evil, topology: evil, versions: { kubernetes: evil, etcd: evil, haproxy: evil }, history: evil, verdicts: [{ guarantee: evil, state: 'broken', promise: evil, found: evil, breaches: [evil] }] }],
      new Map([[evil, [...hurt, { kind: 'mark', what: 'note', at: 1, about: evil } as const]]]),
      new Map([[evil, [evil]]]),
    );
    assert.deepEqual(markupProblems(html), []);
    assert.doesNotMatch(html, /<script|<img|[\u0000\u001B\u202E]/);
    assert.match(html, /&lt;script&gt;alert\(&quot;1&quot;\)/);
  });

  it('quotes the promise that was broken, with its breaches, and does not call unknown held', () => {
    const { run, records } = five[0]!;
    const judged = { ...run, verdicts: [{ guarantee: 'C-ack', state: 'broken', promise: 'No acknowledged write is lost.', found: '2 lost', breaches: ['o-1 is gone', 'o-2 is gone'] }, { guarantee: 'C-lin', state: 'unknown', promise: 'It is linearizable.', found: 'no time', breaches: [] }] } as const;
    const html = reportOf([{ run: judged, records }]);
    assert.match(html, /A promise was broken in 1 run\./);
    assert.match(html, /2 acknowledged writes were lost\./);
    assert.match(html, /\u201cNo acknowledged write is lost\.\u201d<\/td><td class="text">2 lost<ul class="breaches"><li>o-1 is gone<\/li><li>o-2 is gone<\/li>/);
    const unknown = reportOf([{ run: { ...run, verdicts: [judged.verdicts[1]] }, records }]);
    assert.match(unknown, /In 1 run it is unknown whether all promises were kept: that does not count as held\./);
    assert.match(unknown, /Whether acknowledged writes were lost is not known/);
    assert.doesNotMatch(unknown, /Every promise held/);
  });

  it('says that a cluster was not healthy again', () => {
    assert.match(reportOf([{ ...five[0]!, run: { ...five[0]!.run, restored: false } }]), /After 1 run the cluster was not healthy again: N1 \(kubekeep, seed 1\)/);
  });

  for (const { title, histories, says } of [
    { title: 'is missing', histories: new Map(), says: /There is no timeline:<\/strong> the history of this run could not be read/ },
    { title: 'is empty', histories: new Map([[five[0]!.run.id, []]]), says: /There is no timeline:<\/strong> the history of this run is empty/ },
    { title: 'lost its beginning', histories: new Map([[five[0]!.run.id, five[0]!.records.slice(1)]]), says: /is not whole:.*its first record, which names the lanes, is missing/s },
    { title: 'has requests only', histories: new Map([[five[0]!.run.id, five[0]!.records.slice(0, 500)]]), says: /it has no mark of the fault.*it has no samples of the hosts/s },
  ]) {
    it(`says so where a history ${title}, and shows the figures of the run`, () => {
      const html = renderReport([five[0]!.run], histories);
      assert.deepEqual(markupProblems(html), []);
      assert.match(html, says);
      assert.match(html, /write, new connections, VIP/);
    });
  }

  it('names the lines that could not be read', () => {
    assert.match(renderReport([five[0]!.run], new Map([[five[0]!.run.id, five[0]!.records]]), new Map([[five[0]!.run.id, ['line 12: not JSON']]])), /is not whole:<\/strong><ul><li>line 12: not JSON<\/li>/);
  });

  it('is a page without runs as well', () => {
    const html = renderReport([], new Map());
    assert.deepEqual(markupProblems(html), []);
    assert.match(html, /There is no run to report\./);
  });

  it('opens of many runs the longest of each fault and those that did not hold', () => {
    const many = Array.from({ length: 8 }, (_, position) => exampleDrill({ seed: position, gap: position === 3 ? 2000 : 300, seconds: 30 }));
    const doubtful = many.map((drill, position) => (position === 6 ? { ...drill, run: { ...drill.run, verdicts: [] } } : drill));
    const open = [...reportOf(doubtful).matchAll(/<details class="run" id="run-(\d)"( open="open")?>/g)].flatMap(([, number, isOpen]) => (isOpen ? [number] : []));
    assert.deepEqual(open, ['4', '7']);
  });

  it('draws a lane that was always answered as one stroke, and each failure in the gap in which it was due', () => {
    const lanes = exampleLanes.filter(({ name }) => name === 'write, new connections, VIP' || name.endsWith('server cp3'));
    const drawn = reportOf([exampleDrill({ seed: 1, gap: 8000, lanes, rate: 50, seconds: 30 })]);
    const [first, second] = [...drawn.matchAll(/<path class="answers" d="([^"]*)"/g)].slice(-2).map(([, path]) => path!);
    assert.match(first!, /^M172 [\d.]+h(\d+)m(\d+) 0h(\d+)$/);
    assert.match(second!, /^M172 [\d.]+h\d+$/);
    const whole = drawn.slice(drawn.lastIndexOf('<svg class="timeline"'));
    const [, left = '', width = ''] = /<rect class="gap" x="([\d.]+)" y="[\d.]+" width="([\d.]+)"/.exec(whole)!;
    const places = [...whole.matchAll(/<path class="(?:unknown|refused)" d="([^"]*)"/g)].flatMap(([, path]) => [...path!.matchAll(/M([\d.]+)/g)].map(([, place]) => Number(place)));
    assert.ok(places.length > 10);
    assert.deepEqual(places.filter((place) => place < Number(left) - 7 || place > Number(left) + Number(width) + 7), []);
  });

  it('keeps a minute of 100 requests a second on each of seven lanes below 100 kB of pictures', () => {
    const { run, records } = exampleDrill({ seed: 3, rate: 100, gap: 3000, lanes: exampleLanes });
    assert.ok(records.length > 42_000);
    const pictures = [...reportOf([{ run, records }]).matchAll(/<svg class="timeline".*?<\/svg>/gs)].map(([picture]) => picture.length);
    assert.ok(pictures.reduce((sum, length) => sum + length, 0) < 100_000, String(pictures));
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseJsonPath } from './json-path.ts';

const pod = (name: string, restarts: number, ready: string) => ({
  nothing: null,
  unsorted: { b: 2, a: 1 },
  metadata: { name, labels: { app: 'web', 'example.org/team': 'blue' } },
  spec: { containers: [{ name: 'one', image: 'a:1' }, { name: 'two', image: 'b:2', ports: [{ containerPort: 80 }] }] },
  status: { restarts, conditions: [{ type: 'Scheduled', status: 'True' }, { type: 'Ready', status: ready }] },
});
const list = { kind: 'List', items: [pod('p1', 0, 'True'), pod('p2', 7, 'False'), pod('p3', 12, 'True')] };

describe('a jsonpath', () => {
  // What kubectl 1.37 prints of the same object; where a position is beyond a list it fails.
  const cases: readonly (readonly [string, string])[] = [
    ['{.kind}', 'List'],
    ['{$.kind}', 'List'],
    ['{ .kind }', 'List'],
    ['{.items[*].metadata.name}', 'p1 p2 p3'],
    ['{.items[0].metadata.name}', 'p1'],
    ['{.items[-1].metadata.name}', 'p3'],
    ['{.items[-2].metadata.name}', 'p2'],
    ['{.items[0:2].metadata.name}', 'p1 p2'],
    ['{.items[1:].metadata.name}', 'p2 p3'],
    ['{.items[:1].metadata.name}', 'p1'],
    ['{.items[::2].metadata.name}', 'p1 p3'],
    ['{.items[0,2].metadata.name}', 'p1 p3'],
    ["{.items[0]['kind','metadata'].name}", 'p1'],
    ['{.items[0].metadata.labels}', '{"app":"web","example.org/team":"blue"}'],
    ['{.items[0].metadata.labels.example\\.org/team}', 'blue'],
    ["{.items[0].metadata.labels['example\\.org/team']}", 'blue'],
    ["{.items[0].metadata.labels['app']}", 'web'],
    ['{.items[0].spec.containers[*].image}', 'a:1 b:2'],
    ['{..containerPort}', '80 80 80'],
    ['{.items[0].spec.containers[1].ports}', '[{"containerPort":80}]'],
    ['{.items[?(@.metadata.name=="p2")].status.restarts}', '7'],
    ['{.items[?(@.status.restarts>6)].metadata.name}', 'p2 p3'],
    ['{.items[?(@.status.restarts<=7)].metadata.name}', 'p1 p2'],
    ['{.items[?(@.metadata.name!="p2")].metadata.name}', 'p1 p3'],
    ["{.items[*].status.conditions[?(@.type=='Ready')].status}", 'True False True'],
    ['{.items[0].spec.containers[?(@.ports)].name}', 'two'],
    ['{range .items[*]}{.metadata.name}{"\\t"}{.status.restarts}{"\\n"}{end}', 'p1\t0\np2\t7\np3\t12\n'],
    ['{range .items[*]}{range .spec.containers[*]}{.name} {end}of {.metadata.name};{end}', 'one two of p1;one two of p2;one two of p3;'],
    ['name: {.items[0].metadata.name}, kind: {.kind}', 'name: p1, kind: List'],
    ['{.items[0].none.there}', ''],
    ['{.items[9].metadata.name}', ''],
    ['{range .none[*]}x{end}', ''],
    ['{.items[0].status.restarts}', '0'],
    ['{range .items[0].spec.containers[*]}{$.name} {end}', 'one two '],
    ['{range .items[0].spec.containers[*]}{$.metadata.name}{end}', ''],
    ['{.items[0].spec.containers[?(@.name==@.image)].name}', ''],
    ['{.items[0].status.conditions[?(@.type!=@.status)].type}', 'Scheduled Ready'],
    ['{.items[0].spec.containers[?(@.none==@.nix)].name}', ''],
    ['{.items[0].spec.containers[?(@.none!="8")].name}', ''],
    ['{.items[0].spec.containers[?(@.image>"a:9")].name}', 'two'],
    ['{.items[0].metadata.labels.*}', 'web blue'],
    ['{.items[0].unsorted}', '{"a":1,"b":2}'],
    ['{.items[0].unsorted.*}', '1 2'],
    ['{.items[0].spec..name}', 'one two'],
    ['{.items[0]..labels.app}', 'web'],
    ['{.items[0].metadata..name}', 'p1'],
    ['{range .items[*].metadata.name}{@} {end}', 'p1 p2 p3 '],
    ['{.items[0].nothing}', 'null'],
  ];
  it('takes a single point for all, of which kubectl prints nothing', () => assert.equal(parseJsonPath('{range .items[*].metadata.name}{.} {end}')(list), 'p1 p2 p3 '));

  it('compares no number with a text', () => assert.equal(parseJsonPath('{.items[?(@.status.restarts>"6")].metadata.name}')(list), ''));

  for (const [template, printed] of cases) it(template, () => assert.equal(parseJsonPath(template)(list), printed));

  it('writes whole numbers beyond 2^53 as they are', () => assert.equal(parseJsonPath('{.a} {.b}')({ a: 9007199254740993n, b: [9007199254740993n] }), '9007199254740993 [9007199254740993]'));

  const wrong: readonly (readonly [string, RegExp])[] = [
    ['.metadata.name', /it has no path in braces/],
    ['', /it has no path in braces/],
    ['{.a', /a closing brace is missing/],
    ['{.a[}', /a number, name in quotes, \* or \?\(…\) is missing/],
    ['{.a[0}', /a closing bracket is missing/],
    ['{.a[?(@.b==)]}', /a path is missing/],
    ['{.a[?(@.b=~"x")]}', /a closing parenthesis is missing/],
    ['{.a[?(@.b=="x" && @.c)]}', /a closing parenthesis is missing/],
    ['{range .a}', /a \{range\} has no \{end\}/],
    ['{.a}{end}', /an \{end\} without a \{range\}/],
    ['{kind}', /a path is missing/],
    ['{}', /a path is missing/],
    ['{.a[::-1]}', /a slice has to go forward/],
    ['{.a[::0]}', /a slice has to go forward/],
  ];
  for (const [template, why] of wrong) it(`"${template}" is refused in one sentence`, () => assert.throws(() => parseJsonPath(template), (error: Error & { code?: string }) => error.code === 'usage' && why.test(error.message)));
});

import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { cisChecks } from '../../test/support/cis/checks.ts';
import { renderedHost, type RenderedHost } from '../../test/support/rendered-host.ts';

/** How many checks the benchmark has in each section, and how many of them it calls automated. */
const sections: readonly (readonly [section: string, all: number, automated: number])[] = [['1.1', 21, 17], ['1.2', 30, 22], ['1.3', 7, 6], ['1.4', 2, 2], ['2', 7, 6], ['3.1', 3, 0], ['3.2', 2, 0]];

describe('the CIS benchmark', () => {
  let host: RenderedHost;
  before(async () => {
    host = await renderedHost();
  });

  it('has each of its checks answered once', () => {
    const ids = sections.flatMap(([section, all]) => Array.from({ length: all }, (_, position) => `${section}.${position + 1}`));
    assert.deepEqual(cisChecks.map(({ id }) => id), ids);
    for (const [section, , automated] of sections) assert.equal(cisChecks.filter((one) => one.id.replace(/\.\d+$/, '') === section && one.automated).length, automated, section);
  });

  it('has evidence for every check that passes, and a reason for every other', () => {
    for (const { id, automated, status, evidence, note } of cisChecks) {
      assert.ok(status === 'pass' ? evidence.length > 0 : note !== '', id);
      assert.ok(!automated || status === 'pass', `${id} is automated and passes`);
    }
  });

  for (const { id, check, evidence } of cisChecks) {
    for (const [position, { shows }] of evidence.entries()) {
      it(`${id} ${check}: ${shows}`, () => {
        const one = evidence[position]!;
        assert.ok(one.holds(host), `not so: ${shows}`);
        assert.ok(!one.holds(one.spoil(host)), 'the opposite is not noticed');
      });
    }
  }
});

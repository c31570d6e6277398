import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { refuseCombination, refuseVersion } from './versions.ts';
import type { VersionedProgram } from './versions.ts';

describe('a version', () => {
  const cases: readonly (readonly [program: VersionedProgram, version: string, expected: RegExp | undefined, fixedIn?: string])[] = [
    ['kubernetes', '1.37.0', undefined],
    ['kubernetes', '1.37.2', undefined],
    ['kubernetes', '1.37.15', undefined],
    ['kubernetes', '1.36.9', /^is not supported by this release, which runs 1\.37\.x$/, '1.37.2'],
    ['kubernetes', '1.38.0', /^is not supported/, '1.37.2'],
    ['kubernetes', '1.370.0', /^is not supported/, '1.37.2'],
    ['kubernetes', 'v1.37.2', /^is not a version with three numbers$/, '1.37.2'],
    ['kubernetes', '1.37.2-rc.0', /^is not a version/, '1.37.2'],
    ['kubernetes', '1.37.02', /^is not a version/, '1.37.2'],
    ['kubernetes', '1.37', /^is not a version/, '1.37.2'],
    ['kubernetes', '1.37.2\n', /^is not a version/, '1.37.2'],
    ['etcd', '3.5.35', /^is not supported by this release, which runs 3\.6\.x and 3\.7\.x$/, '3.7.3'],
    ['etcd', '3.6.0', /^can corrupt its data/, '3.6.14'],
    ['etcd', '3.6.8', /^answers with stale data/, '3.6.14'],
    ['etcd', '3.6.9', /^refuses new members/, '3.6.14'],
    ['etcd', '3.6.11', /^silently promotes a learner/, '3.6.14'],
    ['etcd', '3.6.13', /GHSA-xg4h-6gfc-h4m8/, '3.6.14'],
    ['etcd', '3.6.14', undefined],
    ['etcd', '3.6.100', undefined],
    ['etcd', '3.7.0', /GHSA-xg4h-6gfc-h4m8/, '3.7.1'],
    ['etcd', '3.7.1', undefined],
    ['etcd', '3.7.3', undefined],
    ['etcd', '3.8.0', /^is not supported/, '3.7.3'],
    ['etcd', '4.0.0', /^is not supported/, '3.7.3'],
  ];
  for (const [program, version, expected, fixedIn] of cases) {
    it(`${program} ${JSON.stringify(version)} is ${expected === undefined ? 'run' : `refused: ${expected.source}`}`, () => {
      const refusal = refuseVersion(program, version);
      if (expected === undefined) return assert.equal(refusal, undefined);
      assert.match(refusal!.reason, expected);
      assert.equal(refusal!.fixedIn, fixedIn);
    });
  }

  it('that is named as the fixed one is never refused itself', () => {
    for (const version of ['3.5.0', '3.6.0', '3.6.4', '3.6.8', '3.6.9', '3.6.13', '3.7.0', '9.9.9', 'x']) assert.equal(refuseVersion('etcd', refuseVersion('etcd', version)!.fixedIn), undefined);
    assert.equal(refuseVersion('kubernetes', refuseVersion('kubernetes', '1.0.0')!.fixedIn), undefined);
  });
});

describe('two versions', () => {
  it('that were tried together go together', () => {
    for (const etcd of ['3.6.16', '3.7.3']) assert.equal(refuseCombination('1.37.2', etcd), undefined);
  });

  it('outside of the table are refused with what is needed', () => {
    assert.deepEqual(refuseCombination('1.37.2', '3.5.24'), { reason: 'does not go with Kubernetes 1.37.2, which needs etcd 3.6 or 3.7', fixedIn: '3.7.3' });
  });
});

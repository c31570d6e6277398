import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { clusterId, createAuthority } from '../../pki/authorities.ts';
import { judgePermit, type PermitQuestion } from './judge-permit.ts';
import { permitFormat, signPermit, type DrillPermit, type SignedPermit } from './permit.ts';

const now = Date.UTC(2026, 10, 23, 12);
const hour = 3_600_000;
const ca = await createAuthority('kubernetes', 'prod', now);
const other = await createAuthority('kubernetes', 'prod', now);
const time = (at: number) => new Date(at).toISOString();

const permit: DrillPermit = { format: permitFormat, clusterId: clusterId(ca.certificate), cluster: 'prod', faults: ['H1', 'K1-hang'], notBefore: time(now), expires: time(now + 2 * hour), who: 'ada' };
const question: PermitQuestion = { clusterId: permit.clusterId, ca: ca.certificate, faults: ['K1-hang'], now: now + hour };

const signed = (changes: Partial<DrillPermit> = {}, key = ca) => signPermit({ ...permit, ...changes }, key);
const judged = (file: SignedPermit | string, changes: Partial<PermitQuestion> = {}) => judgePermit(typeof file === 'string' ? file : JSON.stringify(file), { ...question, ...changes });

describe('a permit', () => {
  it('allows what it names, on its cluster, in its time', () => {
    assert.deepEqual(judged(signed()), { ok: true, permit });
  });

  it('is the same however its file is laid out', () => {
    const { permit: { format, ...rest }, signature } = signed();
    assert.equal(judged(JSON.stringify({ signature, permit: { ...Object.fromEntries(Object.entries(rest).reverse()), format } }, null, 4)).ok, true);
  });

  for (const [title, file, changes, reason] of [
    ['after it expired', signed(), { now: now + 2 * hour }, /^expired at 2026-11-23T14:00:00.000Z$/],
    ['before its time', signed(), { now: now - 1 }, /^is not valid before 2026-11-23T12:00:00.000Z$/],
    ['for another cluster', signed({ clusterId: clusterId(other.certificate), cluster: 'test' }, other), {}, /^is for another cluster \(test, id [0-9a-f]{12}\)/],
    ['for another cluster of the same name', signed({}), { clusterId: clusterId(other.certificate), ca: other.certificate }, /^is for another cluster \(prod, /],
    ['for a fault that it does not name', signed(), { faults: ['H1', 'E2', 'A1'] }, /^does not name E2, A1; it is for H1, K1-hang$/],
    ['for a fault whose name only begins alike', signed(), { faults: ['K1'] }, /^does not name K1;/],
    ['signed with another key', signed({}, other), {}, /signature that does not fit/],
    ['with another fault put in afterwards', { ...signed(), permit: { ...permit, faults: ['H1', 'K1-hang', 'E2'] } }, {}, /signature that does not fit/],
    ['with two faults made of one', { ...signed({ faults: ['H1,K1-hang'] }), permit }, {}, /signature that does not fit/],
    ['with a longer life put in afterwards', { ...signed(), permit: { ...permit, expires: time(now + 3 * hour) } }, {}, /signature that does not fit/],
    ['with another name put in afterwards', { ...signed(), permit: { ...permit, who: 'eve' } }, {}, /signature that does not fit/],
    ['with the other cluster\'s id put in afterwards', { ...signed(), permit: { ...permit, clusterId: clusterId(other.certificate) } }, { clusterId: clusterId(other.certificate), ca: other.certificate }, /signature that does not fit/],
    ['without a signature', { ...signed(), signature: '' }, {}, /signature that does not fit/],
    ['for too long', signed({ expires: time(now + 24 * hour + 1) }), {}, /^is for 25 hours, and 24 are the most$/],
    ['that is cut short', JSON.stringify(signed()).slice(0, -9), {}, /^is damaged, or no permit: the whole file/],
    ['that is something else', '{"apiVersion":"v1"}', {}, /^is damaged, or no permit: permit /],
    ['with a time that is none', signed({ expires: 'tomorrow' }), {}, /^is damaged, or no permit: permit.expires /],
    ['with a time that never comes', signed({ expires: '2026-02-31T25:00:00Z' }), {}, /^is damaged, or no permit: permit.expires /],
    ['of another form', signed({ format: 'kubekeep.drill-permit/v2' as typeof permitFormat }), {}, /^is damaged, or no permit: permit.format /],
  ] as const) {
    it(`${title} is refused`, () => {
      const verdict = judged(file, changes);
      assert.ok(!verdict.ok);
      assert.match(verdict.reason, reason);
    });
  }
});

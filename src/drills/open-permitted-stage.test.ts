import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { faults } from './faults/catalogue.ts';
import { refuseLabOnly, refuseWithoutDeadMan } from './open-permitted-stage.ts';

const chosen = (...ids: readonly string[]) => faults.filter(({ id }) => ids.includes(id));

describe('outside a lab', () => {
  it('a fault that needs power, cables or an apply afterwards is refused, each with its reason', () => {
    assert.throws(() => refuseLabOnly(chosen('N1', 'E5', 'E12', 'H1')), (error: Error & { code: string }) =>
      error.code === 'drill-refused' && /E12 is undone by apply, .*; E5 asks for cables.*; N1 asks for machines with a power switch, which only a lab has$/.test(error.message) && !error.message.includes('H1 '));
    refuseLabOnly(chosen('H1', 'K1-hang', 'A3', 'E6', 'N4', 'A2'));
  });

  it('every fault says so in a sentence, or can be had', () => {
    for (const { id, labOnly = 'can be had' } of faults) assert.match(`${id} ${labOnly}`, /^\S+ [a-z][^.]*[a-z]$/, id);
  });

  for (const [title, aim, host] of [
    ['no undo at all', { hosts: ['cp1'] }, 'cp1'],
    ['an undo on one of two hosts', { hosts: ['cp1', 'cp2'], deadMan: new Map([['cp1', ':']]) }, 'cp2'],
    ['a host without power, whose timer is gone too', { hosts: ['cp1'], dark: ['cp1'], deadMan: new Map([['cp1', ':']]) }, 'cp1'],
  ] as const) {
    it(`a fault with ${title} is refused`, () => {
      assert.throws(() => refuseWithoutDeadMan({ id: 'X1' }, aim), { code: 'drill-refused', message: `nothing on ${host} would undo X1 if kubekeep were killed` });
    });
  }

  it('a fault with an undo on every host that it touches may be had', () => {
    refuseWithoutDeadMan({ id: 'X1' }, { hosts: ['cp1', 'cp2'], deadMan: new Map([['cp1', ':'], ['cp2', ':']]) });
    refuseWithoutDeadMan({ id: 'X1' }, { hosts: [] });
  });
});

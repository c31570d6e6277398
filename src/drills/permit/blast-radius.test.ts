import assert from 'node:assert/strict';
import { it } from 'node:test';
import { faults } from '../faults/catalogue.ts';
import { standardLanes } from '../probes/probe-plan.ts';
import { describeBlastRadius } from './blast-radius.ts';

const lanes = standardLanes([]);
const radiusOf = (id: string, hosts: readonly string[]) => describeBlastRadius({ cluster: 'prod', fault: faults.find((fault) => fault.id === id)!, aim: { about: 'cp2, which holds the VIP', hosts }, lanes }).join('\n');

it('a blast radius says what is hit, what clients notice, for how long, and what undoes it', () => {
  assert.equal(radiusOf('H2', ['cp2']), `H2 on prod: HAProxy on the VIP holder hangs for 40 s: cp2, which holds the VIP
  hosts    cp2
  clients  connections through the VIP may end, and new ones wait until another host has it; writes should go on within 1.2 s
  lasts    40 s
  undone   by kubekeep, after Ctrl-C too; where it is killed or cut off, by the host itself 70 s after the beginning
  load     120 requests a second from this computer, in a namespace that is removed at the end`);
});

it('planned work may be noticed a little, and what touches no host needs no undo', () => {
  assert.match(radiusOf('E3', []), /hosts {4}none is touched\n {2}clients {2}should notice little: requests may fail or be late, for 10 s at most\n {2}lasts {4}until it is done\n {2}undone {3}nothing has to be\n/);
  assert.match(radiusOf('A2', ['cp1', 'cp2']), /requests may fail or be late, for 5 s at most on new connections and 20 s on one that is kept\n/);
  assert.match(radiusOf('A2', ['cp1', 'cp2']), /hosts {4}cp1, cp2\n/);
  assert.match(radiusOf('A2', ['cp1', 'cp2']), /by each host itself 30 s after/);
});

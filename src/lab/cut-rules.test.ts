import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addCuts, cutRules, parseCuts, withoutCuts, type Cut } from './cut-rules.ts';
import { thisComputer } from './lab.ts';
import { layOutLab } from './layout.ts';

const lab = layOutLab({
  name: 'a', directory: '/d', image: '/i', subnetNumber: 1, runtimeFolder: '/run/x', hostKeys: ['', '', ''],
  machines: [{ name: 'one' }, { name: 'two' }, { name: 'three' }],
});
const [one, two] = lab.machines;
const all = new Set(lab.machines.map((machine) => machine.interface));
const drop = (from: string, to: string): Cut => ({ from, to, action: 'drop' });
const reject = (from: string, to: string): Cut => ({ from, to, action: 'reject' });

test('without cuts no table is left', () => {
  const rules = cutRules(lab, [], all);
  assert.doesNotMatch(rules, /\{/);
  for (const family of ['bridge', 'netdev', 'ip']) assert.match(rules, new RegExp(`add table ${family} ${lab.table}\ndelete table ${family} ${lab.table}`));
});

test('a link cut both ways loses every frame', () => {
  const rules = cutRules(lab, [drop('one', 'two'), drop('two', 'one')], all);
  for (const [from, to] of [[one, two], [two, one]]) assert.match(rules, new RegExp(`iifname "${from!.interface}" oifname "${to!.interface}" drop comment`));
});

test('a link cut one way loses nothing of the other, and addresses are still found', () => {
  const rules = cutRules(lab, [drop('one', 'two')], all);
  assert.match(rules, new RegExp(`iifname "${one!.interface}" oifname "${two!.interface}" ether type != arp drop comment`));
  assert.doesNotMatch(rules, new RegExp(`iifname "${two!.interface}"`));
  assert.doesNotMatch(rules, /table (netdev|ip) \S+ \{/);
});

test('a cut to or from this computer is made where frames enter and leave the computer', () => {
  const rules = cutRules(lab, [drop('one', thisComputer), drop(thisComputer, 'two')], all).replaceAll('\n', ' ');
  assert.match(rules, new RegExp(`chain input \\{[^}]*iifname "${one!.interface}" ether type != arp drop`));
  assert.match(rules, new RegExp(`chain output \\{[^}]*oifname "${two!.interface}" ether type != arp drop`));
});

test('a rejecting cut answers at the cable of the sender, and still drops while that machine is off', () => {
  const on = cutRules(lab, [reject('one', 'two')], all);
  assert.match(on, new RegExp(`device "${one!.interface}"`));
  assert.match(on, new RegExp(`ether daddr ${two!.mac} ip protocol tcp reject with tcp reset`));
  const off = cutRules(lab, [reject('one', 'two')], new Set([two!.interface]));
  assert.doesNotMatch(off, /device/);
  assert.match(off, new RegExp(`iifname "${one!.interface}" oifname "${two!.interface}" ether type != arp drop`));
});

test('the newest cut of a direction wins', () => {
  assert.deepEqual(addCuts([drop('one', 'two'), drop('two', 'one')], [reject('one', 'two')]), [drop('two', 'one'), reject('one', 'two')]);
});

const healing: readonly [title: string, names: readonly string[], left: readonly Cut[]][] = [
  ['nothing named heals everything', [], []],
  ['two names heal both directions between them', ['two', 'one'], [drop('one', 'three')]],
  ['one name heals every link of that machine', ['one'], []],
  ['one name leaves the links of others', ['three'], [drop('one', 'two'), reject('two', 'one')]],
];
for (const [title, names, left] of healing) {
  test(title, () => assert.deepEqual(withoutCuts([drop('one', 'two'), reject('two', 'one'), drop('one', 'three')], names), left));
}

test('cuts are read back from what nft lists, whatever else stands there', () => {
  const rule = (comment?: string) => ({ rule: { family: 'bridge', comment } });
  const listing = JSON.stringify({ nftables: [{ metainfo: {} }, { table: {} }, rule('cut one two drop'), rule('cut two computer reject'), rule('note'), rule()] });
  assert.deepEqual(parseCuts(listing), [drop('one', 'two'), reject('two', 'computer')]);
});

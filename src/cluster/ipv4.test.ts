import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ipv4Range, ipv4ToNumber, numberToIpv4, overlap } from './ipv4.ts';

it('an address survives being a number', () => {
  for (const address of ['0.0.0.0', '10.0.0.1', '127.255.0.3', '128.0.0.0', '255.255.255.255']) assert.equal(numberToIpv4(ipv4ToNumber(address)), address);
});

it('a network spans from its first to its last address', () => {
  const cases = [['10.0.0.100/24', '10.0.0.0', '10.0.0.255'], ['10.107.3.4/12', '10.96.0.0', '10.111.255.255'], ['255.255.255.255/32', '255.255.255.255', '255.255.255.255'], ['1.2.3.4', '1.2.3.4', '1.2.3.4'], ['200.1.2.3/0', '0.0.0.0', '255.255.255.255']] as const;
  for (const [cidr, first, last] of cases) assert.deepEqual([numberToIpv4(ipv4Range(cidr).first), numberToIpv4(ipv4Range(cidr).last)], [first, last], cidr);
});

it('networks overlap where they share an address, in either order', () => {
  const cases = [['10.0.0.0/24', '10.0.0.255', true], ['10.0.0.0/24', '10.0.1.0', false], ['10.0.0.0/8', '10.96.0.0/12', true], ['10.96.0.0/12', '10.112.0.0/12', false]] as const;
  for (const [a, b, expected] of cases) assert.deepEqual([overlap(a, b), overlap(b, a)], [expected, expected], `${a} ${b}`);
});

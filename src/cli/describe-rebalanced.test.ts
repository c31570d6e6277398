import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeRebalanced } from './describe-rebalanced.ts';

const moves = [{ vip: '10.0.0.201', services: ['shop', 'feed'], from: 'cp3', to: 'cp1' }];

test('VIPs of services that move are a table, and whether they have moved is said', () => {
  const table = 'VIP         SERVICES    FROM  TO\n10.0.0.201  shop, feed  cp3   cp1\n';
  assert.equal(describeRebalanced({ moves, performed: true }), `${table}The VIPs of services are spread as they should be now.`);
  assert.ok(describeRebalanced({ moves, performed: false }).startsWith(`${table}Each is away`));
  assert.equal(describeRebalanced({ moves: [], performed: false }), 'The VIPs of services are spread as they should be.');
});

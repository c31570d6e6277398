import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseServersState } from './parse-servers-state.ts';

// As HAProxy 3.0.11 answered.
const header = '1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state srv_agent_state bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port srv_check_addr srv_agent_addr srv_agent_port\n';
const line = (admin: number) => `3 service-shop 1 w1 10.0.0.21 2 ${admin} 50 100 12 6 3 4 6 0 0 0 - 30443 - 0 32025 - - 0\n`;

test('a server is read with what it is told to be', () => {
  assert.deepEqual(parseServersState(`${header}${line(0)}\n`), [{ backend: 'service-shop', server: 'w1', address: '10.0.0.21', port: 30443, checkPort: 32025, weight: 50, state: 'ready', up: true }]);
});

test('one whose checks fail is not up', () => assert.equal(parseServersState(`${header}${line(0).replace(' 2 0 ', ' 0 0 ')}`)[0]?.up, false));

for (const [admin, state] of [[0, 'ready'], [1, 'maint'], [8, 'drain'], [9, 'maint'], [5, 'maint'], [4, 'ready'], [16, 'drain'], [32, 'maint'], [64, 'ready']] as const) {
  test(`administrative state ${admin} is ${state}`, () => assert.equal(parseServersState(`${header}${line(admin)}`)[0]?.state, state));
}

test('no answer is no servers', () => assert.deepEqual(parseServersState(''), []));

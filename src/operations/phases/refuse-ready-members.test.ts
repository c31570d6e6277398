import assert from 'node:assert/strict';
import { test } from 'node:test';
import { builtCluster, planOf, withHost } from '../../../test/support/seen-cluster.ts';
import { stepsOf } from '../plan/plan.ts';
import { refuseReadyMembers } from './refuse-ready-members.ts';
import type { Work } from './work.ts';

const built = await builtCluster('T3');
const names = built.cluster.hosts.map(({ name }) => name);
const unready = names.reduce((seen, name) => withHost(seen, name, ({ etcd }) => ({ etcd: { ...etcd, ready: false }, pendingUnits: new Set(['etcd.service']) })), built);

/** What becomes of the restarts that were planned `days` after the build, when cp2 answers by now. */
function begin(days: number): Promise<void> {
  const facts = { ...unready.facts, observedAt: unready.facts.observedAt + days * 86_400_000 };
  const run = (ready: boolean) => () => Promise.resolve({ host: '', exitCode: 0, stdout: `${ready ? 'etcd\tready\t\n' : ''}end\t\n`, stderr: '', duration: 0, timedOut: false });
  const work = { cluster: built.cluster, hosts: new Map(names.map((name) => [name, { run: run(name === 'cp2') }])), prepared: { facts } } as unknown as Work;
  return refuseReadyMembers(work, stepsOf(planOf({ cluster: built.cluster, facts })).filter(({ component }) => component === 'etcd'));
}

test('members are not restarted together when one of them is ready after all', async () => {
  await assert.rejects(begin(1), { code: 'quorum-risk', message: 'etcd is ready again on cp2: its members are not restarted together' });
});

test('but they are where their certificates have run out, whatever connections still last', () => begin(400));

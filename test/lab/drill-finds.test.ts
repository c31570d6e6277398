import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { DrillRun } from '../../src/drills/report/drill-run.ts';
import { vipIsLeftBehind } from '../../src/drills/mutants/vip-is-left-behind.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { parallel } from '../../src/lib/parallel.ts';
import { expectZero, labCluster, type LabCluster } from '../support/lab-cluster.ts';
import { labStage } from '../support/lab-stage.ts';
import { applySetup, showMutant } from '../support/mutant-runs.ts';

describe('drills', () => {
  let it3: LabCluster;
  before(async () => {
    it3 = await labCluster('T3', 'test-drill');
    await expectZero(it3.run('apply', '--yes'));
  });
  after(() => it3[Symbol.asyncDispose]());

  it('find what is left on a host, a key that is shown, and a second host that answers for the VIP', async () => {
    const { vip } = it3.cluster.endpoint;
    const running = it3.run('drill', 'run', 'E1', '--json');
    const watched = async () => (await Promise.all(it3.cluster.hosts.map(({ name }) => it3.hosts.get(name)!.run('systemctl is-active --quiet kubekeep-drill-secrets && systemctl is-active --quiet kubekeep-drill-sampler')))).every(({ exitCode }) => exitCode === 0);
    while (!(await watched())) await systemClock.sleep(200);
    await parallel(it3.cluster.hosts, ({ name }) => it3.hosts.get(name)!.run(`ip -4 -o addr show | grep -q ' ${vip}/' || { ip addr add ${vip}/32 dev host0; sleep 1; ip addr del ${vip}/32 dev host0; }`));
    await it3.hosts.get('cp2')!.run('touch /etc/kubekeep/x.before-drill; logger < /etc/kubernetes/pki/sa.key; sh -c "sleep 2; :" sh "$(cat /etc/kubernetes/pki/sa.key)"');
    const { stdout } = await running;
    await it3.hosts.get('cp2')!.run('rm /etc/kubekeep/x.before-drill');
    const { runs: [run] } = JSON.parse(stdout) as { runs: [DrillRun] };
    const breaches = (id: string) => run.verdicts.find(({ guarantee }) => guarantee === id)!.breaches.join('\n');
    assert.match(breaches('C-converge'), /cp2: \/etc\/kubekeep\/x\.before-drill/);
    assert.match(breaches('C-secret'), /cp2: the journal: the key of the service accounts/);
    assert.match(breaches('C-secret'), /cp2: arguments of sh: the key of the service accounts/);
    assert.match(breaches('C-vip'), /answered \d+ questions? for the VIP at once/);
  });

  it('find that the VIP is left behind where keepalived is not started again (mutant M5)', async () => {
    await using opened = await labStage(it3.file);
    const { outcome, by, found } = await showMutant(opened.stage, vipIsLeftBehind, join(it3.file, '..', 'mutants'));
    await applySetup(opened.stage);
    assert.equal(outcome, 'caught', found);
    assert.ok(by.includes('C-vip'));
  });
});

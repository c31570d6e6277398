import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { aService, now } from '../../../test/support/example-cluster.ts';
import { builtCluster, opened, outline, withHost, type SeenCluster } from '../../../test/support/seen-cluster.ts';
import type { ComponentName } from '../../render/design.ts';
import { designsOf } from '../designs.ts';
import type { HostFacts } from '../facts.ts';
import { ownProgramMaterial } from '../own-program-input.ts';
import { materialize } from '../step-script.ts';
import { contentHash } from './judge-component.ts';
import { makePlan, type Plan } from './plan.ts';

const folder = '/opt/kubekeep/keeper';
const shop = aService({ load: true });
const own = (digest: string, platform: 'linux-amd64' | 'linux-arm64' = 'linux-amd64') => ownProgramMaterial({ digest, platform, node: 'node', script: 'bin/kubekeep.mjs' });

function planOf({ cluster, facts }: SeenCluster, material = own('d1')): Plan {
  const designs = designsOf(cluster, facts, opened, { own: material });
  return makePlan({ cluster, facts, secrets: opened.secrets, designs });
}

const ours: readonly ComponentName[] = ['steer', 'load-agent'];
/** What concerns the steering: the HAProxy of services itself is planned elsewhere. */
const only = (plan: Plan) => outline({ ...plan, phases: plan.phases.map((phase) => ({ ...phase, steps: phase.steps.filter(({ component, programs }) => ours.includes(component as ComponentName) || programs.includes('kubekeep')) })).filter(({ steps }) => steps.length > 0) }, { reasons: true });

describe('services that follow the load', () => {
  let bare: SeenCluster;
  let steered: SeenCluster;
  before(async () => {
    const built = await builtCluster('T3L', 2);
    bare = { ...built, cluster: { ...built.cluster, services: [shop] } };
    steered = bare;
    const designs = designsOf(bare.cluster, bare.facts, opened, { own: own('d1') });
    for (const { name } of bare.cluster.hosts) {
      for (const design of designs.get(name)!.filter((one) => ours.includes(one.name))) {
        const { files, keys } = await materialize(design, design.files.map(({ path }) => path), opened.secrets, now);
        steered = withHost(steered, name, (host): Partial<HostFacts> => ({
          files: new Map([...host.files, ...files.map(({ path, content, mode, owner = 'root:root' }) => [path, { sha256: contentHash(String(content)), mode, owner }] as const)]),
          certificates: new Map([...host.certificates, ...files.filter(({ path }) => path.endsWith('.crt')).map(({ path, content }) => [path, String(content)] as const)]),
          recordedSums: new Map([...host.recordedSums, ...keys]),
          programs: new Map([...host.programs, ...(design.name === 'steer' ? [[`${folder}/d1`, 'd1'] as const] : [])]),
          units: new Map([...host.units, [design.unit!, { load: 'loaded', active: 'active', sub: 'running', enabled: 'enabled', needsReload: false }]]),
        }));
      }
    }
  });

  it('get agents on their nodes and kubekeep on the load balancers, together', () => {
    assert.deepEqual(only(planOf(bare)), [
      ...['lb1', 'lb2'].map((host) => `prepare together ${host}/system none: kubekeep to be copied`),
      ...['lb1', 'lb2'].map((host) => `steering together ${host}/steer start: steer is not there yet`),
      ...['w1', 'w2'].map((host) => `steering together ${host}/load-agent start: load-agent is not there yet`),
    ]);
  });

  it('have nothing to do when everything is there', () => assert.deepEqual(only(planOf(steered)), []));

  it('get an agent back that was edited by hand', () => {
    const edited = withHost(steered, 'w2', ({ files }) => ({ files: new Map([...files, ['/etc/kubekeep/load-agent.sh', { sha256: 'x', mode: 0o755, owner: 'root:root' }]]) }));
    assert.deepEqual(only(planOf(edited)), ['steering in turn w2/load-agent restart: /etc/kubekeep/load-agent.sh differs']);
  });

  it('get a newer program one after the other, and lose the one before', () => {
    assert.deepEqual(only(planOf(steered, own('d2'))), ['lb1', 'lb2'].map((host) => `prepare together ${host}/system none: kubekeep to be copied`).concat(['lb1', 'lb2'].map((host) => `steering in turn ${host}/steer restart: /etc/systemd/system/kubekeep-steer.service differs; kubekeep is not installed; ${folder}/d1 is not used`)));
    const left = withHost(steered, 'lb2', ({ programs }) => ({ programs: new Map([...programs, [`${folder}/d0.tar.gz`, 'changed']]) }));
    assert.deepEqual(only(planOf(left)), [`steering in turn lb2/steer none: ${folder}/d0.tar.gz is not used`]);
  });

  it('lose both where the cluster file has no such service any more', () => {
    for (const services of [[], [{ ...shop, load: false }]]) {
      assert.deepEqual(only(planOf({ ...steered, cluster: { ...steered.cluster, services } })), [
        ...['lb1', 'lb2'].map((host) => `steering in turn ${host}/steer remove: the cluster file does not want kubekeep-steer.service any more`),
        ...['w1', 'w2'].map((host) => `steering in turn ${host}/load-agent remove: the cluster file does not want kubekeep-load.socket any more`),
      ]);
    }
  });

  it('may be the API servers themselves', () => {
    const { cluster } = bare;
    assert.deepEqual(only(planOf({ ...bare, cluster: { ...cluster, services: [], endpoint: { ...cluster.endpoint, load: true } } })), [
      ...['lb1', 'lb2'].map((host) => `prepare together ${host}/system none: kubekeep to be copied`),
      ...['cp1', 'cp2', 'cp3'].map((host) => `steering together ${host}/load-agent start: load-agent is not there yet`),
      ...['lb1', 'lb2'].map((host) => `steering together ${host}/steer start: steer is not there yet`),
    ]);
  });

  it('are not steered by a load balancer of another architecture, which is said', () => {
    const plan = planOf(bare, own('d1', 'linux-arm64'));
    assert.deepEqual(plan.warnings, ['lb1, lb2 cannot steer traffic: kubekeep runs here on another architecture']);
    assert.deepEqual(only(plan), ['w1', 'w2'].map((host) => `steering together ${host}/load-agent start: load-agent is not there yet`));
  });
});

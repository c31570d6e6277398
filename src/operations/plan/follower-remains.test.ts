import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { builtCluster, opened, outline, withHost, type SeenCluster } from '../../../test/support/seen-cluster.ts';
import { now } from '../../../test/support/example-cluster.ts';
import { Secret } from '../../lib/secret.ts';
import { designsOf } from '../designs.ts';
import type { HostFacts } from '../facts.ts';
import type { FollowerMaterial } from '../follower/follower-material.ts';
import { materialize } from '../step-script.ts';
import { contentHash } from './judge-component.ts';
import { makePlan, stepsOf, type Plan } from './plan.ts';

const folder = '/opt/kubekeep/keeper';
const unit = 'kubekeep-keeper.service';
const running = { load: 'loaded', active: 'active', sub: 'running', enabled: 'enabled', needsReload: false };

function materialOf(digest: string): FollowerMaterial {
  return { program: { digest }, platform: 'linux-amd64', writers: {} as never, input: (host) => ({ program: `${folder}/${digest}`, node: 'node', script: 'bin/kubekeep.mjs', writer: new Secret(`keys of ${host}`), s3Login: new Secret('login') }) };
}

function planOf({ cluster, facts }: SeenCluster, material?: FollowerMaterial): Plan {
  const designs = designsOf(cluster, facts, opened, { material });
  return makePlan({ cluster, facts, secrets: opened.secrets, designs });
}

describe('hosts that follow the log', () => {
  let bare: SeenCluster;
  let following: SeenCluster;
  before(async () => {
    const built = await builtCluster('T3');
    bare = { ...built, cluster: { ...built.cluster, backup: { repository: 's3://backups', recipients: [], follow: 'hosts' } } };
    following = bare;
    const designs = designsOf(bare.cluster, bare.facts, opened, { material: materialOf('d1') });
    for (const { name } of bare.cluster.hosts) {
      const design = designs.get(name)!.find((one) => one.name === 'keeper')!;
      const { files, keys } = await materialize(design, design.files.map(({ path }) => path), opened.secrets, now);
      following = withHost(following, name, (host): Partial<HostFacts> => ({
        files: new Map([...host.files, ...files.map(({ path, content, mode, owner = 'root:root' }) => [path, { sha256: contentHash(String(content)), mode, owner }] as const)]),
        certificates: new Map([...host.certificates, ...files.filter(({ path }) => path.endsWith('.crt')).map(({ path, content }) => [path, String(content)] as const)]),
        recordedSums: new Map([...host.recordedSums, ...keys]),
        programs: new Map([...host.programs, [`${folder}/d1`, 'd1']]),
        units: new Map([...host.units, [unit, running]]),
        users: new Set([...host.users, 'kubekeep']),
      }));
    }
  });

  const only = (plan: Plan) => outline(plan, { reasons: true }).filter((line) => !line.startsWith('finish'));

  it('get the program first, then the service; nothing that serves is touched', () => {
    const plan = planOf(bare, materialOf('d1'));
    assert.deepEqual(only(plan), [
      ...['cp1', 'cp2', 'cp3'].map((host) => `prepare together ${host}/system none: user kubekeep is missing; kubekeep to be copied`),
      ...['cp1', 'cp2', 'cp3'].map((host) => `backup together ${host}/keeper start: keeper is not there yet`),
    ]);
    assert.equal(JSON.stringify(plan).includes('keys of'), false);
  });

  it('have nothing to do when everything is there', () => {
    assert.deepEqual(outline(planOf(following, materialOf('d1'))), []);
  });

  it('get a newer program one after the other, and lose the one before', () => {
    const plan = planOf(following, materialOf('d2'));
    assert.deepEqual(stepsOf(plan).filter(({ component }) => component === 'keeper').map(({ id, action, reasons }) => [id, action, reasons.at(-1)]), ['cp1', 'cp2', 'cp3'].map((host) => [`${host}/keeper`, 'restart', `${folder}/d1 is not used`]));
    assert.equal(plan.phases.find(({ name }) => name === 'backup')!.order, 'one host at a time');
    const left = withHost(following, 'cp2', ({ programs }) => ({ programs: new Map([...programs, [`${folder}/d0.tar.gz`, 'changed']]) }));
    assert.deepEqual(only(planOf(left, materialOf('d1'))), [`backup in turn cp2/keeper none: ${folder}/d0.tar.gz is not used`]);
  });

  it('get back what was changed by hand: a file of the program, a key, a stopped service', () => {
    const changed = withHost(following, 'cp1', ({ programs }) => ({ programs: new Map([...programs, [`${folder}/d1`, 'changed']]) }));
    assert.deepEqual(only(planOf(changed, materialOf('d1'))), ['prepare together cp1/system none: kubekeep to be copied', 'backup in turn cp1/keeper restart: kubekeep is not the program that was installed']);
    const other = withHost(following, 'cp1', ({ files }) => ({ files: new Map([...files, ['/etc/kubekeep/keeper-writer.json', { sha256: 'x', mode: 0o600, owner: 'root:root' }]]) }));
    assert.deepEqual(only(planOf(other, materialOf('d1'))), ['backup in turn cp1/keeper restart: /etc/kubekeep/keeper-writer.json differs']);
    const stopped = withHost(following, 'cp1', ({ units }) => ({ units: new Map([...units, [unit, { ...running, active: 'inactive', sub: 'dead' }]]) }));
    assert.deepEqual(only(planOf(stopped, materialOf('d1'))), [`backup together cp1/keeper start: ${unit} is stopped`]);
  });

  it('lose everything of it when the cluster file does not want it any more', () => {
    const without = { ...following, cluster: { ...following.cluster, backup: { repository: 's3://backups', recipients: [] } } };
    assert.deepEqual(only(planOf(without)), ['cp1', 'cp2', 'cp3'].map((host) => `backup in turn ${host}/keeper remove: the cluster file does not want ${unit} any more`));
  });

  it('are left as they are, with a warning, where this computer does not have the keys of the repository', () => {
    const plan = planOf(following);
    assert.deepEqual(outline(plan), []);
    assert.match(plan.warnings[0]!, /^nothing follows the log on cp1, cp2, cp3 yet: .* kubekeep backup init/);
    const foreign = withHost(bare, 'cp3', () => ({ architecture: 'aarch64' }));
    assert.deepEqual(planOf(foreign, materialOf('d1')).warnings, ['cp3 cannot follow the log: kubekeep runs here on another architecture']);
  });
});

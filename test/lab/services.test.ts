import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { parseServersState } from '../../src/clients/haproxy/parse-servers-state.ts';
import { powerOff } from '../../src/lab/power.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { priorityLevels } from '../../src/operations/steering/follow-api.ts';
import { haproxySocket } from '../../src/render/haproxy.ts';
import { steerUnit } from '../../src/render/paths.ts';
import { expectZero, kubekeep, labCluster, type LabCluster } from '../support/lab-cluster.ts';
import { webPods } from '../support/web-pods.ts';

/** A web server with a pod on each worker, whose node port leads to the pods of that node alone. */
const web = (policy: 'Local' | 'Cluster') => webPods({ spread: 'DoNotSchedule', service: `type: NodePort, externalTrafficPolicy: ${policy}, selector: { app: web }, ports: [{ name: http, port: 80, targetPort: 8080 }]` });

/** The name of the pod that answered. Throws what a client would see. */
function ask(host: string, port = 80): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ host, port, agent: false, timeout: 5000 }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (piece: string) => (text += piece)).once('error', reject);
      answer.once('end', () => (answer.statusCode === 200 ? resolve(text.trim()) : reject(new Error(`status ${answer.statusCode}`))));
    });
    asked.once('timeout', () => asked.destroy(new Error('no answer in 5 s'))).once('error', reject).end();
  });
}

/** New connections, one after the other in three lanes, until it is told to stop. */
function keepAsking(host: string, port = 80): { stop(): Promise<{ answers: number; failures: readonly string[]; longest: number }> } {
  const seen = { answers: 0, failures: [] as string[], longest: 0, stopped: false };
  const lanes = [1, 2, 3].map(async () => {
    while (!seen.stopped) {
      const begin = performance.now();
      await ask(host, port).then(() => seen.answers++, (error: Error) => seen.failures.push(error.message));
      seen.longest = Math.max(seen.longest, performance.now() - begin);
    }
  });
  return {
    stop: async () => {
      seen.stopped = true;
      await Promise.all(lanes);
      return seen;
    },
  };
}

describe('services behind the balancers of a cluster with two workers', () => {
  let one: LabCluster;
  let file: string;
  let vips: readonly [string, string];
  before(async () => {
    one = await labCluster('T3', 'test-services', 'trixie', ['--workers', '2']);
    file = await readFile(one.file, 'utf8');
    const subnet = one.lab.subnet.split('.').slice(0, 3).join('.');
    vips = [`${subnet}.201`, `${subnet}.202`];
    await write(shop());
    await expectZero(one.run('apply', '--yes'));
  });
  after(() => one[Symbol.asyncDispose]());

  const shop = (more = '') => `    - { name: shop, listen: { vip: ${vips[0]}, port: 80 }, forward: { service: default/web:http }, mode: http${more} }\n`;
  const write = (services: string, endpoint = '') => writeFile(one.file, `${file.replace(/^ *vip: .*$/m, `$&${endpoint}`)}  services:${services === '' ? ' []' : `\n${services}`}\n`);
  const balancers = ['cp1', 'cp2', 'cp3'];
  const on = async (script: string, host = 'cp1') => (await one.hosts.get(host)!.run(script, { timeout: 60_000 })).stdout.trim();
  const holders = async (vip: string) => (await Promise.all(balancers.map(async (name) => ((await on(`ip -4 -o addr show to ${vip}/32`, name)) === '' ? [] : [name])))).flat();
  const kubectl = async (...words: string[]) => (await expectZero(kubekeep('kubectl', '--file', one.file, '--', ...words))).stdout.trim();
  const put = async (policy: 'Local' | 'Cluster') => {
    await writeFile(`${one.file}.web.yaml`, web(policy));
    await kubectl('apply', '-f', `${one.file}.web.yaml`);
  };
  const nothingToDo = async () => assert.match((await expectZero(one.run('plan'))).stdout, /: 0 changes, everything is as the cluster file says/);

  it('are there before what they lead to, which plan and status say', async () => {
    const plan = await one.run('plan');
    assert.deepEqual([plan.code, /: 0 changes, .*\n! service shop leads to default\/web:http, which the cluster does not have/.test(plan.stdout)], [5, true], plan.stdout);
    const status = await one.run('status');
    assert.equal(status.code, 5);
    assert.match(status.stdout, /SERVICE +ADDRESS +VIP ON +LEADS TO +NODES UP\n.*shop.* cp\d .*0 of 2/);
  });

  it('lead to pods on both nodes once there are some', async () => {
    await put('Local');
    await kubectl('rollout', 'status', 'deployment/web', '--timeout=60s');
    const { stderr } = await expectZero(one.run('apply', '--yes'));
    assert.match(stderr, /cp1 services: reload/);
    const answers = new Set<string>();
    for (let turn = 0; turn < 100 && answers.size < 2; turn++) answers.add(await ask(vips[0]).catch(() => ''));
    answers.delete('');
    assert.equal(answers.size, 2);
    await nothingToDo();
    assert.match((await expectZero(one.run('status'))).stdout, /shop .* cp\d +default\/web +2 of 2/);
  });

  it('change without a failed request, and what was done to a server by hand stays', async () => {
    await expectZero(one.run('lb', 'drain', 'shop/w2'));
    assert.equal((await one.run('lb', 'maint', 'w1')).code, 3);
    const asking = keepAsking(vips[0]);
    await write(`${shop(', balance: leastconn')}    - { name: other, listen: { vip: ${vips[1]}, port: 8080 }, forward: { service: default/web:http } }\n`);
    await expectZero(one.run('apply', '--yes'));
    const { answers, failures } = await asking.stop();
    assert.deepEqual(failures, []);
    assert.ok(answers > 20, `${answers} answers`);
    assert.match(await ask(vips[1], 8080), /^web-/);
    assert.match((await expectZero(one.run('lb', 'list'))).stdout, /shop +w1 +up [\s\S]*shop +w2 +drained by hand [\s\S]*other +w2 +up /);
    assert.match((await expectZero(one.run('lb', 'weight', 'shop/w2', '30%'))).stdout, /shop +w2 +up by hand +30% /);
    assert.match((await expectZero(one.run('lb', 'ready', 'shop/w2'))).stdout, /shop +w2 +up +100% /);
    assert.equal(await on('cat /var/lib/kubekeep/services/by-hand.json'), '{}');
    await nothingToDo();
  });

  it('keep their VIPs while the keepalived of their holder does not run, since the others ask who has them', async () => {
    const [holder = ''] = await holders(vips[0]);
    const asking = keepAsking(vips[0]);
    await on('systemctl kill -s STOP kubekeep-service-vips; sleep 2; systemctl kill -s CONT kubekeep-service-vips', holder);
    assert.deepEqual((await asking.stop()).failures, []);
    assert.deepEqual(await holders(vips[0]), [holder]);
    for (const other of balancers.filter((name) => name !== holder)) assert.match(await on('journalctl -u kubekeep-services-guard -o cat --no-pager', other), new RegExp(`^${vips[0]}: VRRP is silent and .* has the VIP: this host leaves it$`, 'm'));
  });

  it('have their VIPs spread again when a balancer is back, which status asks for', async () => {
    const until = async (holds: () => Promise<boolean>) => { for (let turn = 0; turn < 100 && !(await holds()); turn++) await systemClock.sleep(300); };
    let status = '';
    await on('systemctl stop kubekeep-services', 'cp2');
    await until(async () => /^cp[13]$/.test((await holders(vips[1])).join()));
    const refused = await one.run('lb', 'rebalance', '--yes');
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /no VIP was moved: kubekeep-services\.service does not run on cp2/);
    await on('systemctl start kubekeep-services', 'cp2');
    await until(async () => (await one.run('lb', 'rebalance', '--dry-run')).code === 0);
    await until(async () => /not spread as they should be: .*\(other\) is on cp[13] and not on cp2.*; kubekeep lb rebalance moves/.test(status = (await one.run('status')).stdout));
    assert.match(status, /kubekeep lb rebalance moves/);
    assert.equal((await one.run('lb', 'rebalance')).code, 3);
    const asking = keepAsking(vips[1], 8080);
    assert.match((await expectZero(one.run('lb', 'rebalance', '--yes'))).stdout, /^VIP .*\n(?:.*\n)?\S+ +other +cp[13] +cp2\n/);
    const { answers, failures } = await asking.stop();
    assert.deepEqual(await holders(vips[1]), ['cp2']);
    // Each of the three lanes may have had a request on its way.
    assert.ok(failures.length <= 3 && answers > 20, `${answers} answers, ${failures.length} failed: ${failures.join('; ')}`);
    assert.match((await expectZero(one.run('lb', 'rebalance'))).stdout, /spread as they should be/);
  });

  it('are refused where another machine has their VIP', async () => {
    const stranger = vips[0].replace(/\d+$/, '203');
    const taken = `    - { name: taken, listen: { vip: ${stranger}, port: 80 }, forward: { nodePort: 30099 } }\n`;
    await on(`ip address add ${stranger}/24 dev host0`, 'w1');
    await write(shop() + taken);
    const refused = await one.run('apply', '--yes');
    assert.equal(refused.code, 3, refused.stderr);
    assert.match(refused.stderr, /\.203, the VIP of service taken, is in use: a machine answers there/);
    assert.match((await one.run('hosts', 'check')).stdout, /\.203 is in use/);
    assert.equal(await on(`ip -4 -o addr show to ${stranger}/32`), '');
    await on(`ip address del ${stranger}/24 dev host0`, 'w1');
    await expectZero(one.run('plan').then(({ code, ...rest }) => ({ code: code === 4 ? 0 : code, ...rest })));
  });

  it('are not followed by the load where each node sends connections on to any', async () => {
    await put('Cluster');
    await write(shop(', load: true'));
    const refused = await one.run('apply', '--yes');
    assert.equal(refused.code, 3, refused.stderr);
    assert.match(refused.stderr, /service shop cannot follow the load of its nodes: default\/web has externalTrafficPolicy Cluster/);
    await put('Local');
  });

  it('stand beside API servers whose new connections follow their load, where the file wants that', async (t) => {
    await write(shop(), '\n    load: true');
    await expectZero(one.run('apply', '--yes'));
    assert.equal(await on(`ip -4 -o addr show to ${vips[1]}/32`), '');
    await expectZero(one.run('status'));
    const weights = async (server: string) => Promise.all(balancers.map(async (name) => parseServersState(await on(`echo 'show servers state api' | socat -t 2 - UNIX-CONNECT:${haproxySocket}`, name)).find((row) => row.server === server)!.weight));
    /** Resolves to the seconds that it took. */
    const until = async (server: string, holds: (weight: number) => boolean, seconds: number) => {
      const begin = performance.now();
      for (;;) {
        const found = await weights(server);
        const took = (performance.now() - begin) / 1000;
        if (found.every(holds)) return took;
        assert.ok(took < seconds, `after ${seconds} s ${server} has ${found.join(', ')}\n${await on(`journalctl -u ${steerUnit} -n 20 --no-pager -o cat`)}`);
        await systemClock.sleep(300);
      }
    };
    const ask = (path: string) => on(`curl -s -o /dev/null -w '%{http_code}' --connect-to kubernetes:6443:${one.cluster.hosts[1]!.address}:6443 --cacert /etc/kubernetes/pki/ca.crt --cert /etc/kubernetes/pki/steer.crt --key /etc/kubernetes/pki/steer.key https://kubernetes:6443${path}`);
    assert.deepEqual([await ask(priorityLevels), await ask('/metrics')], ['200', '403']);
    for (const name of balancers) await until(name, (weight) => weight === 100, 75);
    assert.match((await expectZero(one.run('lb', 'weight', 'api/cp2', '30%'))).stdout, /api +cp2 +up by hand +30% /);
    // Behind everything else on that host: etcd and the API server there go on.
    await on('for i in $(seq "$(nproc)"); do setsid nice -n 19 sh -c "while :; do :; done" > /dev/null 2>&1 & echo $!; done > /run/burners');
    const fell = await until('cp1', (weight) => weight <= 50, 40);
    assert.deepEqual(await weights('cp2'), [30, 30, 30]);
    await on(`systemctl stop ${steerUnit}`, 'cp3');
    const [, , stopped] = await weights('cp1');
    assert.equal(stopped, 100);
    await on('kill $(cat /run/burners)');
    await on(`systemctl start ${steerUnit}`, 'cp3');
    const rose = await until('cp1', (weight) => weight >= 82, 75);
    assert.match((await expectZero(one.run('lb', 'ready', 'api/cp2'))).stdout, /api +cp2 +up +100% /);
    assert.equal(await on(`journalctl -u ${steerUnit} -o cat --no-pager | grep 'requests in flight'; grep -c '"username":"kubekeep-steer"' /var/log/kubernetes/audit.log`), '0');
    t.diagnostic(`the weight of cp1 fell to a half in ${fell.toFixed(1)} s and was whole again ${rose.toFixed(1)} s after the end`);
  });

  it('lose a node, and none of the requests that come afterwards', async () => {
    await write(shop());
    await expectZero(one.run('apply', '--yes'));
    const asking = keepAsking(vips[0]);
    await powerOff(one.lab, 'w2');
    await systemClock.sleep(4000);
    const { answers, failures, longest } = await asking.stop();
    assert.ok(failures.length <= 3 && answers > 20, `${answers} answers, ${failures.length} failed: ${failures.join('; ')}`);
    assert.ok(longest < 5000, `${longest} ms without an answer`);
    assert.match((await one.run('status')).stdout, /shop .* 1 of 2/);
  });

  it('go away with their VIPs when the file does not have them any more', async () => {
    await write('');
    // One worker is off, which is said in the end.
    assert.equal((await one.run('apply', '--yes')).code, 1);
    assert.equal(await on(`ip -4 -o addr show to ${vips[0]}/32; ls -d /etc/kubekeep/services /etc/systemd/system/kubekeep-service* 2>/dev/null; systemctl is-active kubekeep-services kubekeep-service-vips | grep -v inactive; true`), '');
  });
});

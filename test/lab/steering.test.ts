import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { parseServersState, type ServerState } from '../../src/clients/haproxy/parse-servers-state.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { byHandFile, loadAgentPort, servicesSocket, steerUnit } from '../../src/render/paths.ts';
import { expectZero, kubekeep, labCluster, type LabCluster } from '../support/lab-cluster.ts';
import { webPods } from '../support/web-pods.ts';

/** A web server on each worker, which answers for itself only. */
const web = webPods({ service: 'type: NodePort, externalTrafficPolicy: Local, selector: { app: web }, ports: [{ name: http, port: 80, targetPort: 8080, nodePort: 30080 }]' });

const services = `  services:
    - name: web
      listen: { port: 8080 }
      forward: { service: default/web:http }
      load: true
`;

/** Seconds that something may take: five times what it takes where nothing else runs. */
const patience = { fall: 25, rise: 75, follow: 30 };

describe('a service that follows the load of its nodes', () => {
  let one: LabCluster;
  let plain: string;
  before(async () => {
    one = await labCluster('T1', 'test-steering', 'trixie', ['--workers', '2']);
    await expectZero(one.run('apply', '--yes'));
    const manifest = `${one.file}.web.yaml`;
    await writeFile(manifest, web);
    await kubectl('apply', '-f', manifest);
    await kubectl('rollout', 'status', 'daemonset/web', '--timeout=90s');
    plain = await readFile(one.file, 'utf8');
    await writeFile(one.file, `${plain.trimEnd()}\n${services}`);
    await expectZero(one.run('apply', '--yes'));
  });
  after(() => one?.[Symbol.asyncDispose]());

  const on = async (host: string, script: string): Promise<string> => {
    const { exitCode, stdout, stderr } = await one.hosts.get(host)!.run(script, { timeout: 60_000 });
    assert.equal(exitCode, 0, `${host}: ${script}: ${stderr}`);
    return stdout.trim();
  };
  const kubectl = async (...words: string[]) => (await expectZero(kubekeep('kubectl', '--file', one.file, '--', ...words))).stdout.trim();
  const nothingToDo = async () => assert.match((await expectZero(one.run('plan'))).stdout, /: 0 changes, everything is as the cluster file says/);
  const server = async (name: string): Promise<ServerState> => parseServersState(await on('cp1', `echo 'show servers state service-web' | socat -t 2 - UNIX-CONNECT:${servicesSocket}`)).find((row) => row.server === name)!;
  /** Resolves to the seconds that it took. */
  async function until(name: string, holds: (row: ServerState) => boolean, seconds: number): Promise<number> {
    const begin = performance.now();
    for (;;) {
      const row = await server(name);
      const took = (performance.now() - begin) / 1000;
      if (holds(row)) return took;
      assert.ok(took < seconds, `after ${seconds} s ${JSON.stringify(row)}\n${await on('cp1', `journalctl -u ${steerUnit} -n 20 --no-pager -o cat`)}`);
      await systemClock.sleep(300);
    }
  }
  const whole = ({ weight, state }: ServerState) => weight === 100 && state === 'ready';

  it('has agents that say what is left of their machine, and whole weights while nothing burns', async (t) => {
    for (const worker of ['w1', 'w2']) {
      const { address } = one.cluster.hosts.find(({ name }) => name === worker)!;
      const said = await on('cp1', `timeout 10 bash -c 'exec 3<> /dev/tcp/${address}/${loadAgentPort}; read -r one <&3; read -r two <&3; echo $one $two'`);
      assert.match(said, /^\d{1,3}% \d{1,3}%$/);
      t.diagnostic(`${worker} says ${said}`);
    }
    await nothingToDo();
    await expectZero(one.run('status'));
  });

  it('takes traffic from a node whose processors are burnt, and gives it back', async (t) => {
    // Shares of their own, so that what burns on one is not on the other: this computer may have two cores for all. Only version 1 lets a machine do that itself.
    for (const worker of ['w1', 'w2']) await on(worker, 'f=/sys/fs/cgroup/cpu/cpu.cfs_quota_us; [ ! -e $f ] || echo 15000 > $f');
    await until('w1', whole, patience.rise);
    await on('w1', 'for i in $(seq "$(nproc)"); do setsid sh -c "while :; do :; done" > /dev/null 2>&1 & echo $!; done > /run/burners');
    const fell = await until('w1', ({ weight }) => weight <= 25, patience.fall);
    assert.ok((await server('w2')).weight >= 80);
    await on('w1', 'kill $(cat /run/burners)');
    const rose = await until('w1', ({ weight }) => weight >= 82, patience.rise);
    for (const worker of ['w1', 'w2']) await on(worker, 'f=/sys/fs/cgroup/cpu/cpu.cfs_quota_us; [ ! -e $f ] || echo -1 > $f');
    t.diagnostic(`the share fell under 20 % in ${fell.toFixed(1)} s and was 45 % again ${rose.toFixed(1)} s after the end`);
  });

  it('drains a node that is cordoned, also after HAProxy was started anew, unless a hand says otherwise', async () => {
    await kubectl('cordon', 'w1');
    await until('w1', ({ state }) => state === 'drain', patience.follow);
    await on('cp1', 'systemctl restart kubekeep-services');
    await until('w1', ({ state }) => state === 'drain', patience.follow);
    await on('cp1', `mkdir -p $(dirname ${byHandFile}) && echo '{ "web/w1": { "state": "maint" } }' > ${byHandFile}.new && mv ${byHandFile}.new ${byHandFile}`);
    await until('w1', ({ state }) => state === 'maint', patience.follow);
    await on('cp1', `rm ${byHandFile}`);
    await until('w1', ({ state }) => state === 'drain', patience.follow);
  });

  it('leaves nothing drained and no weight lowered when what steers is killed, which status says, and goes on when it is back', async () => {
    await on('cp1', `systemctl kill --kill-whom=main -s KILL ${steerUnit}; systemctl stop ${steerUnit}`);
    assert.ok(whole(await server('w1')), JSON.stringify(await server('w1')));
    assert.match((await one.run('status')).stdout, /steer on cp1 (has failed|is stopped)/);
    await on('cp1', `systemctl start ${steerUnit}`);
    await until('w1', ({ state }) => state === 'drain', patience.follow);
    await kubectl('uncordon', 'w1');
    await until('w1', whole, patience.follow);
  });

  it('follows the node port of its Service', async () => {
    await kubectl('patch', 'service', 'web', '--type=json', '-p', '[{"op":"replace","path":"/spec/ports/0/nodePort","value":30081}]');
    await until('w2', ({ port }) => port === 30081, patience.follow);
    await kubectl('patch', 'service', 'web', '--type=json', '-p', '[{"op":"replace","path":"/spec/ports/0/nodePort","value":30080}]');
    await until('w2', ({ port }) => port === 30080, patience.follow);
  });

  it('may ask the API for nothing else', async () => {
    const { cluster: { endpoint } } = one;
    const ask = (path: string) => on('cp1', `curl -s -o /dev/null -w '%{http_code}' --resolve kubernetes:${endpoint.port}:${endpoint.vip} --cacert /etc/kubernetes/pki/ca.crt --cert /etc/kubernetes/pki/steer.crt --key /etc/kubernetes/pki/steer.key 'https://kubernetes:${endpoint.port}${path}'`);
    assert.equal(await ask('/api/v1/nodes'), '200');
    for (const path of ['/api/v1/secrets', '/api/v1/namespaces/default/pods', '/api/v1/services']) assert.equal(await ask(path), '403', path);
  });

  it('finds an agent that was edited by hand, and takes all of it away when no service wants it', async () => {
    await on('w1', "sed -i 's/^turn=0/echo 100%\\nturn=0/' /etc/kubekeep/load-agent.sh");
    assert.match((await one.run('plan')).stdout, /load-agent\.sh differs/);
    await writeFile(one.file, plain);
    await expectZero(one.run('apply', '--yes'));
    await nothingToDo();
    assert.equal(await on('cp1', 'ls -d /opt/kubekeep/keeper /etc/kubekeep/steer.json /etc/kubernetes/pki/steer.* /etc/systemd/system/kubekeep-steer* 2> /dev/null || true'), '');
    for (const worker of ['w1', 'w2']) assert.equal(await on(worker, `ls /etc/kubekeep/load-agent.sh /etc/systemd/system/kubekeep-load* 2> /dev/null; ss -Hltn sport = :${loadAgentPort}`), '');
    assert.equal(await kubectl('get', 'clusterrole', 'kubekeep:steer', '--ignore-not-found', '-o', 'name'), '');
  });
});

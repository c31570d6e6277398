import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Cluster } from '../../src/cluster/cluster.ts';
import { balances, isUncheckedTwin, proxyProtocols, type CheckSpec, type ServiceSpec } from '../../src/cluster/service.ts';
import { byHandText } from '../../src/operations/balancing/by-hand.ts';
import { byHandFile } from '../../src/render/paths.ts';
import { renderServices } from '../../src/render/services.ts';
import { createSecrets } from '../../src/pki/secrets.ts';
import { shownFiles } from '../../src/render/shown-file.ts';
import { aHost, aService, cluster, now } from '../support/example-cluster.ts';
import { haproxySays, inMachine } from '../support/haproxy-says.ts';

const workers = [aHost({ name: 'w1', address: '127.0.0.1', roles: ['worker'] }), aHost({ name: 'w2', address: '127.0.0.2', roles: ['worker'] })];
const secrets = await createSecrets('prod', now);

/** The files of the second HAProxy, in a folder that is only the test's. */
function filesOf(services: readonly ServiceSpec[], healthOf: (name: string) => number | undefined = () => 32000): ReadonlyMap<string, string> {
  const spec: Cluster = { ...cluster, hosts: [aHost(), ...workers], services };
  const design = renderServices({ cluster: spec, host: spec.hosts[0]!, secrets, sealed: '', facts: { vipInterface: 'eth0', virtualRouterId: 1, openFiles: 4096, etcdInitialState: 'new', containers: { cgroups: 2, nested: false, resolvConf: '' }, podNetworks: undefined, servicePorts: new Map(services.map(({ name }) => [name, { nodePort: 31000, health: healthOf(name) }])) } });
  // /etc, by which awk is found, is empty here.
  const text = (content: string) => content.replaceAll('/etc/kubekeep/services/', '/mnt/').replaceAll('/run/kubekeep-services/', '/mnt/').replaceAll(byHandFile, '/mnt/by-hand.json').replaceAll(/\bawk /g, 'mawk ');
  return new Map(shownFiles([design!]).map(({ path, content }) => [path.slice(path.lastIndexOf('/') + 1), text(content)]));
}

const put = (files: ReadonlyMap<string, string>) => [...files].map(([name, content]) => `cat > "$1/mnt/${name}" <<'END-OF-FILE'\n${content}END-OF-FILE`).join('\n');

describe('the HAProxy of services', () => {
  test('takes every kind of service', async () => {
    const checks: readonly CheckSpec[] = ['tcp', 'local', { http: { path: '/a?b=%20&c=1', expect: '204' } }];
    const kinds = (['tcp', 'http'] as const).flatMap((mode) => balances.flatMap((balance) => checks.flatMap((check) => [undefined, ...proxyProtocols].map((proxyProtocol) => ({ mode, balance, check, proxyProtocol })))));
    const services = kinds.map((kind, position) => aService({ ...kind, name: `s${position}`, listen: { vip: '10.0.0.201', port: 1000 + position } }));
    const files = filesOf(services);
    assert.match(await inMachine(`${put(files)}\nchroot "$1" haproxy -c -V -f /mnt/haproxy.cfg 2>&1`), /^Configuration file is valid$/m);
    assert.match(await haproxySays(files.get('haproxy.cfg')!.replace('balance roundrobin', 'balance most').replace(/ *lua-load.*/, '')), /unknown balancing algorithm|balance/);
  });

  test('knows after a reload who was drained and has another weight, also where it did not answer, and takes ports from the new file', async () => {
    const shop = (nodePort: number) => aService({ listen: { vip: '127.0.0.1', port: 18443 }, forward: { nodePort } });
    const [early, anew, other] = ['early', 'anew', 'other'].map((name, position) => aService({ name, listen: { vip: '127.0.0.1', port: 18444 + position }, check: 'local' })) as [ServiceSpec, ServiceSpec, ServiceSpec];
    const before = filesOf([shop(30443), early, anew, other], (name) => (name === 'early' ? undefined : 32000));
    const [after, last] = [30555, 30666].map((port) => filesOf([shop(port), early, anew, { ...other, check: 'tcp' }], () => 32025).get('haproxy.cfg')!.replaceAll('127.0.0.1:8405', '127.0.0.1:18405'));
    const words = await inMachine(`${put(before)}
cat > "$1/mnt/new.cfg" <<'END-OF-FILE'
${after}END-OF-FILE
cat > "$1/mnt/last.cfg" <<'END-OF-FILE'
${last}END-OF-FILE
sed -i s,127.0.0.1:8405,127.0.0.1:18405, "$1/mnt/haproxy.cfg"
# Its master has to be ready too: it hears of the reload.
chroot "$1" sh -c '
say() { echo "$1" | socat -t 1 - UNIX-CONNECT:/mnt/haproxy.sock; }
haproxy -Ws -D -S /mnt/master.sock -f /mnt/haproxy.cfg -p /mnt/pid > /dev/null 2>&1
for i in $(seq 300); do echo show proc | socat -t 1 - UNIX-CONNECT:/mnt/master.sock 2> /dev/null | grep -q worker && break; sleep 0.1; done
say "set server service-shop/w1 weight 40%"; say "set server service-shop/w2 state drain"
for server in early/w2 anew/w2; do say "set server service-$server check-port 31999"; say "set server service-$server state ready"; done; say "show servers state"; echo then
mv /mnt/new.cfg /mnt/haproxy.cfg; sh /mnt/keep-state.sh; kill -USR2 $(head -n 1 /mnt/pid)
for i in $(seq 300); do say "show servers state service-shop" | grep -q 30555 && break; sleep 0.1; done
say "show servers state"
kill $(head -n 1 /mnt/pid); mv /mnt/haproxy.sock /mnt/gone
mv /mnt/last.cfg /mnt/haproxy.cfg; sh /mnt/keep-state.sh 2> /dev/null || echo not reloaded
echo then; cat /mnt/state; rm /mnt/state; sh /mnt/keep-state.sh 2> /dev/null || echo not reloaded'`);
    const [steered, running, kept] = words.split('then\n').map((part) => part.split('\n').map((line) => line.split(' ')).filter((fields) => fields.length > 21 && fields[1]?.startsWith('service-') && !isUncheckedTwin(fields[3]!)).map((fields) => `${fields[1]}/${fields[3]} admin=${fields[6]} weight=${fields[7]} port=${fields[18]} check=${fields[21]}`)) as [string[], string[], string[]];
    assert.deepEqual(steered.filter((line) => line.endsWith('check=31999')), ['early', 'anew'].map((name) => `service-${name}/w2 admin=${name === 'early' ? 4 : 0} weight=100 port=30443 check=31999`));
    const checked = Object.entries({ early: 32025, anew: 32025, other: 0 }).flatMap(([name, check]) => ['w1', 'w2'].map((server) => `service-${name}/${server} admin=0 weight=100 port=30443 check=${check}`));
    assert.deepEqual(running, ['service-shop/w1 admin=0 weight=40 port=30555 check=0', 'service-shop/w2 admin=8 weight=100 port=30555 check=0', ...checked]);
    assert.deepEqual(kept.slice(0, 2), ['service-shop/w1 admin=0 weight=40 port=30666 check=0', 'service-shop/w2 admin=8 weight=100 port=30666 check=0']);
    assert.doesNotMatch(words, /not reloaded/);
  });

  test('tries nodes that seem dead where all do, but for those that somebody took out, and does after a restart what was decided by hand', async () => {
    const files = filesOf([aService({ mode: 'http', listen: { vip: '127.0.0.1', port: 18443 }, check: { http: { path: '/sick', expect: '200' } } })]);
    const words = await inMachine(`${put(files)}
cat > "$1/mnt/sick.mjs" <<'END-OF-FILE'
${sickNodes}END-OF-FILE
cat > "$1/mnt/kept.json" <<'END-OF-FILE'
${byHandText({ 'api/cp1': { weight: 7 }, 'shop/w1': { weight: 30 }, 'shop/w2': { state: 'drain' } })}END-OF-FILE
unshare --net sh -c 'ip link set lo up; chroot "$1" haproxy -D -f /mnt/haproxy.cfg -p /mnt/pid > /dev/null 2>&1
"$2" "$1/mnt/sick.mjs" "$1/mnt"; mv "$1/mnt/kept.json" "$1/mnt/by-hand.json"; chroot "$1" sh -c "sh /mnt/do-by-hand.sh; echo show servers state | socat -t 1 - UNIX-CONNECT:/mnt/haproxy.sock"; kill $(cat "$1/mnt/pid")' sh "$1" '${process.execPath}'`);
    const [seen, state] = [words.slice(0, words.indexOf('\n')), words.split('\n').map((line) => line.split(' '))];
    assert.deepEqual(JSON.parse(seen), { all: ['200 first', '200 second'], drained: ['200 first'], moved: ['200 moved'], none: ['503 '], back: ['200 moved', '200 second'] });
    assert.deepEqual(state.filter((fields) => fields[1] === 'service-shop' && /^w\d$/.test(fields[3] ?? '')).map((fields) => `${fields[3]} admin=${fields[6]} weight=${fields[7]}`), ['w1 admin=0 weight=30', 'w2 admin=8 weight=100']);
  });

  test('keeps what is open to a node whose service takes no new connections, and closes it where the node itself is gone', async () => {
    const files = filesOf([aService({ listen: { vip: '127.0.0.1', port: 18443 } })]);
    const words = await inMachine(`${put(files)}
cat > "$1/mnt/closed.mjs" <<'END-OF-FILE'
${closedPort}END-OF-FILE
unshare --net sh -c 'ip link set lo up; chroot "$1" haproxy -D -f /mnt/haproxy.cfg -p /mnt/pid > /dev/null 2>&1
"$2" "$1/mnt/closed.mjs" "$1"; kill $(cat "$1/mnt/pid")' sh "$1" '${process.execPath}'`);
    assert.deepEqual(JSON.parse(words), { down: true, kept: true, closed: true });
  });

  test('waits for a pod that lets an upload lie for seconds', async () => {
    const files = filesOf([aService({ mode: 'http', listen: { vip: '127.0.0.1', port: 18443 } })]);
    const words = await inMachine(`${put(files)}
cat > "$1/mnt/upload.mjs" <<'END-OF-FILE'
${uploadSlowly}END-OF-FILE
unshare --net sh -c 'ip link set lo up; chroot "$1" haproxy -D -f /mnt/haproxy.cfg -p /mnt/pid > /dev/null 2>&1; "$2" "$1/mnt/upload.mjs"; kill $(cat "$1/mnt/pid")' sh "$1" '${process.execPath}'`);
    assert.equal(words.trim(), `200 ${16 << 20}`);
  });
});

/** A pod on both nodes, and somebody who sends it more than lies in any buffer once it can be reached. */
const uploadSlowly = `import { createServer, request } from 'node:http';
for (const host of ['127.0.0.1', '127.0.0.2']) createServer((asked, answer) => {
  if (asked.method === 'GET') return answer.end();
  let size = 0;
  setTimeout(() => asked.on('data', (piece) => (size += piece.length)).on('end', () => answer.end(String(size))), 3000);
}).listen(30443, host);
const ask = (method, body) => new Promise((resolve) => {
  request({ port: 18443, method, timeout: 30000 }, async (answer) => resolve(answer.statusCode + ' ' + (await answer.toArray()).join('')))
    .on('error', ({ message }) => resolve(message)).on('timeout', () => resolve('no answer')).end(body);
});
while ((await ask('GET')) !== '200 ') await new Promise((resolve) => setTimeout(resolve, 50));
console.log(await ask('POST', Buffer.alloc(16 << 20)));
process.exit();
`;

/** Two nodes, of which the one that a visitor stays connected to first takes no new connections (kube-proxy drops them where no pod of the node is ready), and then nothing at all. */
const closedPort = `import { execFileSync } from 'node:child_process';
import { connect, createServer } from 'node:net';
const root = process.argv[2];
const nodes = { w1: '127.0.0.1', w2: '127.0.0.2' };
for (const [name, host] of Object.entries(nodes)) {
  createServer((socket) => socket.on('error', () => {}).on('data', () => socket.write(name))).listen(30443, host);
  createServer((socket) => socket.on('error', () => {})).listen(10256, host);
}
const pause = (time) => new Promise((resolve) => setTimeout(resolve, time));
const drop = (rule) => execFileSync('chroot', [root, 'nft', '-f', '-'], { input: 'add table ip test\\nadd chain ip test out { type filter hook output priority 0; }\\nadd rule ip test out ' + rule + ' drop\\n' });
const tell = (line) => new Promise((resolve, reject) => {
  let said = '';
  connect(root + '/mnt/haproxy.sock').on('data', (piece) => (said += piece)).on('end', () => resolve(said)).on('error', reject).write(line + '\\n');
});
const isDown = async (server) => (await tell('show stat')).split('\\n').some((line) => line.startsWith(server + ',') && line.includes(',DOWN'));
const until = async (holds) => {
  for (const end = Date.now() + 20000; Date.now() < end; await pause(50)) if (await holds()) return true;
  return false;
};
let visitor;
const ask = () => new Promise((resolve) => {
  const timer = setTimeout(() => resolve(''), 2000);
  visitor.once('data', (piece) => (clearTimeout(timer), resolve(String(piece)))).write('?');
});
let name = '';
let closed = false;
await until(async () => {
  closed = false;
  visitor = connect(18443, '127.0.0.1').on('error', () => {}).on('close', () => (closed = true));
  name = await ask();
  return name !== '';
});
drop('ip daddr ' + nodes[name] + ' tcp dport 30443 tcp flags & (syn | ack) == syn');
const seen = { down: await until(() => isDown('service-shop,' + name)) };
await pause(2000);
seen.kept = !closed && (await ask()) === name;
drop('ip daddr ' + nodes[name] + ' tcp dport { 10256, 30443 }');
seen.closed = await until(async () => closed);
console.log(JSON.stringify(seen));
process.exit();
`;

/** Nodes that fail every check and serve all the same, and what visitors get while somebody takes them out. */
const sickNodes = `import { createServer, get } from 'node:http';
import { connect } from 'node:net';
for (const [name, host, port] of [['first', '127.0.0.1', 30443], ['second', '127.0.0.2', 30443], ['moved', '127.0.0.1', 30555]]) {
  createServer(({ url }, answer) => (url === '/sick' ? answer.writeHead(500).end() : answer.end(name))).listen(port, host);
}
const tell = (line) => new Promise((resolve, reject) => {
  let said = '';
  connect(process.argv[2] + '/haproxy.sock').on('data', (piece) => (said += piece)).on('end', () => resolve(said)).on('error', reject).write(line + '\\n');
});
const ask = () => new Promise((resolve) => get({ port: 18443, agent: false }, async (answer) => resolve(answer.statusCode + ' ' + (answer.statusCode === 200 ? (await answer.toArray()).join('') : ''))).on('error', ({ message }) => resolve(message)));
const answers = async () => [...new Set([await ask(), await ask(), await ask(), await ask()])].sort();
const until = async (wanted) => {
  for (const end = Date.now() + 20000; Date.now() < end && (await answers()).join() !== wanted;) await new Promise((resolve) => setTimeout(resolve, 50));
  return answers();
};
const downs = async () => (await tell('show stat')).split('\\n').filter((line) => /^service-shop,w\\d,/.test(line) && line.includes(',DOWN')).length;
for (const end = Date.now() + 20000; Date.now() < end && (await downs()) < 2;) await new Promise((resolve) => setTimeout(resolve, 50));
const seen = { all: await until('200 first,200 second') };
await tell('set server service-shop/w2 state drain');
seen.drained = await until('200 first');
await tell('set server service-shop/w1 addr 127.0.0.1 port 30555');
seen.moved = await until('200 moved');
await tell('set server service-shop/w1 state maint');
seen.none = await until('503 ');
for (const server of ['w1', 'w2']) await tell('set server service-shop/' + server + ' state ready');
seen.back = await until('200 moved,200 second');
console.log(JSON.stringify(seen));
process.exit();
`;

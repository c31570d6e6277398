import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Cluster } from '../../src/cluster/cluster.ts';
import { balances, proxyProtocols, type CheckSpec, type ServiceSpec } from '../../src/cluster/service.ts';
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
  const text = (content: string) => content.replaceAll('/etc/kubekeep/services/', '/mnt/').replaceAll('/run/kubekeep-services/', '/mnt/').replace(/\bawk '/, "mawk '");
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
    const [steered, running, kept] = words.split('then\n').map((part) => part.split('\n').map((line) => line.split(' ')).filter((fields) => fields.length > 21 && fields[1]?.startsWith('service-')).map((fields) => `${fields[1]}/${fields[3]} admin=${fields[6]} weight=${fields[7]} port=${fields[18]} check=${fields[21]}`)) as [string[], string[], string[]];
    assert.deepEqual(steered.filter((line) => line.endsWith('check=31999')), ['early', 'anew'].map((name) => `service-${name}/w2 admin=${name === 'early' ? 4 : 0} weight=100 port=30443 check=31999`));
    const checked = Object.entries({ early: 32025, anew: 32025, other: 0 }).flatMap(([name, check]) => ['w1', 'w2'].map((server) => `service-${name}/${server} admin=0 weight=100 port=30443 check=${check}`));
    assert.deepEqual(running, ['service-shop/w1 admin=0 weight=40 port=30555 check=0', 'service-shop/w2 admin=8 weight=100 port=30555 check=0', ...checked]);
    assert.deepEqual(kept.slice(0, 2), ['service-shop/w1 admin=0 weight=40 port=30666 check=0', 'service-shop/w2 admin=8 weight=100 port=30666 check=0']);
    assert.doesNotMatch(words, /not reloaded/);
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

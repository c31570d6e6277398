import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { after, before, describe, it } from 'node:test';
import { ApiError } from '../../clients/kubernetes/api-error.ts';
import { KubekeepError } from '../../lib/errors.ts';
import type { Steering } from '../../render/steer.ts';
import { steerTraffic } from './steer-traffic.ts';

const head = '# be_id be_name srv_name srv_addr srv_port srv_uweight srv_admin_state';
const idle = 'WaitingRequests, ExecutingRequests\n0, 3\n';
const full = 'WaitingRequests, ExecutingRequests\n500, 100\n';

describe('what steers the HAProxys of a load balancer', () => {
  let folder: string;
  before(() => (folder = mkdtempSync(join(tmpdir(), 'kubekeep-steer-'))));
  after(() => rmSync(folder, { recursive: true }));

  interface Scene {
    readonly agents?: Readonly<Record<string, string>>;
    readonly requests?: Readonly<Record<string, string>>;
    readonly byHand?: object;
    readonly turns?: number;
  }

  /** The commands that the API's HAProxy gets in some turns, beside a HAProxy of services that does not answer; what takes them back; and what is said. */
  async function run({ agents = {}, requests = {}, byHand = {}, turns = 3 }: Scene) {
    const [file, undoFile] = ['by-hand.json', 'undo'].map((name) => join(folder, name)) as [string, string];
    writeFileSync(file, JSON.stringify(byHand));
    const hosts = ['cp1', 'cp2', 'cp3'].map((node) => ({ node, host: node, port: 1 }));
    const steering: Steering = {
      byHand: file, undo: undoFile, api: { host: 'vip', port: 6443, ca: '', certificate: '', key: '' }, agents: hosts, apiServers: hosts.map((one) => ({ ...one, limit: 600 })),
      proxies: [{ socket: 'services', services: [{ name: 'shop', backend: 'service-shop', load: true, states: false }] }, { socket: 'api', services: [{ name: 'api', backend: 'api', load: true, states: false }] }],
    };
    const weights = new Map(hosts.map(({ node }) => [node, 100]));
    const ended = new AbortController();
    const [told, said, asked]: [string[], string[], string[]] = [[], [], []];
    let time = 0;
    let looked = 0;
    let slept = 0;
    const { signal } = ended;
    await assert.rejects(steerTraffic(steering, {
      signal,
      progress: (event) => void ('title' in event && said.push(event.title)),
      // A second is one round of everything that waits.
      clock: { now: () => time, monotonic: () => time, sleep: async () => { if (slept++ > 5000) ended.abort(); await setImmediate(); signal.throwIfAborted(); } },
      listen: async ({ host }, hear) => { for (; !signal.aborted; await setImmediate()) if (agents[host]) hear(agents[host]); },
      connect: ({ host }) => ({ get: async (path: string) => { asked.push(`${host} ${path}`); if (requests[host] === undefined) throw new KubekeepError('api-failed', `no answer from ${host}`); return requests[host] as never; } }),
      tell: async (socket, command) => {
        if (socket !== 'api') throw new KubekeepError('not-healthy', 'no answer');
        if (command === 'show servers state') {
          // What hears and asks gets some rounds between two looks.
          for (let round = 0; round < 10; round++) await setImmediate();
          time += 1000;
          if (looked++ === turns) ended.abort();
          return `${head}\n${[...weights].map(([name, weight], at) => `${at + 1} api ${name} 10.0.0.1 6443 ${weight} 8`).join('\n')}`;
        }
        told.push(command);
        const [, name = '', weight] = /^set server api\/(\w+) weight (\d+)%$/.exec(command) ?? [];
        weights.set(name, Number(weight));
        return '';
      },
    }));
    return { told, said, asked, undone: readFileSync(undoFile, 'utf8') };
  }

  it('gives the API server with too many requests in flight less, though its host is idle and another HAProxy does not answer', async () => {
    const { told, said, asked, undone } = await run({ agents: { cp1: '90%', cp2: '90%', cp3: '90%' }, requests: { cp1: idle, cp2: full, cp3: idle } });
    assert.ok(told.length >= 2, told.join());
    assert.deepEqual(told.slice(0, 2), ['set server api/cp2 weight 50%', 'set server api/cp2 weight 25%']);
    assert.ok(said.includes('api/cp2: weight 50 %, load 100 %'), said.join());
    assert.equal(said.filter((one) => one.startsWith('HAProxy at services')).length, 1);
    assert.equal(undone, ['cp1', 'cp2', 'cp3'].map((name) => `api set server api/${name} weight 100%\n`).join(''));
    // Nobody has to know which nodes are cordoned.
    assert.deepEqual(asked.filter((one) => !one.includes('dump_priority_levels')), []);
  });

  it('goes by the agents where API servers do not answer, which it says once each', async () => {
    const { told, said } = await run({ agents: { cp1: '0%', cp2: '90%', cp3: '90%' } });
    assert.equal(told[0], 'set server api/cp1 weight 50%');
    assert.equal(said.filter((one) => one.startsWith('requests in flight at cp2')).length, 1);
  });

  it('does nothing by requests alone where agents are silent, nor against a hand', async () => {
    assert.deepEqual((await run({ requests: { cp1: full, cp2: idle, cp3: idle } })).told, []);
    const { told } = await run({ agents: { cp1: '0%', cp2: '90%', cp3: '90%' }, byHand: { 'api/cp1': { weight: 70 } } });
    assert.deepEqual(told, ['set server api/cp1 weight 70%']);
  });
});

describe('what follows Services', () => {
  let folder: string;
  before(() => (folder = mkdtempSync(join(tmpdir(), 'kubekeep-follow-'))));
  after(() => rmSync(folder, { recursive: true }));

  const paths = { nodes: '/api/v1/nodes', blog: '/api/v1/namespaces/shop/services/blog', shop: '/api/v1/namespaces/shop/services/web' } as const;
  const web = { metadata: {}, spec: { ports: [{ name: 'http', port: 80, nodePort: 31000 }], healthCheckNodePort: 32025 } };

  /** The commands that a HAProxy gets in some rounds, where the API answers so to each path, and what is said. */
  async function run(answers: Partial<Record<keyof typeof paths, unknown>>, health = true) {
    const follow = (service: string) => ({ namespace: 'shop', service, port: 'http', ...(health && { health }) });
    const steering: Steering = {
      byHand: join(folder, 'by-hand.json'), undo: join(folder, 'undo'), api: { host: 'vip', port: 6443, ca: '', certificate: '', key: '' }, agents: [], apiServers: [],
      proxies: [{ socket: 'services', services: [{ name: 'blog', backend: 'service-blog', load: false, states: true, follow: follow('blog') }, { name: 'shop', backend: 'service-shop', load: false, states: true, follow: follow('web') }] }],
    };
    const ended = new AbortController();
    const { signal } = ended;
    const told = new Set<string>();
    const [said, asked]: [string[], string[]] = [[], []];
    let slept = 0;
    await assert.rejects(steerTraffic(steering, {
      signal,
      progress: (event) => void ('title' in event && said.push(event.title)),
      clock: { now: () => 0, monotonic: () => 0, sleep: async () => { if (slept++ > 50) ended.abort(); await setImmediate(); signal.throwIfAborted(); } },
      listen: async () => {},
      connect: () => ({ get: async (path: string) => {
        const name = Object.entries(paths).find(([, one]) => path.startsWith(one))?.[0] as keyof typeof paths;
        asked.push(name);
        const answer = answers[name] ?? new ApiError(`there is no ${name}`, { reason: 'NotFound' });
        if (answer instanceof Error) throw answer;
        return answer as never;
      } }),
      tell: async (_socket, command) => {
        if (command === 'show servers state') return `${head} srv_check_port\n1 service-shop w1 10.0.0.21 30443 100 0 32000`;
        told.add(command);
        return '';
      },
    }));
    return { told: [...told], said: said.filter((one) => !one.startsWith('shop/w1')), asked: new Set(asked) };
  }
  const nodes = { items: [] };
  const both = ['set server service-shop/w1 addr 10.0.0.21 port 31000', 'set server service-shop/w1 check-port 32025'];

  it('takes both ports of one that was made anew, also where another one is not there, which is no trouble', async () => {
    const { told, said } = await run({ nodes, shop: web });
    assert.deepEqual([told, said], [both, []]);
  });

  it('names the one that cannot be asked, once, and follows the others', async () => {
    const { told, said } = await run({ nodes, blog: new ApiError('GET: refused', { reason: 'Forbidden' }), shop: web });
    assert.deepEqual([told, said], [both, ['Service shop/blog: what was known of it goes on to hold']]);
  });

  it('leaves the port of health checks that are not asked of kube-proxy', async () => {
    assert.deepEqual((await run({ nodes, shop: web }, false)).told, both.slice(0, 1));
  });

  it('asks an API that does not answer for nothing more, and says so once', async () => {
    const { told, said, asked } = await run({ nodes: new ApiError('no answer', { reason: 'Unreachable' }), shop: web });
    assert.deepEqual([told, said, [...asked]], [[], ['the API: what was known of it goes on to hold'], ['nodes']]);
  });
});

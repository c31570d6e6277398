import { loadAt, parseLoad, unknownLoad, withSample, type NodeLoad } from '../src/balancing/node-load.ts';
import { weigh } from '../src/balancing/weigh.ts';
import { askHaproxy } from '../src/clients/haproxy/ask-haproxy.ts';
import { listenToAgent } from '../src/clients/load-agent/listen-to-agent.ts';
import { systemClock } from '../src/lib/clock.ts';
import { agentScript } from '../src/render/load-agent.ts';
import { loadAgentPort } from '../src/render/paths.ts';
import { adminPort, webServers, type Machines } from './balance-machines.ts';

/** What a second of steering saw and did. */
export interface Turn {
  /** ms since the epoch. */
  readonly at: number;
  /** Percent, by server; undefined where the agent has no say. */
  readonly loads: Readonly<Record<string, number | undefined>>;
  readonly weights: Readonly<Record<string, number>>;
  /** Commands that HAProxy got. */
  readonly changes: number;
}

/** Puts the agent on the web servers, as `apply` would. */
export async function startAgents({ hosts, on }: Machines): Promise<void> {
  for (const server of webServers) {
    await hosts.get(server)!.write([
      { path: '/etc/kubekeep/load-agent.sh', mode: 0o755, content: agentScript },
      { path: '/etc/systemd/system/kubekeep-load.socket', mode: 0o644, content: `[Socket]\nListenStream=${loadAgentPort}\nAccept=yes\n[Install]\nWantedBy=sockets.target\n` },
      { path: '/etc/systemd/system/kubekeep-load@.service', mode: 0o644, content: '[Service]\nExecStart=/etc/kubekeep/load-agent.sh\nStandardInput=socket\nStandardOutput=socket\nNice=-10\n' },
    ]);
    await on(server, 'systemctl daemon-reload; systemctl enable -q --now kubekeep-load.socket');
  }
}

/** Hears the agents and sets the weights of `service-shop` once a second by the law that the balancers use, until it is stopped. */
export async function startSteering(machines: Machines): Promise<{ readonly stop: () => Promise<readonly Turn[]> }> {
  const stopped = new AbortController();
  const socket = await machines.hosts.get('lb')!.forward({ port: adminPort });
  const loads = new Map<string, NodeLoad>();
  const turns: Turn[] = [];
  const hear = (server: string) => (answer: string) => {
    const load = parseLoad(answer);
    if (load !== undefined) loads.set(server, withSample(loads.get(server) ?? unknownLoad, { load, time: performance.now() }));
  };
  const listening = webServers.map((server) => listenToAgent({ host: machines.addressOf(server), port: loadAgentPort }, hear(server), { clock: systemClock, signal: stopped.signal }));
  let weights: ReadonlyMap<string, number> = new Map(webServers.map((server) => [server, 100]));
  const steer = async () => {
    while (!stopped.signal.aborted) {
      const heard = new Map(webServers.map((server) => [server, loadAt(loads.get(server) ?? unknownLoad, performance.now())]));
      const next = weigh(webServers, new Map([...heard].filter((one): one is [typeof one[0], number] => one[1] !== undefined)), weights);
      const changed = webServers.filter((server) => next.get(server) !== weights.get(server));
      for (const server of changed) await askHaproxy(socket, `set server service-shop/${server} weight ${next.get(server)}%`);
      weights = next;
      turns.push({ at: Date.now(), loads: Object.fromEntries(heard), weights: Object.fromEntries(next), changes: changed.length });
      await systemClock.sleep(1000, stopped.signal).catch(() => {});
    }
  };
  const steering = steer();
  return {
    async stop() {
      stopped.abort();
      await Promise.all([steering, ...listening]);
      return turns;
    },
  };
}

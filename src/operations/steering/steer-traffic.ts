import { readFile, rename, writeFile } from 'node:fs/promises';
import { largerLoad, loadAt, parseLoad, requestLoad, unknownLoad, withSample, type NodeLoad } from '../../balancing/node-load.ts';
import { steer, undo, type FollowedPorts, type Known } from '../../balancing/steer.ts';
import { parseServersState } from '../../clients/haproxy/parse-servers-state.ts';
import type { ApiClient } from '../../clients/kubernetes/connect-api.ts';
import type { AgentAddress } from '../../clients/load-agent/listen-to-agent.ts';
import type { Clock } from '../../lib/clock.ts';
import { KubekeepError } from '../../lib/errors.ts';
import type { Progress } from '../../lib/progress.ts';
import type { SteeredProxy, Steering } from '../../render/steer.ts';
import { parseByHand, type ByHand } from '../balancing/by-hand.ts';
import { cordonedNodes, portsOf, requestsInFlight } from './follow-api.ts';

/** ms between two turns, two questions to the API, and two to an API server about its requests. */
const pauses = { turn: 1000, api: 2000, requests: 1000 } as const;

type Asked = Pick<ApiClient, 'get'>;

export interface SteeringTools {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly progress: Progress;
  /** The API, or one of its servers, at an address. */
  readonly connect: (address: AgentAddress) => Asked;
  /** One command to the HAProxy behind a socket, and its answer. */
  readonly tell: (socket: string, command: string) => Promise<string>;
  /** Hears a node's agent until the signal fires. */
  readonly listen: (agent: AgentAddress, hear: (answer: string) => void) => Promise<void>;
}

/** Steers what the HAProxys of a load balancer send on until the signal fires. What cannot be asked stays as it was known; what HAProxy has is compared anew each second, so that a reload or a restart of it is put right. */
export async function steerTraffic(steering: Steering, tools: SteeringTools): Promise<never> {
  const { clock, signal } = tools;
  const steerer = new Steerer(steering, tools);
  for (const { node, ...agent } of steering.agents) void tools.listen(agent, (answer) => steerer.hear(node, answer));
  if (steering.proxies.some(({ services }) => services.some(({ states }) => states))) void steerer.askApi();
  for (const one of steering.apiServers) void steerer.countRequests(one);
  for (;;) {
    const begin = clock.monotonic();
    await steerer.turn();
    await clock.sleep(Math.max(0, pauses.turn - (clock.monotonic() - begin)), signal);
  }
}

class Steerer {
  readonly #steering: Steering;
  readonly #tools: SteeringTools;
  /** As agents say, and by requests in flight. */
  readonly #loads = new Map<string, NodeLoad>();
  readonly #requestLoads = new Map<string, NodeLoad>();
  readonly #ports = new Map<string, FollowedPorts>();
  #cordoned: ReadonlySet<string> | undefined;
  #byHand: ByHand = {};
  /** What takes the steering back, by socket. */
  readonly #undo = new Map<string, readonly string[]>();
  #noted = '';
  /** What went wrong the last time, by what was tried: said once. */
  readonly #trouble = new Map<string, string>();

  constructor(steering: Steering, tools: SteeringTools) {
    this.#steering = steering;
    this.#tools = tools;
  }

  hear(node: string, answer: string): void {
    const load = parseLoad(answer);
    if (load !== undefined) this.#sample(this.#loads, node, load);
  }

  #sample(loads: Map<string, NodeLoad>, node: string, load: number): void {
    loads.set(node, withSample(loads.get(node) ?? unknownLoad, { load, time: this.#tools.clock.monotonic() }));
  }

  async turn(): Promise<void> {
    await this.#attempt('what was decided by hand', async () => {
      this.#byHand = parseByHand(await readFile(this.#steering.byHand, 'utf8').catch(nothingWhereMissing));
    });
    for (const proxy of this.#steering.proxies) await this.#attempt(`HAProxy at ${proxy.socket}`, () => this.#steer(proxy));
  }

  async #steer({ socket, services }: SteeredProxy): Promise<void> {
    const servers = parseServersState(await this.#tools.tell(socket, 'show servers state'));
    const known = { ...this.#known(), services };
    this.#undo.set(socket, undo(servers, known));
    await this.#note([...this.#undo].flatMap(([at, commands]) => commands.map((command) => `${at} ${command}`)).join('\n'));
    for (const { command, reason } of steer(servers, known)) {
      await this.#tools.tell(socket, command);
      this.#tools.progress({ type: 'note', title: reason });
    }
  }

  async askApi(): Promise<void> {
    const { connect, clock, signal } = this.#tools;
    const api = connect(this.#steering.api);
    const followed = this.#steering.proxies.flatMap(({ services }) => services.flatMap(({ name, follow }) => (follow ? [{ name, follow }] : [])));
    while (!signal.aborted) {
      const answers = await this.#attempt('the API', async () => {
        this.#cordoned = await cordonedNodes(api, signal);
      });
      for (const { name, follow } of answers ? followed : []) {
        await this.#attempt(`Service ${follow.namespace}/${follow.service}`, async () => {
          this.#ports.set(name, { ...this.#ports.get(name), ...(await portsOf(api, follow, signal)) });
        });
      }
      await clock.sleep(pauses.api, signal).catch(() => {});
    }
  }

  async countRequests({ node, limit, ...address }: Steering['apiServers'][number]): Promise<void> {
    const { connect, clock, signal } = this.#tools;
    const server = connect(address);
    while (!signal.aborted) {
      await this.#attempt(`requests in flight at ${node}`, async () => this.#sample(this.#requestLoads, node, requestLoad(await requestsInFlight(server, signal), limit)));
      await clock.sleep(pauses.requests, signal).catch(() => {});
    }
  }

  #known(): Omit<Known, 'services'> {
    const now = this.#tools.clock.monotonic();
    const loads = [...this.#loads].map(([node, load]) => [node, largerLoad(loadAt(load, now), loadAt(this.#requestLoads.get(node) ?? unknownLoad, now))] as const);
    return { loads: new Map(loads.filter((one): one is [string, number] => one[1] !== undefined)), cordoned: this.#cordoned, ports: this.#ports, byHand: this.#byHand };
  }

  /** Before HAProxy is told anything. */
  async #note(text: string): Promise<void> {
    if (text === this.#noted) return;
    const { undo: path } = this.#steering;
    await writeFile(`${path}.new`, `${text}\n`);
    await rename(`${path}.new`, path);
    this.#noted = text;
  }

  /** Whatever fails is tried again in the next turn; why is said when it changes. Whether it went well. */
  async #attempt(what: string, run: () => Promise<void>): Promise<boolean> {
    const { progress, signal } = this.#tools;
    const before = this.#trouble.get(what);
    try {
      await run();
      if (before !== undefined) progress({ type: 'note', title: `${what}: well again` });
      this.#trouble.delete(what);
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      if (!(error instanceof KubekeepError)) throw error;
      if (before !== error.message) progress({ type: 'note', title: `${what}: what was known of it goes on to hold`, detail: error.message });
      this.#trouble.set(what, error.message);
      return false;
    }
  }
}

function nothingWhereMissing(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return '';
  throw new KubekeepError('file-missing', `it cannot be read (${error.code})`, { cause: error });
}

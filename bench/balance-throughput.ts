import { flood, startHaproxy, type Said } from './balance-client.ts';
import { bareConfig, steeredConfig } from './balance-configs.ts';
import { nodePort, webServers, type Machines } from './balance-machines.ts';

/** Where a HAProxy listens that is compared with the usual one. */
const barePort = 8081;

/** What kubekeep's configuration costs beside the bare one: 1 is the same. */
export interface Costs {
  readonly throughput: number;
  /** Of a processor, for a request. */
  readonly processor: number;
}

/**
 * Requests that cost the web servers nothing, as many as get through, by two HAProxies that run beside each other and are asked in turns of a second: what else the computer does in
 * a minute is met by both. One pair each that counts, first the one and then the other.
 */
export async function compareThroughput(machines: Machines, pairs: number): Promise<readonly Costs[]> {
  for (const server of webServers) await machines.limit(server, undefined);
  await startHaproxy(machines, await steeredConfig(machines, { log: false }));
  await startHaproxy(machines, bareConfig(machines, barePort), barePort);
  await Promise.all(webServers.map((server) => machines.on(server, `for turn in $(seq 100); do curl -sf -o /dev/null -m 1 http://${machines.addressOf(server)}:${nodePort}/small && exit 0; sleep 0.1; done; exit 1`)));
  const costs: Costs[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    const oursFirst = pair % 2 === 0;
    const first = await measure(machines, oursFirst ? undefined : barePort);
    const second = await measure(machines, oursFirst ? barePort : undefined);
    const [ours, bare] = oursFirst ? [first, second] : [second, first];
    costs.push({ throughput: ours.perSecond / bare.perSecond, processor: ours.each / bare.each });
  }
  return costs;
}

async function measure(machines: Machines, port: number | undefined): Promise<Said & { readonly each: number }> {
  const before = await machines.used('lb');
  const said = await flood(machines, 1, port);
  if (said.failed > 0) throw new Error(`${said.failed} of ${said.requests} requests failed`);
  return { ...said, each: ((await machines.used('lb')) - before) / said.requests };
}

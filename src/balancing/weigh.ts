/**
 * Percent. By load alone a node keeps this much, so that it is seen when it is better, and no mistake takes it out.
 * @internal
 */
export const leastWeight = 10;
const fullWeight = 100;
/** Percent a second. */
const climb = 10;
/** The further above the fleet, the faster down: as much of the weight in a second as this many points, up to a half. */
const brake = 100;
/** Points of load above the fleet: below the first one a node gets more again, above the second one less. In between nothing changes, or two nodes would send the traffic to and fro. */
const calm = { from: 5, to: 15 } as const;

/**
 * The weights of one service's nodes a second later, in percent by node. `loads` has the nodes whose agents have a say, `before` the weights that hold. Only
 * a node that is clearly busier than the fleet gets less, in proportion to what it has left, and at most half as much as before in one second; everybody else climbs back to 100. So weights
 * only go down from 100: a node that says it is idle takes nothing from others by it.
 */
export function weigh(nodes: readonly string[], loads: ReadonlyMap<string, number>, before: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  const reference = fleetLoad([...loads].filter(([node]) => nodes.includes(node)).map(([, load]) => load));
  return new Map(nodes.map((node) => [node, nextWeight(loads.get(node), reference, before.get(node) ?? fullWeight)]));
}

/** The median; of two in the middle the one that is less busy, so that of two nodes the better one is what the other is compared with. */
function fleetLoad(loads: readonly number[]): number {
  return loads.toSorted((one, other) => one - other)[Math.floor((loads.length - 1) / 2)] ?? 0;
}

function nextWeight(load: number | undefined, reference: number, before: number): number {
  const above = load === undefined ? 0 : load - reference;
  if (above < calm.from) return Math.min(fullWeight, before + climb);
  if (above <= calm.to) return before;
  const share = (fullWeight * (fullWeight - load!)) / (fullWeight - reference);
  return Math.round(Math.min(before, Math.max(share, before * Math.max(1 / 2, 1 - above / brake), leastWeight)));
}

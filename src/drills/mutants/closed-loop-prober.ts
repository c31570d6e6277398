import { configMapCalls } from '../probes/config-map.ts';
import { clientTimers, endpointOf } from '../probes/connection.ts';
import { keptConnection } from '../probes/kept-connection.ts';
import { newConnections } from '../probes/new-connections.ts';
import { perform, type LaneContext } from '../probes/perform.ts';
import type { StartProbe } from '../probes/self-check.ts';
import type { ProberMutant } from './mutant.ts';

/** Waits for each answer before it thinks of the next request, so that an outage costs it one slow request. `due` is when it got round to it. */
const closedLoop: StartProbe = (plan, { clock, onRecord }) => {
  const start = clock.monotonic();
  const now = () => clock.monotonic() - start;
  let stopping = false;
  const work = plan.lanes.map(async (lane, position) => {
    const endpoint = endpointOf(plan.doors[lane.door]!, plan);
    const connection = lane.connection === 'new' ? newConnections(endpoint) : keptConnection(endpoint, clientTimers[lane.connection], clock);
    const context: LaneContext = { lane, position, plan, connection, clock, now, draw: () => 0, emit: (record) => onRecord(record, ''), patience: 10_000, known: { add() {}, at: () => undefined } };
    for (let turn = 0; !stopping; turn++) {
      const object = `${position}-${turn}`;
      const due = now();
      await perform(context, due, { operation: 'create', object, value: object }, configMapCalls(plan.namespace).create(object, object));
      await clock.sleep(Math.max(0, 1000 / lane.rate - (now() - due)));
    }
    connection.close();
  });
  return Promise.resolve({
    async stop() {
      stopping = true;
      await Promise.all(work);
    },
  });
};

export const closedLoopProber: ProberMutant = {
  kind: 'prober',
  id: 'M15',
  title: 'the prober waits for an answer before it sends the next request',
  caughtBy: 'self-check',
  startProbe: closedLoop,
};

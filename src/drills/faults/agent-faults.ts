import { dirname } from 'node:path';
import type { Cluster, HostSpec } from '../../cluster/cluster.ts';
import { loadAgentTemplate, unitFolder } from '../../render/paths.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { quote } from '../../hosts/quote.ts';
import { answers } from '../../operations/balancing/balancer.ts';
import { lookAtBalancers } from '../../operations/balancing/look-at-balancers.ts';
import type { Stage } from '../stage.ts';
import { aimAtHosts, runAll, type Scripts } from './_on-hosts.ts';
import { needsTwoNodes, victim, withTwoNodes } from './_visited-services.ts';
import type { Fault } from './fault.ts';

/** What an agent says from some moment on, as a shell script, and the weights in percent of its node that all balancers come to by it. */
interface Saying {
  readonly script: string;
  readonly least: number;
  readonly most: number;
}

const repeated = (words: string) => `while echo ${words} 2> /dev/null; do sleep 1; done`;
/** Nothing is left of the node, it says: it gets less, but never nothing. */
const busy = (most: number): Saying => ({ script: repeated('0%'), least: 10, most });

const table: readonly (Pick<Fault, 'id' | 'title'> & { readonly says: readonly Saying[] })[] = [
  { id: 'W9', title: 'the agent of a node says that the node is busy, and then nothing any more', says: [busy(50), { script: 'exec sleep 60', least: 100, most: 100 }] },
  { id: 'W9-garbage', title: 'the agent of a node says that the node is busy, and then what means nothing', says: [busy(50), { script: repeated('"250%"; echo up; head -c 60 /dev/urandom'), least: 100, most: 100 }] },
  { id: 'W9-busy', title: 'the agent of a node lies: it says that nothing is left of it', says: [busy(15)] },
  { id: 'W9-idle', title: 'the agent of a node lies: it says that it does nothing', says: [{ script: repeated('100%'), least: 100, most: 100 }] },
];

/** Agents that say how busy a node is, and do not say what is so: whom they harm, and for how long. */
export const agentFaults: readonly Fault[] = table.map(({ id, title, says }) => ({
  id, title, component: 'node', needs: "another script in the agent's unit on one worker", seconds: 10, noVisitFails: true, vipStays: true, obstacle: needsLoad,
  async aim(stage) {
    const { node, about } = await victim(stage, followingLoad(stage.operation.cluster)[0]!);
    const inject = async () => {
      for (const saying of says) {
        await runAll(stage, [node], () => agentSays(saying.script).inject);
        await untilWeighed(stage, node, saying);
      }
    };
    return { ...aimAtHosts(stage, [node], about, agentSays(says[0]!.script)), inject };
  },
}));

function needsLoad(cluster: Cluster): string | undefined {
  return needsTwoNodes(cluster) ?? (followingLoad(cluster).length > 0 ? undefined : 'no service in http mode with two nodes has load: true');
}

function followingLoad(cluster: Cluster) {
  return withTwoNodes(cluster).filter(({ load }) => load);
}

/** By a file that systemd forgets when the machine starts. What asks the agent comes back a second after its connection has ended. */
function agentSays(script: string): Scripts {
  const file = `${unitFolder.replace('/etc/', '/run/')}/${loadAgentTemplate}.d/kubekeep-drill.conf`;
  const [folder, again] = [dirname(file), `systemctl daemon-reload && systemctl stop '${loadAgentTemplate.replace('@', '@*')}'`];
  const content = `[Service]\nExecStart=\nExecStart=/bin/sh -c ${quote(script).replaceAll('%', '%%')}\n`;
  return { inject: `mkdir -p ${folder} && printf %s ${quote(content)} > ${file} && ${again}`, undo: `rm -f ${file}; rmdir ${folder} 2> /dev/null; ${again}` };
}

/** Seconds: down in two or three, up by 10 % in each. */
const patience = 60;

/** Resolves when every balancer uses the node with such a weight. Throws `not-healthy` where one does not come to it: a server that has just come up has less for ten seconds, whatever its load. */
async function untilWeighed({ operation }: Stage, { name }: HostSpec, { least, most }: Saying): Promise<void> {
  const services = new Set(followingLoad(operation.cluster).map((one) => one.name));
  const deadline = operation.clock.monotonic() + patience * 1000;
  for (;;) {
    const seen = (await lookAtBalancers(operation)).filter(answers).flatMap(({ host, servers }) => servers.filter(({ service, server }) => server === name && services.has(service)).map((one) => ({ host, ...one })));
    const wrong = seen.find(({ condition, weight }) => condition !== 'up' || weight < least || weight > most);
    if (seen.length > 0 && !wrong) return;
    if (operation.clock.monotonic() > deadline) {
      const found = wrong ? `${wrong.service}/${name} is ${wrong.condition} with ${wrong.weight} % on ${wrong.host}` : 'no balancer answers';
      throw new KubekeepError('not-healthy', `after ${patience} s in which the agent of ${name} said what is not so, ${found}; it should be up with ${least === most ? '' : `${least} to `}${most} %`, { hint: 'journalctl -u kubekeep-steer on the load balancers says every change with its reason.' });
    }
    await operation.clock.sleep(500, operation.signal);
  }
}

import { hostsWith, type HostSpec } from '../../cluster/cluster.ts';
import { apiThroughVip } from '../../drills/api-through-vip.ts';
import { doorsOf, laneOf } from '../../drills/probes/probe-plan.ts';
import type { Reach } from '../../drills/stage.ts';
import { visitDuring } from '../../drills/visit-during.ts';
import type { Lab } from '../../lab/lab.ts';
import { powerOff, powerOn } from '../../lab/power.ts';
import { labRepository } from '../../programs/images/lab-images.ts';
import type { Cli } from '../cli.ts';

const name = 'shop';
const nodePort = 30080;

/** Lines for the end of a lab's cluster file: the shop behind the load balancers, at an address of its own. */
export function shopService({ gateway }: Pick<Lab, 'gateway'>): string {
  return `  services:\n    - { name: ${name}, listen: { vip: ${gateway.replace(/\.1$/, '.201')}, port: 80 }, forward: { nodePort: ${nodePort} }, mode: http }\n`;
}

/** A web server of two pods, one on each worker, whose node port leads to the pod of that node alone. */
export async function openShop(reach: Reach, namespace: string): Promise<void> {
  const labels = { app: name };
  const container = {
    name: 'web', image: `${labRepository}/busybox:1`, imagePullPolicy: 'Never',
    command: ['sh', '-c', 'mkdir /www; hostname > /www/index.html; exec httpd -f -p 8080 -h /www'],
    readinessProbe: { httpGet: { path: '/', port: 8080 }, periodSeconds: 1 },
  };
  const spread = { maxSkew: 1, topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'DoNotSchedule', labelSelector: { matchLabels: labels } };
  const pods = { metadata: { labels }, spec: { terminationGracePeriodSeconds: 1, topologySpreadConstraints: [spread], containers: [container] } };
  await apiThroughVip(reach, async (api) => {
    await api.post(`/apis/apps/v1/namespaces/${namespace}/deployments`, { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name }, spec: { replicas: 2, selector: { matchLabels: labels }, template: pods } });
    await api.post(`/api/v1/namespaces/${namespace}/services`, { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { type: 'NodePort', externalTrafficPolicy: 'Local', selector: labels, ports: [{ port: 80, targetPort: 8080, nodePort }] } });
  });
}

export interface ShopResult {
  /** The worker that lost its power. */
  readonly without: string;
  readonly visits: number;
  /** Visits that got a page. */
  readonly answered: number;
  /** ms. */
  readonly longestGap: number;
  /** It had no answer at the end. */
  readonly dead: boolean;
}

/** Visits the shop ten times a second, each on a connection of its own, cuts the power of a worker and looks what visitors feel. The worker has power again in the end. */
export async function loseWorker(lab: Lab, { operation: { cluster, clock } }: Reach, { signal, say, draw }: { readonly signal: Cli['signal']; readonly say: (text: string) => void; readonly draw: (title: string) => Promise<void> }): Promise<ShopResult> {
  const [worker] = hostsWith(cluster, 'worker') as [HostSpec];
  const door = `service ${name}`;
  const [felt] = await visitDuring({ doors: { [door]: doorsOf(cluster)[door]! }, lanes: [laneOf('visit', 'new', door, 10)], clock }, async () => {
    say(`Visiting the shop 10 times a second through its VIP ${cluster.services[0]!.listen.vip}. In 3 s the power of ${worker.name} is cut: one of the two pods is there.`);
    await clock.sleep(3000, signal);
    await powerOff(lab, worker.name);
    say(`${worker.name} is without power.`);
    await clock.sleep(8000, signal);
    await draw(`8 s without ${worker.name}`);
  });
  const { requests, acknowledged, longestGap, dead } = felt!;
  say(`shop without ${worker.name}: ${requests} visits, ${acknowledged} answered; longest gap ${(longestGap / 1000).toFixed(2)} s`);
  await powerOn(lab, worker.name, { signal });
  return { without: worker.name, visits: requests, answered: acknowledged, longestGap, dead };
}

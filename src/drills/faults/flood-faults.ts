import { KubekeepError } from '../../lib/errors.ts';
import { issueLeaf } from '../../pki/issue.ts';
import { adminLeaf } from '../../pki/leaves.ts';
import { othersWith, type Stage } from '../stage.ts';
import { openFlood, type Flood } from './_flood.ts';
import type { Aim, Fault } from './fault.ts';

const seconds = 10;

/** More than an API server wants. */
export const floodFaults: readonly Fault[] = [
  { id: 'A4-flood', title: 'a user without rights asks one API server a thousand things at once until it answers 429', component: 'API server', needs: 'nothing but the Kubernetes API', seconds, obstacle: () => undefined, aim: flooded },
];

async function flooded(stage: Stage): Promise<Aim> {
  const { operation: { clock, progress, signal }, secrets: { authorities } } = stage;
  const [server] = othersWith(stage, 'control-plane').slice(0, 1);
  const nobody = { ...adminLeaf('kubekeep-drill-flood'), organizations: [] };
  const { certificate, privateKey } = await issueLeaf(nobody, authorities.kubernetes, { now: clock.now(), days: 1 });
  let flood: Flood | undefined;
  return {
    about: `the API server of ${server?.name}`,
    hosts: server ? [server.name] : [],
    inject: async () => {
      flood = openFlood({ address: server!.address, port: 6443, ca: authorities.kubernetes.certificate, certificate, key: privateKey.reveal() }, { clock, limit: 2 * seconds * 1000 });
      for (let turn = 0; !flood.statuses.has(429); turn += 1) {
        if (turn === seconds * 10) throw new KubekeepError('not-healthy', `the flood was no flood: it was answered ${told(flood) || 'nothing'}, and never 429`);
        await clock.sleep(100, signal);
      }
    },
    async undo() {
      if (!flood) return;
      await flood.stop();
      progress({ type: 'note', title: `the flood was answered ${told(flood) || 'nothing'}` });
    },
  };
}

function told({ statuses }: Flood): string {
  return [...statuses].toSorted(([a], [b]) => a - b).map(([status, count]) => `${count} times ${status}`).join(', ');
}

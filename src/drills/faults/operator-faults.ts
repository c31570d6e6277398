import { hostsWith, type HostSpec } from '../../cluster/cluster.ts';
import { expectSuccess } from '../../hosts/local.ts';
import { KubekeepError, toKubekeepError } from '../../lib/errors.ts';
import { apply } from '../../operations/apply.ts';
import { configFolder } from '../../render/paths.ts';
import { shuffled, type Stage } from '../stage.ts';
import { applyToEnd } from './_apply-to-end.ts';
import { runAll } from './_on-hosts.ts';
import { startApply, type OperatorEnd, type SecondOperator } from './_second-operator.ts';
import { whileServersStart } from './allowance.ts';
import type { Aim, Fault } from './fault.ts';

const needs = 'files changed by hand on every control-plane host, which apply puts back';
const needsSecondServer: Fault['obstacle'] = (cluster) => (hostsWith(cluster, 'control-plane').length > 1 && hostsWith(cluster, 'etcd').length > 1 ? undefined : 'every change of the only host is felt');
const shared = { component: 'operator', planned: true, limit: whileServersStart, labOnly: 'is undone by apply, so nothing would undo it if kubekeep were killed', obstacle: needsSecondServer } as const;

/** What goes wrong with those who run `apply`. No client may feel any of it, and `apply`, run again, converges. */
export const operatorFaults: readonly Fault[] = [
  { ...shared, id: 'O1', title: 'an apply is killed while it restarts API servers, and run again', needs, seconds: 2, aim: killed },
  { ...shared, id: 'O2', title: 'SSH of one host is silent for 40 s while an apply restarts API servers', needs: `${needs}; nftables on one host, with a shell there that takes the rules out`, seconds: 0, aim: silenced },
  { ...shared, id: 'O3', title: 'an apply is paused, another one takes over, and the first one goes on', needs, seconds: 0, aim: paused },
  { ...shared, id: 'A5', title: 'an apply gives the API servers a flag that they do not know', component: 'API server', needs: 'nothing but apply', seconds: 3, aim: flagged },
  { ...shared, id: 'N5-operator', title: 'this computer is 400 days ahead of the hosts when apply is run', needs, seconds: 0, aim: ahead },
];

async function killed(stage: Stage): Promise<Aim> {
  const [step, delay] = [1 + Math.floor(stage.draw() * 6), Math.floor(stage.draw() * 4000)];
  return repaired(stage, `${delay} ms after step ${step} has begun`, async (first) => {
    await first.begun(step);
    await stage.operation.clock.sleep(delay);
    first.kill('SIGKILL');
    await first.ended(5000);
  });
}

/** The rules come a second later, so that the script that orders them is answered, and go by themselves: nobody could ask for it. */
async function silenced(stage: Stage): Promise<Aim> {
  const [victim] = shuffled(hostsWith(stage.operation.cluster, 'control-plane'), stage.draw) as [HostSpec];
  const remove = 'nft delete table inet kubekeep_drill_ssh 2>/dev/null || :';
  const silence = `systemd-run --quiet --collect --unit=kubekeep-drill-ssh sh -c "sleep 1; nft 'table inet kubekeep_drill_ssh { chain input { type filter hook input priority -10; tcp dport 22 drop; }; }'; sleep 40; ${remove}"`;
  const aim = repaired(stage, `that of ${victim.name}`, async (first) => {
    await first.begun(1);
    await runAll(stage, [victim], () => silence);
    const end = await first.ended(300_000);
    if (end.exitCode !== 0 && !end.message.includes(victim.name)) throw unexpected(`apply ended with ${end.exitCode} and does not name ${victim.name}`, end);
    await answering(stage, victim);
  });
  return { ...aim, deadMan: new Map([[victim.name, remove]]) };
}

async function paused(stage: Stage): Promise<Aim> {
  const delay = Math.floor(stage.draw() * 3000);
  return repaired(stage, `paused ${delay} ms after its first step has begun`, async (first) => {
    await first.begun(1);
    await stage.operation.clock.sleep(delay);
    first.kill('SIGSTOP');
    await takeOver(stage);
    first.kill('SIGCONT');
    const end = await first.ended(60_000);
    if (end.code !== 'lock-lost') throw unexpected('the first apply did not notice that another one had taken over', end);
  });
}

/** The lease of the paused one has to run out first. */
async function takeOver(stage: Stage): Promise<void> {
  for (let turn = 0; ; turn += 1) {
    const end = await startApply(stage).ended(300_000);
    if (end.exitCode === 0) return;
    if (end.code !== 'lock-held' || turn === 20) throw unexpected('the second apply did not take over', end);
    await stage.operation.clock.sleep(2000);
  }
}

/** As if somebody had written it into the cluster file. The roll-out has to stop at the first host. */
async function flagged(stage: Stage): Promise<Aim> {
  const { cluster } = stage.operation;
  const { kubernetes } = cluster;
  const wrong = { ...cluster, kubernetes: { ...kubernetes, apiServer: { ...kubernetes.apiServer, extraFlags: { ...kubernetes.apiServer.extraFlags, 'no-such-flag': 'true' } } } };
  const touched = new Set<string>();
  return {
    about: 'on every control-plane host',
    hosts: hostsWith(cluster, 'control-plane').map(({ name }) => name),
    undoneLast: true,
    async inject() {
      const progress: typeof stage.operation.progress = (event) => {
        if (event.type === 'started' && event.host !== undefined) touched.add(event.host);
        stage.operation.progress(event);
      };
      const end = await apply({ ...stage.operation, cluster: wrong, progress }, { confirm: () => Promise.resolve(true) }).then(() => undefined, toKubekeepError);
      if (!end) throw new KubekeepError('not-healthy', 'apply did not notice that an API server does not start');
      if (touched.size !== 1) throw new KubekeepError('not-healthy', `the roll-out did not stop at the first host: it touched ${[...touched].join(', ') || 'none'} (${end.message})`);
    },
    undo: () => applyToEnd(stage),
  };
}

/** Certificates that are renewed with that clock would be valid from next year on. */
async function ahead(stage: Stage): Promise<Aim> {
  const { clock } = stage.operation;
  const wrong = { ...clock, now: () => clock.now() + 400 * 86_400_000 };
  return {
    about: 'its clock, not that of the hosts',
    hosts: [],
    undoneLast: true,
    async inject() {
      await changeByHand(stage);
      const end = await apply({ ...stage.operation, clock: wrong }, { confirm: () => Promise.resolve(true) }).then(() => undefined, toKubekeepError);
      if (end?.code !== 'host-unfit') throw new KubekeepError('not-healthy', `apply did not refuse to work with a wrong clock: ${end ? end.message : 'it changed the cluster'}`);
    },
    undo: () => applyToEnd(stage),
  };
}

/** An apply that has something to do on every control-plane host, and what happens to it. */
function repaired(stage: Stage, about: string, happens: (first: SecondOperator) => Promise<void>): Aim {
  let first: SecondOperator | undefined;
  return {
    about,
    hosts: hostsWith(stage.operation.cluster, 'control-plane').map(({ name }) => name),
    undoneLast: true,
    async inject() {
      await changeByHand(stage);
      first = startApply(stage);
      await happens(first);
    },
    async undo() {
      // One that still runs would hold the lock, and one that is paused would not hear of its end.
      first?.kill('SIGKILL');
      await first?.ended(5000);
      await applyToEnd(stage);
    },
  };
}

/** A word in files that make apply restart an API server and reload an HAProxy. */
async function changeByHand(stage: Stage): Promise<void> {
  await runAll(stage, hostsWith(stage.operation.cluster, 'control-plane'), () => `for f in /etc/kubernetes/audit-policy.yaml ${configFolder}/haproxy.cfg; do [ ! -e $f ] || echo '# by hand' >> $f; done`);
}

/** Throws `host-unreachable` where a host that was cut off does not answer again within a minute. */
async function answering({ operation: { hosts, clock } }: Stage, { name }: HostSpec): Promise<void> {
  for (let turn = 0; ; turn += 1) {
    try {
      return void expectSuccess(await hosts.get(name)!.run(':', { timeout: 5000 }), 'answering again');
    } catch (caught) {
      if (turn === 20) throw caught;
      await clock.sleep(2000);
    }
  }
}

function unexpected(what: string, { exitCode, code, message }: OperatorEnd): KubekeepError {
  return new KubekeepError('not-healthy', `${what}: exit code ${exitCode}, ${code ?? 'no error'}: ${message}`);
}

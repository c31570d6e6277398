import type { EtcdClient } from '../../clients/etcd/connect-etcd.ts';
import { EtcdError, type EtcdReason } from '../../clients/etcd/etcd-error.ts';
import { hostsWith, type HostSpec } from '../../cluster/cluster.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { etcdDataFolder } from '../../render/paths.ts';
import { etcdOf } from '../clients.ts';
import { reachable } from '../facts.ts';
import { etcdReady, waitForHost } from '../gates.ts';
import { lockGuard } from '../lock.ts';
import { observeHost } from '../observe.ts';
import { endedRestores } from '../plan/hosts-restoring.ts';
import { isFromBefore, restoreOf } from '../plan/is-from-before.ts';
import { nextMemberStep, type JoiningHost, type MemberStep } from '../plan/next-member-step.ts';
import type { Step } from '../plan/step.ts';
import { endScript } from '../restore/host-scripts.ts';
import { setAsideScript } from '../set-aside-script.ts';
import { noteOn, runOn } from './note-on.ts';
import { performComponent, runStep } from './perform-component.ts';
import type { Work } from './work.ts';

/** Minutes that a member gets to come back and catch up, and seconds that etcd gets to agree to a change. */
const catchUp = 10;
const mostStarts = 5;
const patience = 60;

/**
 * Brings a host without data into an etcd cluster that exists, or back into it: the lost member is removed, a learner is added, started, and
 * promoted when it has caught up. After every change it looks again, so it also goes on where an earlier run was cut.
 */
export async function joinEtcd(step: Step, work: Work): Promise<void> {
  const spec = work.cluster.hosts.find(({ name }) => name === step.host)!;
  const helper = await readyMember(work, spec);
  const client = await etcdOf(helper, work.hosts.get(helper.name)!, work.prepared.opened.secrets, work.clock.now());
  const all = [...work.prepared.facts.hosts.values()].filter(reachable);
  const mine = work.prepared.facts.hosts.get(spec.name);
  try {
    // Under another cluster's id: etcd's members would not tell.
    if (reachable(mine) && isFromBefore(mine, all)) await setDataAside(step, work);
    const deadline = work.clock.monotonic() + catchUp * 60_000;
    for (let [told, starts] = ['', 0]; ; ) {
      work.signal.throwIfAborted();
      if (work.clock.monotonic() > deadline) throw notHealthy(spec, `did not become a voting member within ${catchUp} minutes`);
      const next = await retried(work, patience, ['no-leader', 'timed-out', 'unreachable'], async () => nextMemberStep(await client.members(), await joiningHost(work, spec)));
      if (next.do === 'nothing') break;
      if (told !== next.do) work.progress({ type: 'note', host: spec.name, title: `etcd: ${next.do.replaceAll('-', ' ')}`, detail: next.why });
      told = next.do;
      if (next.do === 'start' && ++starts > mostStarts) throw notHealthy(spec, 'ends again and again');
      await performMemberStep(next, { client, step, work, spec });
    }
  } finally {
    client.close();
  }
  await waitForHost(work, spec, [etcdReady]);
  await noteOn(work, spec, ['formed'], restoreOf(all));
  // What it missed: what it noted of a restore is not believed any more, whoever else will be asked.
  const ended = endedRestores(work.prepared.facts);
  if (ended.size > 0) await runOn(work, spec.name, endScript(work.token, [...ended]), { what: 'noting which restores are over' });
}

async function performMemberStep(next: MemberStep, { client, step, work, spec }: { client: EtcdClient; step: Step; work: Work; spec: HostSpec }): Promise<void> {
  if (next.do === 'start') return performComponent(step, work, { wait: false }).then(() => waitForStart(work, spec));
  if (next.do === 'set-data-aside') return setDataAside(step, work);
  // These go to etcd and not through a script that compares the token, so the lock is asked first.
  await noteOn(work, spec, []);
  // "no-leader" and the like: perhaps it was done and perhaps not; the next look tells. A learner may catch up, or turn out to end again and again.
  const unsure: EtcdReason[] = ['no-leader', 'timed-out', 'member-missing', ...(next.do === 'promote' ? ['learner-not-ready', 'quorum-at-risk'] as const : [])];
  // systemd starts a member without data again and again; as soon as it is removed it would make itself data under its old id. A new host has no unit yet.
  if (next.do !== 'promote') await runStep(step, work, `${lockGuard(work.token)}\ntimeout 60 systemctl stop etcd.service 2>/dev/null || [ "$(systemctl show -p LoadState --value etcd.service)" = not-found ]`);
  try {
    if (next.do === 'remove') await client.remove(next.id);
    // Refused until all members that are up have been connected for 5 s, and within a second of another one at this address.
    if (next.do === 'add-learner') await retried(work, patience, ['quorum-at-risk', 'peer-url-taken'], () => client.addLearner(peerUrl(spec)));
    if (next.do === 'promote') await client.promote(next.id);
  } catch (error) {
    if (!(error instanceof EtcdError && unsure.includes(error.reason))) throw error;
    await work.clock.sleep(500, work.signal);
  }
}

/** Tries again while etcd refuses for one of these reasons. */
async function retried<T>({ clock, signal }: Work, seconds: number, reasons: readonly EtcdReason[], attempt: () => Promise<T>): Promise<T> {
  const deadline = clock.monotonic() + seconds * 1000;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (clock.monotonic() > deadline || !(error instanceof EtcdError && reasons.includes(error.reason))) throw error;
    }
    await clock.sleep(300, signal);
  }
}

async function setDataAside(step: Step, work: Work): Promise<void> {
  await runStep(step, work, `${lockGuard(work.token)}
timeout 60 systemctl stop etcd.service 2>/dev/null
${setAsideScript(`${etcdDataFolder}.aside-$(date -u +%Y%m%dT%H%M%SZ)`)}`);
}

async function waitForStart(work: Work, spec: HostSpec): Promise<void> {
  const deadline = work.clock.monotonic() + patience * 1000;
  while (!(await joiningHost(work, spec)).hasData) {
    if (work.clock.monotonic() > deadline) throw notHealthy(spec, `did not start within ${patience} s`);
    await work.clock.sleep(200, work.signal);
  }
}

function notHealthy({ name }: HostSpec, what: string): KubekeepError {
  return new KubekeepError('not-healthy', `${name}: etcd ${what}`, { hint: `Look at journalctl -u etcd on ${name}, then run kubekeep apply again.` });
}

async function joiningHost(work: Work, spec: HostSpec): Promise<JoiningHost> {
  const found = await observeHost(spec, work.hosts.get(spec.name)!, 10_000, work.signal);
  if (!reachable(found)) throw new KubekeepError('host-unreachable', `${spec.name}: ${found.reason}`, { hint: 'Run kubekeep apply again when the host is back.' });
  const { active = '', sub = '' } = found.units.get('etcd.service') ?? {};
  const etcd = active === 'active' ? 'serving' : active === 'activating' && sub !== 'auto-restart' ? 'starting' : 'stopped';
  const others = hostsWith(work.cluster, 'etcd').filter(({ name }) => name !== spec.name).map(peerUrl);
  return { name: spec.name, peerUrl: peerUrl(spec), hasData: found.etcd.hasData, etcd, others };
}

/** A member that answers now, to speak with; several hosts may have changed since the plan was made. */
async function readyMember(work: Work, except: HostSpec): Promise<HostSpec> {
  const deadline = work.clock.monotonic() + 15_000;
  for (;;) {
    for (const spec of hostsWith(work.cluster, 'etcd')) {
      if (spec.name === except.name || !reachable(work.prepared.facts.hosts.get(spec.name))) continue;
      const found = await observeHost(spec, work.hosts.get(spec.name)!, 10_000, work.signal);
      if (reachable(found) && found.etcd.ready) return spec;
    }
    if (work.clock.monotonic() > deadline) throw new KubekeepError('quorum-risk', `${except.name} cannot join: no other etcd member answers`, { hint: 'Bring the majority of the members back first: kubekeep status names them.' });
    await work.clock.sleep(500, work.signal);
  }
}

function peerUrl({ address }: HostSpec): string {
  return `https://${address}:2380`;
}

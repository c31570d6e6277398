import type { EtcdClient } from '../../clients/etcd/connect-etcd.ts';
import { hostsWith, type HostSpec } from '../../cluster/cluster.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { expectSuccess } from '../../hosts/local.ts';
import { stateFolder } from '../../render/paths.ts';
import { etcdOf } from '../clients.ts';
import { reachable } from '../facts.ts';
import { lockGuard } from '../lock.ts';
import { observeHost } from '../observe.ts';
import { nextMemberStep, type MemberStep } from '../plan/next-member-step.ts';
import type { Step } from '../plan/plan.ts';
import { performComponent } from './perform-component.ts';
import type { Work } from './work.ts';

/**
 * Brings a host without data into an etcd cluster that exists, or back into it: the lost member is removed, a learner is added, started, and
 * promoted when it has caught up. After every change it looks again, so it also goes on where an earlier run was cut.
 */
export async function joinEtcd(step: Step, work: Work): Promise<void> {
  const spec = work.cluster.hosts.find(({ name }) => name === step.host)!;
  const helper = await readyMember(work, spec);
  const client = await etcdOf(helper, work.hosts.get(helper.name)!, work.prepared.opened.secrets, work.clock.now());
  try {
    for (;;) {
      work.signal.throwIfAborted();
      const next = nextMemberStep(await client.members(), await joiningHost(work, spec));
      if (next.do === 'nothing') break;
      work.progress({ type: 'note', host: spec.name, title: `etcd: ${next.do.replace('-', ' ')}`, detail: next.why });
      await performMemberStep(next, { client, step, work, spec });
    }
  } finally {
    client.close();
  }
  expectSuccess(await work.hosts.get(spec.name)!.run(`${lockGuard(work.token)}\ndate -u +%FT%TZ > ${stateFolder}/formed`), 'noting the membership');
}

async function performMemberStep(next: MemberStep, { client, step, work, spec }: { client: EtcdClient; step: Step; work: Work; spec: HostSpec }): Promise<void> {
  if (next.do === 'remove') return client.remove(next.id);
  if (next.do === 'add-learner') return client.addLearner(peerUrl(spec)).then(() => {});
  if (next.do === 'start') return performComponent(step, work, { wait: false }).then(() => waitForStart(work, spec));
  if (next.do === 'promote') return promote(client, next.id, work);
}

/** A learner is promoted when it is in sync; until then etcd refuses. */
async function promote(client: EtcdClient, id: string, { clock, signal }: Work): Promise<void> {
  const deadline = clock.monotonic() + 600_000;
  for (;;) {
    try {
      return await client.promote(id);
    } catch (error) {
      if (clock.monotonic() > deadline || !(error instanceof KubekeepError && /in sync with leader/.test(error.message))) throw error;
    }
    await clock.sleep(300, signal);
  }
}

async function waitForStart(work: Work, spec: HostSpec): Promise<void> {
  const deadline = work.clock.monotonic() + 60_000;
  while (!(await joiningHost(work, spec)).hasData) {
    if (work.clock.monotonic() > deadline) throw new KubekeepError('not-healthy', `${spec.name}: etcd did not start within 60 s`, { hint: `Look at journalctl -u etcd on ${spec.name}, then run kubekeep apply again.` });
    await work.clock.sleep(200, work.signal);
  }
}

async function joiningHost(work: Work, spec: HostSpec) {
  const found = await observeHost(spec, work.hosts.get(spec.name)!, 10_000, work.signal);
  if (!reachable(found)) throw new KubekeepError('host-unreachable', `${spec.name}: ${found.reason}`, { hint: 'Run kubekeep apply again when the host is back.' });
  const active = found.units.get('etcd.service')?.active;
  return { name: spec.name, peerUrl: peerUrl(spec), hasData: found.etcd.hasData, running: active === 'active' || active === 'activating' };
}

async function readyMember(work: Work, except: HostSpec): Promise<HostSpec> {
  for (const spec of hostsWith(work.cluster, 'etcd')) {
    const found = work.prepared.facts.hosts.get(spec.name);
    if (spec.name !== except.name && reachable(found) && found.etcd.ready) return spec;
  }
  throw new KubekeepError('quorum-risk', `${except.name} cannot join: no other etcd member answers`, { hint: 'Bring the majority of the members back first: kubekeep status names them.' });
}

function peerUrl({ address }: HostSpec): string {
  return `https://${address}:2380`;
}

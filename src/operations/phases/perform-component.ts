import { KubekeepError } from '../../lib/errors.ts';
import { expectSuccess } from '../../hosts/local.ts';
import type { RunResult } from '../../hosts/host.ts';
import type { ComponentDesign } from '../../render/design.ts';
import type { Step } from '../plan/step.ts';
import { materialize, stepExit, stepScript } from '../step-script.ts';
import { lockLost } from './note-on.ts';
import type { Work } from './work.ts';

/**
 * Writes the files of one component on one host and brings them into force. `wait: false` starts the unit and returns at once: in a new cluster etcd
 * is up only when a majority is, and the API server when etcd is. `afterwards`: shell lines for when that is done.
 */
export async function performComponent(step: Step, work: Work, { wait, afterwards }: { readonly wait: boolean; readonly afterwards?: string }): Promise<void> {
  const design = designOf(step, work);
  const { files, keys } = await materialize(design, step.write, work.prepared.opened.secrets, work.clock.now());
  const script = stepScript({ token: work.token, journal: `${step.id} ${step.action} by ${work.user}`, design, files, keys, activate: [...activation(design, step, work, wait), ...(afterwards === undefined ? [] : [afterwards])] });
  await runStep(step, work, script);
}

export function designOf(step: Step, { prepared }: Work): ComponentDesign {
  const design = prepared.designs.get(step.host)?.find(({ name }) => name === step.component);
  if (!design) throw new Error(`no design of ${step.component} for ${step.host}`);
  return design;
}

/** Runs a step's script and turns its exit codes into errors. */
export async function runStep(step: Step, work: Work, script: string): Promise<RunResult> {
  const host = work.hosts.get(step.host)!;
  // The script is short and must not be left half-way: Ctrl-C waits for it.
  const result = await host.run(script, { timeout: 300_000 });
  if (result.exitCode === stepExit.lockLost) throw lockLost(step.host);
  if (result.exitCode === stepExit.checkFailed) {
    throw new KubekeepError('not-healthy', `${step.host}: ${step.component} refuses its new configuration, the old one stays: ${result.stderr.trim().split('\n').slice(-3).join(' | ')}`, { hint: 'Correct the cluster file, then run kubekeep apply again.' });
  }
  return expectSuccess(result, step.title);
}

/** systemd's answer is waited for so long; the gates that follow say what is missing. A script that never ended would block the next run. */
const patiently = 'timeout 120 systemctl';

/** Whatever ends the script, as an etcd that does not come up does: the API server that it stopped runs again. */
const apiServerAway = `systemctl is-active -q kube-apiserver.service && { trap 'systemctl start --no-block kube-apiserver.service || exit 1' EXIT; systemctl stop kube-apiserver.service; }`;

function activation({ unit, companions = [] }: ComponentDesign, step: Step, { cluster }: Work, wait: boolean): string[] {
  if (!unit) return [];
  const units = [...companions, unit].join(' ');
  const command = (verb: string) => (wait ? `${patiently} ${verb} ${units} || exit 1` : `systemctl ${verb} --no-block ${units} || exit 1`);
  const enable = `systemctl enable -q ${units} || exit 1`;
  const again = `systemctl reset-failed ${units} 2>/dev/null`;
  const spec = cluster.hosts.find(({ name }) => name === step.host)!;
  if (step.action === 'none') return [enable];
  if (step.action === 'reload') return [enable, `${patiently} reload ${unit} || exit 1`];
  if (step.action === 'start') return [enable, again, command('start')];
  // Its API server uses this member only: it drains and stops first, so that no request meets an etcd that is away.
  const drains = step.component === 'etcd' && step.action === 'restart' && wait && spec.roles.includes('control-plane');
  return [
    enable,
    again,
    ...(drains ? [apiServerAway] : []),
    command('restart'),
  ];
}

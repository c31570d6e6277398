import type { Subject } from './seen-hosts.ts';
import type { Finding, Judged } from './report.ts';

const oldestSystemd = 250;
const architectures = ['x86_64', 'aarch64'];
const oldestPackages: Readonly<Record<string, readonly [number, number]>> = { haproxy: [2, 6], keepalived: [2, 2] };

/** Distribution, architecture, systemd and basic programs. */
export function judgeSystem({ seen: { probe } }: Subject): Judged {
  const { os, init, architecture, missingTools, packages } = probe;
  const found = `${os.id} ${os.version}, ${architecture}, ${init.name} ${init.version ?? ''}`.replace('x86_64', 'amd64').replace('aarch64', 'arm64').trim();
  const refused = (reason: string, hint?: string): Finding => ({ verdict: 'refused', reason, ...(hint && { hint }) });
  const findings: Finding[] = [];
  if (!probe.hasApt) findings.push(refused(`${os.title || 'the system'} has no apt-get; packages come from apt only`, 'Use Debian 12 or 13.'));
  else if (!(os.id === 'debian' && ['12', '13'].includes(os.version))) findings.push({ verdict: 'warning', reason: `${os.title} is not tested; Debian 12 and 13 are` });
  if (!architectures.includes(architecture)) findings.push(refused(`the architecture ${architecture} is not supported`, 'Kubernetes is built for amd64 and arm64 here.'));
  if (init.name !== 'systemd') findings.push(refused(`process 1 is ${init.name}, not systemd`));
  else if ((init.version ?? 0) < oldestSystemd) findings.push(refused(`systemd ${init.version ?? 'of unknown version'} is older than ${oldestSystemd}`));
  if (missingTools.length > 0) findings.push(refused(`basic programs are missing: ${missingTools.join(', ')}`, 'apt-get install -y iproute2 util-linux passwd coreutils perl-base'));
  if (probe.selinuxEnforcing) findings.push(refused('SELinux is enforcing, and there is no policy for it', 'Set it to permissive in /etc/selinux/config.'));
  for (const [name, oldest] of Object.entries(oldestPackages)) {
    const version = packages.get(name);
    if (version && isOlder(version, oldest)) findings.push(refused(`${name} ${version} is older than ${oldest.join('.')}`));
  }
  const unnamed = [...packages].filter(([, version]) => version === '').map(([name]) => name);
  if (unnamed.length > 0) findings.push({ verdict: 'unknown', reason: `apt knows no version of ${unnamed.join(', ')} yet; apply fetches its lists first` });
  if (probe.unattendedUpgrades && ['haproxy', 'keepalived'].some((name) => packages.has(name) && !probe.heldPackages.has(name))) {
    findings.push({ verdict: 'warning', reason: 'unattended-upgrades may restart HAProxy and keepalived on all hosts at once', hint: 'apt-mark hold haproxy keepalived' });
  }
  return { found, findings };
}

/** What of somebody else is there: services, data, another cluster. */
export function judgeOthers({ spec, seen: { probe }, all }: Subject): Judged {
  const { identity, units, remains, usersWithoutGroup } = probe;
  const findings: Finding[] = [];
  if (identity && identity.cluster !== all.cluster.name) {
    findings.push({ verdict: 'refused', reason: `the host belongs to the cluster ${identity.cluster}`, hint: 'Run kubekeep destroy with the file of that cluster, or reinstall the host.' });
  }
  const ids = new Set([...all.hosts.values()].flatMap((seen) => ('probe' in seen && seen.probe.identity?.cluster === all.cluster.name ? [seen.probe.identity.id] : [])));
  if (identity && ids.size > 1) findings.push({ verdict: 'refused', reason: `the hosts belong to ${ids.size} different clusters called ${all.cluster.name}`, hint: 'Check the addresses in the cluster file.' });
  const foreign = units.filter(({ active, ours, unit }) => active && !ours && !(identity && unit.startsWith('kubekeep-'))).map(({ unit }) => unit);
  for (const unit of foreign) findings.push({ verdict: 'refused', reason: `${unit} of somebody else is running`, hint: `systemctl disable --now ${unit}, if nobody needs it there.` });
  for (const path of remains) findings.push({ verdict: 'refused', reason: `${path} has the remains of another installation`, hint: `Move ${path} away if nobody needs it there.` });
  for (const user of usersWithoutGroup) findings.push({ verdict: 'refused', reason: `there is a user ${user} without a group of that name`, hint: `groupadd ${user}, and make it the user's group.` });
  const twin = all.cluster.hosts.find(({ name }) => name !== spec.name && sameMachine(all, name, probe.machineId));
  if (twin) findings.push({ verdict: 'warning', reason: `${twin.name} has the same machine-id: the same machine, or a copy of it`, hint: 'On a copy: rm /etc/machine-id; systemd-machine-id-setup; reboot.' });
  return { found: findings.length > 0 ? `${findings.length} in the way` : identity ? `of ${identity.cluster}` : 'nothing', findings };
}

function sameMachine({ hosts }: Subject['all'], name: string, machineId: string): boolean {
  const seen = hosts.get(name);
  return machineId !== '' && seen !== undefined && 'probe' in seen && seen.probe.machineId === machineId;
}

function isOlder(version: string, oldest: readonly [number, number]): boolean {
  const [, major = 0, minor = 0] = (/(?:\d+:)?(\d+)\.(\d+)/.exec(version) ?? []).map(Number);
  return major < oldest[0] || (major === oldest[0] && minor < oldest[1]);
}

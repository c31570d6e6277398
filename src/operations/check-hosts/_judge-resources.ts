import { slowEtcdTimes } from '../../cluster/slow-etcd-times.ts';
import type { Subject } from './seen-hosts.ts';
import type { Place } from './probe.ts';
import type { Finding, Judged } from './report.ts';

const gigabyte = 1e9;
/** Milliseconds: the 99th percentile of etcd's synced writes that its default timings stand. */
const slowestDisk = 10;
/** Milliseconds. */
const largestOffset = 500;

export function judgeSpace({ spec, seen: { probe }, all }: Subject): Judged {
  const needs: readonly { path: string; use: string; least: number; better?: number; executable?: true }[] = [
    { path: '/etc', use: 'settings', least: 0.01 * gigabyte },
    { path: '/opt', use: 'programs', least: probe.identity ? 0.2 * gigabyte : gigabyte, executable: true },
    { path: '/var/lib', use: 'state and logs', least: gigabyte, better: 4 * gigabyte },
    ...(spec.roles.includes('etcd') ? [{ path: '/var/lib/etcd', use: "etcd's data", least: 2 * gigabyte, better: 1.5 * all.cluster.etcd.quotaBackendBytes }] : []),
  ];
  const findings = needs.flatMap(({ path, use, least, better = 0, executable = false }): Finding[] => {
    const place = probe.places.get(path);
    if (!place) return [{ verdict: 'unknown', reason: `${path} could not be looked at` }];
    if (!place.writable) return [{ verdict: 'refused', reason: `${path} cannot be written (a read-only file system?)`, hint: `Mount it so that ${use} can be written there.` }];
    if (executable && !place.executable) return [{ verdict: 'refused', reason: `programs cannot be run from ${path} (mounted noexec)`, hint: `mount -o remount,exec, and the same in /etc/fstab.` }];
    if (place.free < least) return [{ verdict: 'refused', reason: `${path} has ${inWords(place.free)} free; ${use} need at least ${inWords(least)}` }];
    if (place.free < better) return [{ verdict: 'warning', reason: `${path} has ${inWords(place.free)} free; ${use} may come to need ${inWords(better)}` }];
    return [];
  });
  const free = (path: string) => inWords((probe.places.get(path) as Place | undefined)?.free ?? 0);
  return { found: `/opt ${free('/opt')}, /var ${free('/var/lib')} free`, findings };
}

/** Time that a synced write takes; etcd lives and dies with it. */
export function judgeDisk({ seen: { probe }, all }: Subject): Judged | undefined {
  const { disk } = probe;
  if (!disk) return undefined;
  if ('failed' in disk) return { found: 'not measured', findings: [{ verdict: 'unknown', reason: `the disk could not be measured: ${disk.failed}` }] };
  const found = `fdatasync p99 ${disk.p99.toFixed(1)} ms`;
  if (disk.p99 <= slowestDisk) return { found };
  const reason = `1 of 100 synced writes takes more than ${disk.p99.toFixed(0)} ms (half of them ${disk.median.toFixed(1)} ms); etcd wants 10 ms`;
  if (all.slowDisk) return { found, findings: [{ verdict: 'warning', reason }] };
  return { found, findings: [{ verdict: 'refused', reason, hint: `Use a faster disk, or accept it with --slow-disk, which sets spec.etcd.heartbeatInterval to ${slowEtcdTimes.heartbeatInterval} and electionTimeout to ${slowEtcdTimes.electionTimeout}.` }] };
}

export function judgeClock({ seen: { clock, probe } }: Subject): Judged {
  const { offset, uncertainty } = clock;
  const found = `${offset >= 0 ? '+' : '-'}${Math.abs(offset).toFixed(0)} ms${uncertainty > 50 ? ` ± ${uncertainty.toFixed(0)}` : ''}`;
  const findings: Finding[] = [];
  if (Math.abs(offset) - uncertainty > largestOffset) {
    findings.push({ verdict: 'refused', reason: `the clock is ${inSeconds(Math.abs(offset))} ${offset > 0 ? 'ahead of' : 'behind'} this computer's`, hint: 'Set both by NTP: apt-get install -y chrony.' });
  } else if (uncertainty > largestOffset) {
    findings.push({ verdict: 'unknown', reason: `the connection is too slow to compare the clocks (± ${inSeconds(uncertainty)})` });
  }
  // A container has the clock of its computer, and no service may set it there.
  if (!probe.timeService && !probe.container) findings.push({ verdict: 'warning', reason: 'no service keeps the clock right', hint: 'apt-get install -y chrony' });
  return { found, findings };
}

export function judgeLimits({ spec, seen: { probe } }: Subject): Judged {
  const findings: Finding[] = [];
  if (probe.openFiles < 1500) findings.push({ verdict: 'refused', reason: `the limit of ${probe.openFiles} open files is too low for any use`, hint: 'Raise DefaultLimitNOFILE in /etc/systemd/system.conf.' });
  else if (probe.openFiles < 20_000) findings.push({ verdict: 'warning', reason: `the limit of ${probe.openFiles} open files leaves HAProxy fewer connections than usual`, hint: 'Raise DefaultLimitNOFILE in /etc/systemd/system.conf.' });
  const memory = spec.roles.includes('control-plane') ? 1.7 * gigabyte : 0.4 * gigabyte;
  if (probe.memory < memory) findings.push({ verdict: 'warning', reason: `${inWords(probe.memory)} of memory are little for ${spec.roles.join(', ')}` });
  return { found: `${probe.openFiles >= 1e9 ? 'unlimited' : probe.openFiles} files, ${inWords(probe.memory)}`, findings };
}

function inWords(bytes: number): string {
  return bytes < gigabyte ? `${(bytes / 1e6).toFixed(0)} MB` : `${(bytes / gigabyte).toFixed(bytes < 10 * gigabyte ? 1 : 0)} GB`;
}

function inSeconds(milliseconds: number): string {
  if (milliseconds < 10_000) return `${(milliseconds / 1000).toFixed(1)} s`;
  if (milliseconds < 7_200_000) return `${(milliseconds / 60_000).toFixed(0)} min`;
  return milliseconds < 172_800_000 ? `${(milliseconds / 3_600_000).toFixed(0)} h` : `${(milliseconds / 86_400_000).toFixed(0)} days`;
}

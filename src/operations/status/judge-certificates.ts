import { X509Certificate } from 'node:crypto';
import { daysLeft, renewalTime } from '../../pki/judge-leaf.ts';
import { pkiFolder } from '../../render/paths.ts';
import { reachable } from '../facts.ts';
import type { CertificateStatus, Finding } from './cluster-status.ts';
import type { Judged } from './judged.ts';
import type { Observation } from './observation.ts';
import { list } from './words.ts';

const soon = 30;

interface Seen extends CertificateStatus {
  /** Past two thirds of its life; apply renews it. */
  readonly due: boolean;
}

/** How long the certificates on each host are good for. */
export function judgeCertificates({ cluster, facts }: Observation): Judged<ReadonlyMap<string, CertificateStatus>> {
  const status = new Map<string, CertificateStatus>();
  const findings: Finding[] = [];
  for (const { name } of cluster.hosts) {
    const found = facts.hosts.get(name);
    if (!reachable(found)) continue;
    const read = [...found.certificates].map(([path, pem]) => ({ path, seen: readCertificate(path, pem, facts.observedAt) }));
    const seen = read.flatMap((one) => (one.seen ? [one.seen] : [])).sort((a, b) => a.expires.localeCompare(b.expires));
    if (seen[0]) status.set(name, { path: seen[0].path, expires: seen[0].expires, daysLeft: seen[0].daysLeft });
    const unreadable = read.filter((one) => !one.seen).map(({ path }) => path);
    if (unreadable.length > 0) findings.push({ message: `${name}: ${some(unreadable)} cannot be read as a certificate`, next: 'kubekeep apply issues it again.' });
    findings.push(...timeFindings(name, seen));
  }
  return { status, findings };
}

function readCertificate(path: string, pem: string, now: number): Seen | undefined {
  try {
    const expires = new X509Certificate(pem).validToDate.toISOString();
    return { path, expires, daysLeft: daysLeft(pem, now), due: !path.endsWith('ca.crt') && now >= renewalTime(pem) };
  } catch {
    return undefined;
  }
}

function timeFindings(host: string, seen: readonly Seen[]): Finding[] {
  const expired = seen.filter(({ daysLeft }) => daysLeft < 0);
  const expiring = seen.filter(({ daysLeft }) => daysLeft >= 0 && daysLeft < soon);
  const due = seen.filter((one) => one.due && !expired.includes(one) && !expiring.includes(one));
  const next = 'kubekeep apply renews it and restarts what uses it, one host at a time.';
  const together = "kubekeep apply renews it and restarts what uses it: etcd's members together, since those with an old and with a new certificate refuse each other, all else one host at a time.";
  const sentence = (which: string, first: Seen, verb: string) => `${host}: ${which} ${verb} on ${first.expires.slice(0, 10)}`;
  return [
    ...(expired[0] ? [{ message: sentence(some(paths(expired)), expired[0], 'expired'), next: expired.some(({ path }) => path === `${pkiFolder}/etcd/peer.crt`) ? together : next }] : []),
    ...(expiring[0] ? [{ message: `${sentence(some(paths(expiring)), expiring[0], expiring.length > 1 ? 'expire' : 'expires')}, in ${expiring[0].daysLeft} days`, next }] : []),
    ...(due[0] ? [{ message: `${host}: ${some(paths(due))} ${due.length > 1 ? 'are' : 'is'} past two thirds of ${due.length > 1 ? 'their' : 'its'} life`, next }] : []),
  ];
}

function paths(seen: readonly Seen[]): string[] {
  return seen.map(({ path }) => path);
}

function some(all: readonly string[]): string {
  return all.length <= 3 ? list(all) : `${all.slice(0, 2).join(', ')} and ${all.length - 2} more`;
}

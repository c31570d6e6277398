import { quote } from '../../hosts/quote.ts';
import { parallel } from '../../lib/parallel.ts';
import { lockGuard } from '../lock.ts';
import { packagesFor, usersFor } from '../plan/preparation.ts';
import type { Step } from '../plan/step.ts';
import { copyFollower } from '../follower/copy-follower.ts';
import { platformOn } from '../platform.ts';
import { followerProgram } from '../plan/follower-remains.ts';
import { materialize, notePending, recordSums, stepScript } from '../step-script.ts';
import { designOf, runStep } from './perform-component.ts';
import type { Work } from './work.ts';

/** Packages, users, kernel settings, and the programs: everything that can be put on a host while its services go on. */
export async function prepareHost(step: Step, work: Work): Promise<void> {
  const spec = work.cluster.hosts.find(({ name }) => name === step.host)!;
  const design = designOf(step, work);
  const { files } = await materialize(design, step.write, work.prepared.opened.secrets, work.clock.now());
  const balancer = spec.roles.includes('load-balancer');
  const activate = [
    ...(balancer ? ['systemctl mask -q haproxy.service keepalived.service', 'systemctl stop haproxy.service keepalived.service 2>/dev/null'] : []),
    installScript(packagesFor(spec)),
    ...usersFor(work.cluster, spec).map((user) => `getent passwd ${user} > /dev/null || useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin ${user} || exit 1`),
    ...(balancer ? ['sysctl -q -p /etc/sysctl.d/90-kubekeep.conf || exit 1'] : []),
    ...(step.write.some((path) => path.includes('journald')) ? ['systemctl try-restart systemd-journald.service'] : []),
  ];
  await runStep(step, work, stepScript({ token: work.token, journal: `${step.id} prepare by ${work.user}`, design, files, keys: new Map(), activate }));
  await copyPrograms(step, work);
  if (step.programs.includes(followerProgram)) await copyFollower(step, work);
}

/** A power cut in the middle of an installation leaves dpkg in a state that it has to be asked to leave; another user of it is waited for. */
function installScript(packages: readonly string[]): string {
  const list = packages.map(quote).join(' ');
  return `if ! dpkg-query -W -f '\${db:Status-Abbrev}' ${list} 2>/dev/null | grep -qx "$(printf 'ii %.0s' $(seq ${packages.length}))"; then
  export DEBIAN_FRONTEND=noninteractive
  { dpkg --configure -a && apt-get update -q && apt-get install -y -q -o DPkg::Lock::Timeout=120 --no-install-recommends ${list}; } >&2 8>&- || exit 1
fi`;
}

/** A unit that runs a program which is replaced is noted as waiting for its restart first. */
async function copyPrograms(step: Step, work: Work): Promise<void> {
  const host = work.hosts.get(step.host)!;
  const found = work.prepared.facts.hosts.get(step.host);
  const platform = platformOn(step.host, work.prepared.facts);
  const components = (work.prepared.designs.get(step.host) ?? []).filter(({ programs }) => Object.keys(programs).some((name) => step.programs.includes(name)));
  const running = components.flatMap(({ unit }) => (unit && found?.reachable && found.units.get(unit)?.active === 'active' ? [unit] : []));
  if (running.length > 0) await runStep(step, work, [lockGuard(work.token), notePending(running)].join('\n'));
  // Two components may have one and the same program.
  const copies = [...new Map(components.flatMap(({ programs }) => Object.entries(programs)))].filter(([name]) => name !== followerProgram && step.programs.includes(name));
  const total = copies.reduce((sum, [name]) => sum + programOf(name).size, 0);
  const sent = new Map<string, number>();
  const report = () => work.progress({ type: 'bytes', host: step.host, title: 'copying programs', bytes: [...sent.values()].reduce((sum, one) => sum + one, 0), total });
  const sums = await parallel(copies, async ([name, target]) => {
    const { path, sha256 } = programOf(name);
    await host.upload({ source: path, target, mode: 0o755, sha256 }, { signal: work.signal, onBytes: (bytes) => (sent.set(name, bytes), report()) });
    return [target, sha256] as const;
  });
  if (sums.length > 0) await runStep(step, work, [lockGuard(work.token), recordSums(new Map(sums))].join('\n'));

  function programOf(name: string) {
    const program = work.programs.find((one) => one.name === name && one.platform === platform);
    if (!program) throw new Error(`${name} was not fetched for ${platform}`);
    return program;
  }
}

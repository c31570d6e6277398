import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readEnvironment } from '../src/cli/env.ts';
import type { Host } from '../src/hosts/host.ts';
import { expectSuccess } from '../src/hosts/local.ts';
import { runProcess } from '../src/hosts/process.ts';
import { sshHost } from '../src/hosts/ssh.ts';
import { createLab } from '../src/lab/create-lab.ts';
import { destroyLab } from '../src/lab/destroy-lab.ts';
import { findMachine, knownHostsFile, loginOf, type Lab } from '../src/lab/lab.ts';
import { systemClock } from '../src/lib/clock.ts';
import { silent } from '../src/lib/progress.ts';
import { ensureImage } from '../src/programs/images/ensure-image.ts';

export const webServers = ['w1', 'w2'] as const;
export type WebServer = (typeof webServers)[number];

/** Where HAProxy's admin socket is on the balancer, for who reaches it by a forward. */
export const adminPort = 9999;
export const frontPort = 8080;
/** Where the web servers are, as a Service's node port. */
export const nodePort = 30_080;

/** A balancer and two web servers, whose pages cost some processor time each. */
export interface Machines extends AsyncDisposable {
  readonly lab: Lab;
  readonly hosts: ReadonlyMap<string, Host>;
  addressOf(machine: string): string;
  /** Runs a script on a machine. Throws where it fails. */
  on(machine: string, script: string): Promise<string>;
  /** Lets a machine use that many processors at the most, in slices short enough not to show. */
  limit(machine: string, processors: number | undefined): Promise<void>;
  /** Seconds of processors that a machine has used. */
  used(machine: string): Promise<number>;
}

/** HAProxy, nginx and wrk are Debian's. */
export async function makeMachines(name: string): Promise<Machines> {
  const environment = readEnvironment();
  const folder = await mkdtemp('/var/tmp/kubekeep-bench-balance-');
  const image = await ensureImage({ release: 'trixie', packages: ['nginx-light'], cacheFolder: environment.cacheFolder, progress: ({ type, title }) => type === 'started' && console.log(title), clock: systemClock });
  const lab = await createLab({ name, directory: join(folder, 'lab'), image, machines: ['lb', ...webServers].map((one) => ({ name: one })), runtimeFolder: environment.runtimeFolder, progress: silent, raiseLimits: true });
  const hosts = new Map(lab.machines.map((machine) => [machine.name, sshHost({ name: machine.name, ...loginOf(lab, machine) }, { folder: join(environment.runtimeFolder, 'ssh'), knownHosts: knownHostsFile(lab) })]));
  const on = async (machine: string, script: string) => expectSuccess(await hosts.get(machine)!.run(script), `a script on ${machine}`).stdout;
  for (const server of webServers) {
    await hosts.get(server)!.write(nginxFiles);
    await on(server, 'systemctl enable -q nginx.service; systemctl restart nginx.service');
  }
  return {
    lab, hosts, on,
    addressOf: (machine) => findMachine(lab, machine).address,
    limit: (machine, processors) => limit(findMachine(lab, machine).machineId, processors),
    used: async (machine) => Number(await on(machine, `sed -n 's/^usage_usec //p' /sys/fs/cgroup/cpu.stat`)) / 1e6,
    async [Symbol.asyncDispose]() {
      await Promise.all([...hosts.values()].map((host) => host.close()));
      await destroyLab(name, { runtimeFolder: environment.runtimeFolder, progress: silent });
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A page of 100 KB that is compressed anew for each request, and one that costs nothing. */
const nginxFiles = [
  {
    path: '/etc/nginx/nginx.conf',
    mode: 0o644,
    content: `worker_processes 1;
events { worker_connections 1024; }
http {
  access_log off;
  gzip on; gzip_comp_level 9; gzip_proxied any; gzip_types text/plain;
  server { listen ${nodePort}; root /srv; location = /small { gzip off; default_type text/plain; return 200 "ok\\n"; } }
}
`,
  },
  { path: '/srv/page.txt', mode: 0o644, content: Array.from({ length: 2500 }, (_, line) => `${line}: ${((line * 7919) % 104_729) ** 3} is written here, and nothing else\n`).join('') },
];

/** Of a computer without systemd the lab has made the cgroup; elsewhere systemd has. */
async function limit(machineId: string, processors: number | undefined): Promise<void> {
  const folder = `/sys/fs/cgroup/cpu/kubekeep-${machineId}`;
  if (!existsSync(folder)) {
    await runProcess('systemctl', ['set-property', '--runtime', `kubekeep-lab-${machineId}.service`, `CPUQuota=${processors === undefined ? '' : `${Math.round(processors * 100)}%`}`, 'CPUQuotaPeriodSec=10ms']);
    return;
  }
  await writeFile(join(folder, 'cpu.cfs_period_us'), '10000');
  await writeFile(join(folder, 'cpu.cfs_quota_us'), processors === undefined ? '-1' : String(Math.max(1000, Math.round(processors * 10_000))));
}

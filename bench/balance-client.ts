import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProcess } from '../src/hosts/process.ts';
import { servicesFolder } from '../src/render/paths.ts';
import type { Configuration } from './balance-configs.ts';
import { frontPort, type Machines } from './balance-machines.ts';

/** A request as the balancer has noted it. */
export interface Answered {
  /** ms since the epoch. */
  readonly begin: number;
  readonly end: number;
  readonly server: string;
  readonly status: number;
}

/** What wrk says of a run. */
export interface Said {
  readonly requests: number;
  readonly perSecond: number;
  /** Connections that broke, answers that did not come, and those that were no 2xx or 3xx. */
  readonly failed: number;
}

const logFile = '/run/bench.log';

/** Starts HAProxy with a configuration, and an empty log. With another port it is one more, beside the one at the usual port. */
export async function startHaproxy({ hosts, on, addressOf }: Machines, { config, lua }: Configuration, port = frontPort): Promise<void> {
  const [unit, file] = [`bench-haproxy-${port}`, `/etc/haproxy/bench-${port}.cfg`];
  await hosts.get('lb')!.write([{ path: file, mode: 0o644, content: config }, ...(lua === undefined ? [] : [{ path: `${servicesFolder}/close-dead.lua`, mode: 0o644, content: lua }])]);
  await on('lb', `systemctl stop ${unit}.service 2> /dev/null; : > ${logFile}; chmod 666 ${logFile}
haproxy -c -q -f ${file} && systemd-run -q --collect --unit=${unit} -p StandardOutput=append:${logFile} ${lua === undefined ? '' : '-p RuntimeDirectory=kubekeep-services'} haproxy -W -f ${file}
for turn in $(seq 50); do curl -sf -o /dev/null -m 1 http://${addressOf('lb')}:${port}/small && exit 0; sleep 0.1; done; exit 1`);
}

/** Everything that HAProxy has noted since it was started. */
export async function readLog({ on }: Machines): Promise<readonly Answered[]> {
  return (await on('lb', `cat ${logFile}`)).split('\n').flatMap((line) => {
    const [, end, took, server, status] = /^(\d{13}) (-?\d+) (\S+) (-?\d+)$/.exec(line) ?? [];
    return end === undefined ? [] : [{ begin: Number(end) - Math.max(0, Number(took)), end: Number(end), server: server!, status: Number(status) }];
  });
}

/** Connections that each wait 200 to 400 ms between an answer and the next request: some 50 requests a second. `seconds` long. */
export function visit(machines: Machines, seconds: number): Promise<Said> {
  return wrk(machines, ['-c', '16', '-d', `${seconds}s`, '--timeout', '20s'], `wrk.headers["Accept-Encoding"] = "gzip"
function delay() return math.random(200, 400) end`, '/page.txt');
}

/** As many small requests as get through. */
export function flood(machines: Machines, seconds: number, port = frontPort): Promise<Said> {
  return wrk(machines, ['-c', '32', '-d', `${seconds}s`], '', '/small', port);
}

async function wrk({ addressOf }: Machines, options: readonly string[], lua: string, path: string, port = frontPort): Promise<Said> {
  const folder = await mkdtemp('/var/tmp/kubekeep-bench-wrk-');
  try {
    const script = join(folder, 'visit.lua');
    await writeFile(script, `${lua}
function done(summary)
  local e = summary.errors
  io.write(string.format("said %d %f %d\\n", summary.requests, summary.requests / summary.duration * 1e6, e.connect + e.read + e.write + e.timeout + e.status))
end
`);
    const { stdout, stderr, exitCode } = await runProcess('wrk', ['-t', '1', ...options, '-s', script, `http://${addressOf('lb')}:${port}${path}`]);
    const [, requests, perSecond, failed] = /^said (\d+) ([\d.]+) (\d+)$/m.exec(stdout) ?? [];
    if (exitCode !== 0 || requests === undefined) throw new Error(`wrk did not work: ${stderr}${stdout}`);
    return { requests: Number(requests), perSecond: Number(perSecond), failed: Number(failed) };
  } finally {
    await rm(folder, { recursive: true });
  }
}

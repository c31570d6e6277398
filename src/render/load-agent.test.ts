import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { agentScript } from './load-agent.ts';

describe('what a worker says of its load', { concurrency: true }, () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'kubekeep-agent-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  /** The first answer where the files of the cgroup change after the script has read them for the first time. */
  async function answer(name: string, earlier: Readonly<Record<string, string>>, later: Readonly<Record<string, string>> = {}): Promise<number | undefined> {
    const at = join(folder, name);
    const write = (files: Readonly<Record<string, string>>) => Object.entries(files).forEach(([file, text]) => {
      mkdirSync(join(at, file, '..'), { recursive: true });
      writeFileSync(join(at, file), text);
    });
    write(earlier);
    // The second look waits until the files are as they are to be.
    const script = agentScript.replaceAll('/sys/fs/cgroup', at).replace('sleep $pause', 'echo looked; read -r _').replaceAll('/proc/uptime', `${at}/uptime`);
    const agent = spawn('sh', ['-c', `echo 100.00 0 > ${at}/uptime; ${script}`], { stdio: ['pipe', 'pipe', 'inherit'] });
    try {
      for await (const line of lines(agent.stdout)) {
        if (line !== 'looked') return Number.parseInt(line, 10);
        write({ ...later, uptime: '101.00 0' });
        agent.stdin.write('\n');
      }
      return undefined;
    } finally {
      agent.kill();
    }
  }

  async function* lines(stream: AsyncIterable<Buffer>): AsyncGenerator<string> {
    for await (const piece of stream) yield* piece.toString().split('\n').filter((line) => line !== '');
  }

  const pressure = (some: number) => `some avg10=0.00 avg60=0.00 avg300=0.00 total=${some}\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=999999999\n`;
  const idle = { 'cpu.stat': 'usage_usec 5000000\nuser_usec 1\n', 'cpu.max': '200000 100000\n', 'cpu.pressure': pressure(100), 'memory.pressure': pressure(100) };

  const cases: readonly (readonly [title: string, earlier: Readonly<Record<string, string>>, later: Readonly<Record<string, string>>, left: number | undefined])[] = [
    ['everything is left where nothing ran', idle, {}, 100],
    ['what it used of the processors that it may use', idle, { 'cpu.stat': 'usage_usec 5500000\n' }, 75],
    ['nothing where it used more than it may', idle, { 'cpu.stat': 'usage_usec 9500000\n' }, 0],
    ['the time in which something waited for a processor, where that is more', idle, { 'cpu.stat': 'usage_usec 5500000\n', 'cpu.pressure': pressure(700_100) }, 30],
    ['the time in which something waited for memory', idle, { 'memory.pressure': pressure(900_100) }, 10],
    ['a counter that began anew is nothing', { ...idle, 'cpu.pressure': pressure(5_000_000) }, { 'cpu.pressure': pressure(0) }, 100],
    ['a kernel without pressure tells what was used', { 'cpu.stat': idle['cpu.stat'], 'cpu.max': idle['cpu.max'] }, { 'cpu.stat': 'usage_usec 6000000\n' }, 50],
    ['version 1 of cgroups with a quota', { 'cpuacct/cpuacct.usage': '5000000000\n', 'cpu/cpu.cfs_quota_us': '50000\n', 'cpu/cpu.cfs_period_us': '100000\n' }, { 'cpuacct/cpuacct.usage': '5250000000\n' }, 50],
    ['version 1 without a limit knows its processors', { 'cpuacct/cpuacct.usage': '5000000000\n', 'cpu/cpu.cfs_quota_us': '-1\n', 'cpu/cpu.cfs_period_us': '100000\n' }, {}, 100],
    ['no cgroups: it says nothing', { nothing: '' }, {}, undefined],
  ];
  for (const [at, [title, earlier, later, left]] of cases.entries()) it(title, async () => assert.equal(await answer(String(at), earlier, later), left));
});

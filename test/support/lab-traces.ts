import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { runProcess } from '../../src/hosts/process.ts';
import { runtimeTag } from '../../src/lab/layout.ts';

/**
 * Everything on this computer that carries the tag of a run-time folder in its name, one line each: processes, processes in machines, mounts, loop devices,
 * interfaces, cgroups, units, nftables tables, nspawn's own files. Looks by itself and shares nothing with the code that cleans up but the tag.
 */
export async function labTraces(runtimeFolder: string): Promise<readonly string[]> {
  const tag = runtimeTag(runtimeFolder);
  const output = async (program: string, ...args: string[]) => (await runProcess(program, args)).stdout.split('\n');
  const tagged = (kind: string, lines: readonly string[]) => lines.filter((line) => line.includes(tag)).map((line) => `${kind}: ${line.trim()}`);
  return [
    ...tagged('process', processes()),
    ...tagged('mount', readFileSync('/proc/self/mountinfo', 'utf8').split('\n')),
    ...tagged('loop', await output('losetup', '--list', '--noheadings', '--output', 'NAME,BACK-FILE')),
    ...tagged('interface', await output('ip', '-brief', 'link')),
    ...tagged('cgroup', await output('find', '/sys/fs/cgroup', '-name', `*${tag}*`)),
    ...tagged('unit', existsSync('/run/systemd/system') ? await output('systemctl', 'list-units', '--all', '--plain', '--no-legend', 'kubekeep*') : []),
    ...tagged('table', await output('nft', 'list', 'tables')),
    ...tagged('nspawn', await output('find', '/run/systemd/nspawn', '-name', `*${tag}*`)),
  ];
}

/** Command lines, and for processes of machines the cgroup that they are in. */
function processes(): string[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((pid) => {
    try {
      readlinkSync(`/proc/${pid}/exe`);
      return [`${pid} ${readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')} ${readFileSync(`/proc/${pid}/cgroup`, 'utf8').replaceAll('\n', ' ')}`];
    } catch {
      // Ended in between, or a zombie or a thread of the kernel, which hold nothing.
      return [];
    }
  });
}

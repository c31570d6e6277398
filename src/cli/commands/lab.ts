import type { Command } from 'commander';
import { KubekeepError } from '../../lib/errors.ts';
import type { Cut } from '../../lab/cut-rules.ts';
import { destroyAllLabs, destroyLab } from '../../lab/destroy-lab.ts';
import { thisComputer, type Lab } from '../../lab/lab.ts';
import { cut, heal } from '../../lab/links.ts';
import { listLabs, type LabSummary } from '../../lab/list-labs.ts';
import { openSsh } from '../../lab/open-ssh.ts';
import { checkRights } from '../../lab/preflight.ts';
import { powerOff, powerOn, type PowerOffOptions } from '../../lab/power.ts';
import { readRecord, readRecords } from '../../lab/registry.ts';
import { reinstall } from '../../lab/reinstall.ts';
import type { AddCommand } from '../add-command.ts';
import type { Cli } from '../cli.ts';
import { addLabUp } from './lab-up.ts';

/** `lab up|down|list|ssh|power|reinstall|cut|heal`. */
export const addLab: AddCommand = (program, cli, exit) => {
  const group = program.command('lab').description('Throw-away machines on this computer, to try things on.');
  addLabUp(group, cli);
  addDown(group, cli);
  addList(group, cli);
  addSsh(group, cli, exit);
  addPower(group, cli);
  addReinstall(group, cli);
  addCut(group, cli);
  addHeal(group, cli);
};

interface Named {
  readonly name?: string;
}

const nameFlag = ['--name <name>', 'name of the lab (default: the only one)'] as const;

function addDown(group: Command, cli: Cli): void {
  group
    .command('down')
    .description('Remove a lab: its machines with their disks, network, keys and cluster file.')
    .option(...nameFlag)
    .option('--all', 'remove every lab, and whatever an interrupted one left')
    .action(async ({ name, all = false }: Named & { all?: boolean }) => {
      const { progress, environment: { runtimeFolder } } = cli;
      if (all && name !== undefined) throw new KubekeepError('usage', '--all and --name exclude each other');
      if (all) {
        await checkRights();
        const { labs, strays } = await destroyAllLabs({ runtimeFolder, progress });
        const text = labs.length + strays.length === 0 ? 'there was no lab' : `removed ${[...labs.map((lab) => `lab ${lab}`), ...strays].join(', ')}`;
        return cli.print({ kind: 'LabsRemoved', data: { labs, strays }, text });
      }
      const chosen = (await chooseLab(cli, name)).name;
      await destroyLab(chosen, { runtimeFolder, progress });
      cli.print({ kind: 'LabsRemoved', data: { labs: [chosen], strays: [] as readonly string[] }, text: `removed lab ${chosen}` });
    });
}

function addList(group: Command, cli: Cli): void {
  group
    .command('list')
    .description('List the labs with their machines and cut links.')
    .action(async () => {
      await checkRights();
      const labs = await listLabs(cli.environment.runtimeFolder);
      const data = labs.map(({ lab, state, machines, cuts }) => ({
        name: lab.name, state, directory: lab.directory, subnet: lab.subnet, diskSize: lab.diskSize, cuts,
        machines: lab.machines.map(({ name, address }, position) => ({ name, address, state: machines[position]! })),
      }));
      cli.print({ kind: 'LabList', data: { labs: data }, text: labs.length === 0 ? 'no lab; kubekeep lab up makes one' : labs.map(labText).join('\n') });
    });
}

function addSsh(group: Command, cli: Cli, exit: (code: number) => void): void {
  group
    .command('ssh')
    .description('Open a shell on a machine, or run a command there (after --).')
    .argument('<machine>', 'name of the machine')
    .argument('[command...]', 'one word is shell text, several are run as they are')
    .option(...nameFlag)
    .action(async (machine: string, command: readonly string[], { name }: Named) => {
      exit(await openSsh(await chooseLab(cli, name), machine, command));
    });
}

function addPower(group: Command, cli: Cli): void {
  const power = group.command('power').description('Switch machines off and on.');
  power
    .command('off')
    .description('Switch a machine off as a power cut does: nothing of it says good-bye. Its disk stays.')
    .argument('<machine>', 'name of the machine')
    .option(...nameFlag)
    .option('--graceful', 'let it shut down, for 10 s at most')
    .option('--drop-unsynced', 'lose what was not synced to its disk, as a real power cut does; needs lab up --disks')
    .action(async (machine: string, { name, graceful = false, dropUnsynced = false }: Named & PowerOffOptions) => {
      const lab = await chooseLab(cli, name);
      await powerOff(lab, machine, { graceful, dropUnsynced });
      cli.print({ kind: 'LabMachine', data: { lab: lab.name, machine, state: 'off' }, text: `${machine} is off` });
    });
  power
    .command('on')
    .description('Boot a machine with the disk it had, and wait until it answers by SSH.')
    .argument('<machine>', 'name of the machine')
    .option(...nameFlag)
    .action(async (machine: string, { name }: Named) => {
      const lab = await chooseLab(cli, name);
      await powerOn(lab, machine, { signal: cli.signal });
      cli.print({ kind: 'LabMachine', data: { lab: lab.name, machine, state: 'on' }, text: `${machine} is on` });
    });
}

function addReinstall(group: Command, cli: Cli): void {
  group
    .command('reinstall')
    .description('Give a machine a new disk with a fresh system, and boot it. It keeps its name, address and SSH host key.')
    .argument('<machine>', 'name of the machine')
    .option(...nameFlag)
    .action(async (machine: string, { name }: Named) => {
      const lab = await chooseLab(cli, name);
      await reinstall(lab, machine, { signal: cli.signal });
      cli.print({ kind: 'LabMachine', data: { lab: lab.name, machine, state: 'on' }, text: `${machine} has a new disk and is on` });
    });
}

function addCut(group: Command, cli: Cli): void {
  group
    .command('cut')
    .description(`Cut the link between two machines, or a machine and this computer ("${thisComputer}").`)
    .argument('<a>', 'one end')
    .argument('<b>', 'the other end')
    .option(...nameFlag)
    .option('--one-way', 'only what the first sends to the second is lost')
    .option('--reject', 'tell the sender, as a firewall does (default: silence)')
    .action(async (a: string, b: string, { name, oneWay, reject }: Named & { oneWay?: boolean; reject?: boolean }) => {
      const lab = await chooseLab(cli, name);
      printCuts(cli, lab, await cut(lab, a, b, { oneWay, reject }));
    });
}

function addHeal(group: Command, cli: Cli): void {
  group
    .command('heal')
    .description('Heal the link between two machines, all links of one, or all links of the lab.')
    .argument('[a]', 'one end')
    .argument('[b]', 'the other end')
    .option(...nameFlag)
    .action(async (a: string | undefined, b: string | undefined, { name }: Named) => {
      const lab = await chooseLab(cli, name);
      printCuts(cli, lab, await heal(lab, ...[a, b].filter((end) => end !== undefined)));
    });
}

/** The lab of that name, or the only one. */
async function chooseLab({ environment: { runtimeFolder } }: Cli, name: string | undefined): Promise<Lab> {
  await checkRights();
  if (name !== undefined) return (await readRecord(runtimeFolder, name)).lab;
  const [first, ...others] = await readRecords(runtimeFolder);
  if (!first) throw new KubekeepError('lab-missing', 'there is no lab', { hint: 'kubekeep lab up makes one.' });
  if (others.length === 0) return first.lab;
  throw new KubekeepError('usage', `there are several labs: ${[first, ...others].map(({ lab }) => lab.name).join(', ')}`, { hint: 'Say which one with --name.' });
}

function printCuts(cli: Cli, lab: Lab, cuts: readonly Cut[]): void {
  cli.print({ kind: 'LabLinks', data: { lab: lab.name, cuts }, text: cuts.length === 0 ? 'no link is cut' : cuts.map(cutText).join('\n') });
}

function cutText({ from, to, action }: Cut): string {
  return `cut: ${from} to ${to} (${action})`;
}

function labText({ lab, state, machines, cuts }: LabSummary): string {
  const width = Math.max(...lab.machines.map(({ name }) => name.length));
  const rows = lab.machines.map(({ name, address }, position) => `  ${name.padEnd(width)}  ${address.padEnd(14)}  ${machines[position]}`);
  const disks = lab.diskSize === undefined ? '' : `  disks of ${lab.diskSize / 2 ** 30} GiB`;
  return [`${lab.name}  ${state}  ${lab.directory}  ${lab.subnet}${disks}`, ...rows, ...cuts.map((one) => `  ${cutText(one)}`)].join('\n');
}

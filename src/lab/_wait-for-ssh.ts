import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { KubekeepError } from '../lib/errors.ts';
import { diskFolders } from './_machine-disk.ts';
import { findMachineProcesses } from './_processes.ts';
import type { Lab, LabMachine } from './lab.ts';

/** Resolves when the machine's SSH server sends its banner. Throws `lab-failed` with the end of the console after `patience` milliseconds, or when it died. */
export async function waitForSsh(lab: Lab, machine: LabMachine, { signal, patience = 60_000 }: { signal?: AbortSignal | undefined; patience?: number } = {}): Promise<void> {
  const start = performance.now();
  let aliveAt = start;
  while (!(await sendsBanner(machine.address))) {
    const now = performance.now();
    if (now - start > patience) throw await notUp(lab, machine, `did not answer by SSH within ${Math.round(patience / 1000)} s`);
    if (now - aliveAt > 1000) {
      aliveAt = now;
      if ((await findMachineProcesses((id) => id === machine.machineId)).length === 0) throw await notUp(lab, machine, 'ended while starting');
    }
    await sleep(50, undefined, { signal });
  }
}

async function notUp(lab: Lab, machine: LabMachine, what: string): Promise<KubekeepError> {
  const path = diskFolders(lab, machine).console;
  const said = (await readFile(path, 'utf8').catch(() => '')).replace(/\x1b\[[0-9;]*m/g, '').trim().split('\n').slice(-3).join(' | ');
  return new KubekeepError('lab-failed', `machine ${machine.name} ${what}${said && `: ${said}`}`, { hint: `Its console is in ${path}.` });
}

function sendsBanner(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port: 22 });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(500, () => end(false));
    socket.once('error', () => end(false));
    socket.once('close', () => resolve(false));
    socket.once('data', (data) => end(data.toString('latin1').startsWith('SSH-')));
  });
}

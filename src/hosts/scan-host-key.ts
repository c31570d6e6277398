import { createHash } from 'node:crypto';
import { KubekeepError } from '../lib/errors.ts';
import { explainSshFailure } from './_explain-ssh-failure.ts';
import { runSsh, toolMissing } from './_ssh-process.ts';
import { runProcess } from './process.ts';
import { quote } from './quote.ts';
import type { SshTarget } from './ssh-target.ts';

export interface ScanOptions {
  /** Seconds for the answer. */
  readonly patience: number;
  readonly signal?: AbortSignal | undefined;
}

const keyTypes = ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521', 'ssh-rsa'];

/**
 * Asks a host for its public key ("ssh-ed25519 AAAA…") without logging in, from the jump host where there is one. Nothing proves that it is the right
 * host's: a person has to compare the fingerprint. Throws `host-unreachable`, `host-key` (of the jump host), `tool-missing`.
 */
export async function scanHostKey(target: SshTarget, options: ScanOptions): Promise<string> {
  const { hostname, port, jumps } = await resolve(target, options);
  let said = '';
  // One kind after the other: OpenSSH 9.8 and newer count every connection without a login, and turn an address away after 15 of them (PerSourcePenalties).
  for (const kind of ['ed25519', 'ecdsa', 'rsa']) {
    const scan = ['ssh-keyscan', '-T', String(options.patience), '-p', port, '-t', kind, '--', hostname];
    const { stdout, stderr } = jumps.length > 0 ? await scanFrom(jumps, scan, options) : await scanDirectly(scan, options);
    const key = findKey(stdout);
    if (key !== undefined) return key;
    // ssh-keyscan's own lines about a server that it spoke to begin with "#".
    said = stderr.replaceAll(/^#.*$/gm, '').trim();
    if (!/^# /m.test(stdout + stderr)) break;
  }
  if (/ssh-keyscan: (command )?not found/.test(said)) throw new KubekeepError('host-unfit', `the jump host ${target.jump} has no ssh-keyscan to ask ${target.name} for its key`, { hint: 'Install openssh-client there, or give hostKey in the cluster file.' });
  throw explainSshFailure(target, said === '' ? `no SSH server answers at ${hostname} port ${port}` : said);
}

function findKey(output: string): string | undefined {
  for (const line of output.split('\n')) {
    const [, type = '', key = ''] = line.trim().split(' ');
    if (keyTypes.includes(type) && /^AAAA[A-Za-z0-9+/]+=*$/.test(key)) return `${type} ${key}`;
  }
  return undefined;
}

/** "SHA256:…", as ssh-keygen -l and the host's console show it. */
export function fingerprint(key: string): string {
  const [, base64 = ''] = key.split(' ');
  return `SHA256:${createHash('sha256').update(Buffer.from(base64, 'base64')).digest('base64').replace(/=+$/, '')}`;
}

/** Where ssh would really go: the user's configuration may know the address under another name, or a jump host. */
async function resolve({ address, port, user, jump }: SshTarget, { signal }: ScanOptions): Promise<{ hostname: string; port: string; jumps: readonly string[] }> {
  const { stdout } = await runSsh(['-G', '-p', String(port), '-l', user, ...(jump ? ['-J', jump] : []), '--', address], { signal, timeout: 5000 });
  const value = (name: string) => new RegExp(`^${name} (.+)$`, 'm').exec(stdout)?.[1];
  const jumps = value('proxyjump') ?? 'none';
  return { hostname: value('hostname') ?? address, port: value('port') ?? String(port), jumps: jumps === 'none' ? [] : jumps.split(',') };
}

async function scanDirectly([program, ...args]: readonly string[], { patience, signal }: ScanOptions) {
  return runProcess(program!, args, { signal, timeout: (patience + 5) * 1000 }).catch((cause: unknown) => {
    throw (cause as NodeJS.ErrnoException).code === 'ENOENT' ? toolMissing('ssh-keyscan', 'openssh-client', cause) : cause;
  });
}

/** The last of the jump hosts does it; it is checked against the user's own known_hosts. */
async function scanFrom(jumps: readonly string[], scan: readonly string[], { patience, signal }: ScanOptions) {
  const before = jumps.slice(0, -1).join(',');
  const last = jumps.at(-1)!;
  const destination = last.startsWith('ssh://') ? last : `ssh://${last}`;
  const args = ['-T', '-o', 'BatchMode=yes', '-o', `ConnectTimeout=${patience}`, '-o', 'ClearAllForwardings=yes', ...(before ? ['-J', before] : []), '--', destination, scan.map(quote).join(' ')];
  return runSsh(args, { signal, timeout: (2 * patience + 5) * 1000 });
}

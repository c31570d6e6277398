import { execFileSync } from 'node:child_process';
import { readEnvironment } from '../../src/cli/env.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { ensureImage } from '../../src/programs/images/ensure-image.ts';

/** Debian's HAProxy in the root folder of lab machines, which is not changed: what is written is seen by this process alone. */
export async function haproxySays(config: string): Promise<string> {
  const script = 'cat > "$1/mnt/haproxy.cfg" && chroot "$1" haproxy -c -V -f /mnt/haproxy.cfg 2>&1 || true';
  return inMachine(script, config);
}

/** Runs a script that may write below `$1/mnt` and `$1/etc`, where `$1` is the root folder of lab machines. */
export async function inMachine(script: string, input = ''): Promise<string> {
  const root = await ensureImage({ release: 'trixie', cacheFolder: readEnvironment().cacheFolder, clock: systemClock, progress: () => {} });
  const prepare = 'mount -t tmpfs none "$1/mnt" && mount -t tmpfs none "$1/etc" && echo nameserver 127.0.0.1 > "$1/etc/resolv.conf" || exit 1';
  return execFileSync('unshare', ['--mount', 'sh', '-c', `${prepare}\n${script}`, 'sh', root], { input, encoding: 'utf8' });
}

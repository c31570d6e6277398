import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, connect, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubekeepError } from '../lib/errors.ts';
import type { Host, RunResult } from './host.ts';
import { runProcess } from './process.ts';
import { receiveScript, writeScript } from './write-script.ts';

/** This computer as a Host. Runs scripts as the user that runs kubekeep. */
export function localHost(name = 'this computer'): Host {
  const servers: Server[] = [];
  let folder: string | undefined;
  const host: Host = {
    name,
    async run(script, { signal, timeout = 60_000 } = {}): Promise<RunResult> {
      const start = performance.now();
      const result = await runProcess('sh', ['-s'], { input: script, signal, timeout });
      return { host: name, duration: performance.now() - start, ...result };
    },
    async write(files, options) {
      expectSuccess(await host.run(writeScript(files), options), `writing ${files.map(({ path }) => path).join(', ')}`);
    },
    async upload({ source, target, mode, sha256 }, { signal, timeout = 600_000 } = {}) {
      const result = await runProcess('sh', ['-c', receiveScript({ target, mode, sha256 })], { input: createReadStream(source), signal, timeout });
      if (result.exitCode === 65) throw new KubekeepError('program-checksum', `${source} does not have the SHA-256 ${sha256} on ${name}`);
      expectSuccess({ host: name, duration: 0, ...result }, `copying ${source}`);
    },
    async forward({ port, address = '127.0.0.1' }) {
      folder ??= await mkdtemp(join(tmpdir(), 'kubekeep-'));
      const path = join(folder, `${servers.length}.sock`);
      const server = createServer((inward) => {
        const outward = connect(port, address);
        inward.pipe(outward).pipe(inward);
        inward.on('error', () => outward.destroy());
        outward.on('error', () => inward.destroy());
      });
      servers.push(server);
      await new Promise<void>((resolve, reject) => server.once('error', reject).listen(path, resolve));
      return path;
    },
    async close() {
      for (const server of servers.splice(0)) server.close();
      if (folder) await rm(folder, { recursive: true, force: true });
    },
  };
  return host;
}

/** Throws `command-failed` where a script did not end with 0. `doing` is what the script was for, in words. */
export function expectSuccess(result: RunResult, doing: string): RunResult {
  if (result.exitCode === 0) return result;
  const why = result.timedOut ? `no end after ${Math.round(result.duration / 1000)} s` : lastLines(result.stderr || result.stdout) || `exit code ${result.exitCode}`;
  throw new KubekeepError('command-failed', `${result.host}: ${doing}: ${why}`);
}

function lastLines(text: string): string {
  return text.trim().split('\n').slice(-4).join(' | ').slice(-600);
}

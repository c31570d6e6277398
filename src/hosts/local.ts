import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubekeepError } from '../lib/errors.ts';
import { openSource, refuseWrongChecksum } from './_upload-source.ts';
import { dialSocket, serveForward, type ForwardServer } from './_forward-server.ts';
import { readOutcome, sendScript } from './_script.ts';
import type { Host, RunResult } from './host.ts';
import { runProcess } from './process.ts';
import { receiveScript, writeScript } from './write-script.ts';

/**
 * This computer as a Host. Runs scripts as the user that runs kubekeep.
 * @internal
 */
export function localHost(name = 'this computer'): Host {
  const servers: ForwardServer[] = [];
  let folder: string | undefined;
  let forwards = 0;
  const host: Host = {
    name,
    async run(script, { signal, timeout = 60_000 } = {}): Promise<RunResult> {
      const start = performance.now();
      const { text, marker } = sendScript(script);
      const result = await runProcess('env', ['LC_ALL=C', 'sh', '-s'], { input: text, signal, timeout });
      const { exitCode, stdout, stderr, started } = readOutcome(marker, result.stdout, result.stderr);
      return { host: name, duration: performance.now() - start, exitCode: result.timedOut ? 124 : (exitCode ?? result.exitCode), stdout, stderr: started ? stderr : result.stderr, timedOut: result.timedOut };
    },
    async write(files, options) {
      expectSuccess(await host.run(writeScript(files), options), `writing ${files.map(({ path }) => path).join(', ')}`);
    },
    async upload({ source, target, mode, sha256 }, { signal, timeout = 1_800_000, onBytes } = {}) {
      const input = await openSource(source, onBytes);
      const start = performance.now();
      const result = await runProcess('env', ['LC_ALL=C', 'sh', '-c', receiveScript({ target, mode, sha256 })], { input, signal, timeout });
      refuseWrongChecksum(name, target, sha256, result.exitCode);
      expectSuccess({ host: name, duration: performance.now() - start, ...result }, `copying ${target}`);
    },
    async forward({ port, address = '127.0.0.1' }) {
      folder ??= await mkdtemp(join(tmpdir(), 'kubekeep-'));
      const path = join(folder, `${forwards++}.sock`);
      servers.push(await serveForward(path, () => dialSocket({ host: address, port })));
      return path;
    },
    async close() {
      await Promise.all(servers.splice(0).map((server) => server.close()));
      if (folder) await rm(folder, { recursive: true, force: true });
      folder = undefined;
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

import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubekeepError } from '../lib/errors.ts';
import { runCommand } from './_run-command.ts';
import type { CachedProgram } from './program.ts';
import { throwAwayFolder } from './throw-away-folder.ts';

/** A real kube-apiserver without a network: it reaches unix sockets and nothing else, and is reached by one. Gone when disposed, or when kubekeep is. */
export interface ScratchApiServer extends AsyncDisposable {
  readonly socketPath: string;
  /** Rejects where it ends by itself, with its last words. */
  readonly ended: Promise<never>;
}

export interface ScratchApiOptions {
  readonly program: CachedProgram;
  /** By name, without dashes; they make it listen on 127.0.0.1. */
  readonly flags: Readonly<Record<string, string>>;
  /** Where it listens. */
  readonly port: number;
}

/** Joins each connection to a unix socket with one to a port, inside the namespace; a path leads out of it, an address does not. */
const relay = `
const { connect, createServer } = require('node:net');
const [path, port] = process.argv.slice(1);
createServer((inward) => {
  const outward = connect(Number(port), '127.0.0.1');
  for (const [one, other] of [[inward, outward], [outward, inward]]) one.on('error', () => other.destroy()).on('close', () => other.destroySoon());
  inward.pipe(outward).pipe(inward);
}).listen(path);
`;

/** Resolves when it is started; it answers some seconds later. */
export async function startScratchApiServer({ program, flags, port }: ScratchApiOptions): Promise<ScratchApiServer> {
  // A unix socket's path must be short.
  const sockets = await throwAwayFolder(join(tmpdir(), 'kubekeep-api-'));
  const socketPath = join(sockets.path, 'api');
  const end = new AbortController();
  // Namespaces of its own: an empty network, and process ids, so that nothing that was started in them stays behind. Who is not root needs one for users too.
  const isolated = ['unshare', ...(process.getuid?.() === 0 ? [] : ['--user', '--map-root-user']), '--net', '--pid', '--fork', '--kill-child=KILL'];
  const script = 'ip link set lo up || exit 1; "$1" -e "$2" "$3" "$4" & shift 4; exec "$@"';
  const running = runCommand([...isolated, 'sh', '-c', script, 'sh', process.execPath, relay, socketPath, String(port), program.path, ...Object.entries(flags).map(([name, value]) => `--${name}=${value}`)], { signal: end.signal });
  const ended = running.then(({ exitCode, lines }): never => {
    throw new KubekeepError('api-failed', `the API server that reads what was restored ended with exit code ${exitCode}: ${lines.findLast((line) => /error|cannot|not/i.test(line)) ?? lines.at(-1) ?? ''}`);
  });
  ended.catch(() => {});
  return {
    socketPath,
    ended,
    async [Symbol.asyncDispose]() {
      end.abort();
      await ended.catch(() => {});
      await sockets[Symbol.asyncDispose]();
    },
  };
}

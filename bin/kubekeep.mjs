#!/usr/bin/env node
// Plain JavaScript for any Node from 18 on: it hands over to the Node version that this package pins, which runs the TypeScript source
// as it is. A published package has dist/ instead of running from src/.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import module, { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const source = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url));
const main = existsSync(source) ? source : fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));

if (Number(process.versions.node.split('.')[0]) >= 24) {
  // Compiled code is kept in the user's own cache, never in a shared folder: this may run as root.
  module.enableCompileCache?.(join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'kubekeep', 'compiled'));
  await import(main);
} else {
  // This file once more, for the compile cache.
  const child = spawn(pinnedNode(), [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' });
  // A terminal sends Ctrl-C to both processes: the child decides what it means.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + (signal === 'SIGINT' ? 2 : 15);
  });
}

function pinnedNode() {
  try {
    return createRequire(import.meta.url).resolve(`node-linux-${process.arch}/bin/node`);
  } catch {
    console.error(`kubekeep needs Node 24; this is ${process.version} and no pinned Node for ${process.platform}-${process.arch} is installed. Run npm ci, or use Node 24.`);
    process.exit(2);
  }
}

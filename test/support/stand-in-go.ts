import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { temporaryFolder } from './programs.ts';

const outputs = 'while [ "$1" != -o ]; do shift; done; out=$2; shift 2';
const write = 'for p; do n=$(echo "$p" | sed "s,/v[0-9]*$,,; s,.*/,,"); printf "%s of %s" "$n" "$GOARCH" > "$out$n"; done';

export const buildScripts = {
  /** Writes a small file for each package and notes in LOG that it ran, in LOG.place where it puts what is temporary. */
  works: `echo build >> "$LOG"; echo "$GOTMPDIR" > "$LOG.place"; [ -d "$GOTMPDIR" ] || exit 1; ${outputs}; echo k8s.io/example >&2; ${write}`,
  fails: 'echo "go: downloading example.com/a v1" >&2; echo example.com/a; echo "a.go:1:2: undefined: b" >&2; exit 1',
  /** Starts a compiler that never ends, whose process id it writes to LOG. */
  hangs: 'sleep 1000 & echo $! > "$LOG"; wait',
} as const;

/** A folder for PATH with a command `go` that answers `go env` and runs a script for `go build`; nothing else of the PATH has a go. */
export function standInGo(t: TestContext, build: keyof typeof buildScripts, version = 'go1.26.8'): { readonly log: string } {
  const folder = temporaryFolder(t);
  const log = join(folder, 'log');
  mkdirSync(join(folder, 'bin'));
  writeFileSync(join(folder, 'bin/go'), `#!/bin/sh\nLOG=${log}\ncase $1 in\nenv) echo ${version}; echo http://127.0.0.1:1 ;;\nbuild) ${buildScripts[build]} ;;\nesac\n`);
  chmodSync(join(folder, 'bin/go'), 0o755);
  const before = process.env['PATH'];
  process.env['PATH'] = `${join(folder, 'bin')}:/usr/sbin:/usr/bin:/sbin:/bin`;
  t.after(() => (process.env['PATH'] = before));
  return { log };
}

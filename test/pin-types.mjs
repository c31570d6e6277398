// Derives pins/types from Kubernetes' Go modules: npm run pin:types [-- 1.38.0]. Needs Go, and the sums of that version in pins/build.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync } from 'node:zlib';
import { usePinnedNode } from './support/pinned-node.mjs';

usePinnedNode();
const { defaultVersions } = await import('../src/programs/program.ts');

const version = process.argv[2] ?? defaultVersions.kubernetes;
const path = (relative) => fileURLToPath(new URL(`../pins/${relative}`, import.meta.url));
// The modules are those that the API server is compiled from.
const json = execFileSync('go', ['run', path('types/types.go'), version], { cwd: path(`build/kubernetes-${version}`), env: { ...process.env, GOFLAGS: '-mod=readonly', CGO_ENABLED: '0' }, maxBuffer: 1 << 28 });
writeFileSync(path(`types/kubernetes-${version}.json.br`), brotliCompressSync(json));

// Runs a script of ours with the Node that the package pins: node test/run-pinned.mjs SCRIPT [WORD…].
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { usePinnedNode } from './support/pinned-node.mjs';

usePinnedNode();
const [script] = process.argv.splice(2, 1);
await import(pathToFileURL(resolve(script)).href);

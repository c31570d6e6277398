import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';

/** Runs this script again with the Node that the package pins where the present one is older than 24; does not come back then. */
export function usePinnedNode() {
  if (Number(process.versions.node.split('.')[0]) >= 24) return;
  const node = createRequire(import.meta.url).resolve(`node-linux-${process.arch}/bin/node`);
  const { status, signal } = spawnSync(node, process.argv.slice(1), { stdio: 'inherit' });
  process.exit(status ?? (signal === 'SIGINT' ? 130 : 1));
}

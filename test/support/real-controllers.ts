import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { cachedProgram } from './cached-program.ts';
import { endProcess } from './end-process.ts';
import { freePorts } from './free-ports.ts';
import type { KeptCluster } from './kept-cluster.ts';

/**
 * A real kube-controller-manager for a cluster without machines: namespaces are emptied, what has no owner any more goes, volumes are bound, tokens made. Where it ends, as it does when its port was taken meanwhile or the API server is
 * slow, it is started again as systemd would.
 */
export function startControllers({ folder, kubeconfig }: Pick<KeptCluster, 'folder' | 'kubeconfig'>): AsyncDisposable {
  const flags = {
    'kubeconfig': kubeconfig,
    'authentication-kubeconfig': kubeconfig,
    'authorization-kubeconfig': kubeconfig,
    'bind-address': '127.0.0.1',
    'leader-elect': false,
    'service-account-private-key-file': join(folder, 'api/sa.key'),
    'root-ca-file': join(folder, 'api/kubernetes.pem'),
    'pvclaimbinder-sync-period': '1s',
    'namespace-sync-period': '10s',
  };
  const now: { wanted: boolean; process?: ChildProcess } = { wanted: true };
  const running = (async () => {
    for (;;) {
      const [port] = await freePorts(1);
      if (!now.wanted) return;
      const words = Object.entries({ ...flags, 'secure-port': port }).map(([name, value]) => `--${name}=${value}`);
      now.process = spawn(cachedProgram('kube-controller-manager', '1.37.2'), words, { stdio: 'ignore' });
      await once(now.process, 'exit');
    }
  })();
  return {
    async [Symbol.asyncDispose]() {
      now.wanted = false;
      if (now.process) await endProcess(now.process);
      await running;
    },
  };
}

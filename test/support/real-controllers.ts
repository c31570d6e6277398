import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { cachedProgram } from './cached-program.ts';
import { endProcess } from './end-process.ts';
import { freePorts } from './free-ports.ts';
import type { KeptCluster } from './kept-cluster.ts';

/** A real kube-controller-manager for a cluster without machines: namespaces are emptied, what has no owner any more goes, volumes are bound, tokens made. */
export async function startControllers({ folder, kubeconfig }: Pick<KeptCluster, 'folder' | 'kubeconfig'>): Promise<AsyncDisposable> {
  const [port] = await freePorts(1);
  const flags = {
    'kubeconfig': kubeconfig,
    'authentication-kubeconfig': kubeconfig,
    'authorization-kubeconfig': kubeconfig,
    'bind-address': '127.0.0.1',
    'secure-port': port,
    'leader-elect': false,
    'service-account-private-key-file': join(folder, 'api/sa.key'),
    'root-ca-file': join(folder, 'api/kubernetes.pem'),
    'pvclaimbinder-sync-period': '1s',
    'namespace-sync-period': '10s',
  };
  const controllers = spawn(cachedProgram('kube-controller-manager', '1.37.2'), Object.entries(flags).map(([name, value]) => `--${name}=${value}`), { stdio: 'ignore' });
  return { [Symbol.asyncDispose]: () => endProcess(controllers) };
}

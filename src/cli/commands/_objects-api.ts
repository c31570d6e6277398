import { Option } from 'commander';
import { resolve } from 'node:path';
import { connectApi, type ApiClient } from '../../clients/kubernetes/connect-api.ts';
import { readKubeconfig } from '../../clients/kubernetes/kubeconfig.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { readyApi } from '../../operations/ready-api.ts';
import type { Cli } from '../cli.ts';
import { readAnyClusterFile } from '../cluster-file.ts';
import { openOperation } from '../wire.ts';

export interface ApiFlags {
  readonly file: string;
  readonly kubeconfig?: string;
}

export const kubeconfigOption = (which = 'the cluster to write to') => new Option('--kubeconfig <path>', `${which}, by the current context of a kubeconfig; a cluster that kubekeep did not build needs one (default: that of the cluster file)`);

/** Speaks with the cluster of the cluster file, or of a kubeconfig. Throws `usage` where there is neither. */
export async function withApiOf<T>(cli: Cli, { file, kubeconfig }: ApiFlags, work: (api: ApiClient) => Promise<T>): Promise<T> {
  if (kubeconfig !== undefined) return closed(connectApi(await readKubeconfig(resolve(kubeconfig))), work);
  if ('external' in (await readAnyClusterFile(file)).cluster) throw new KubekeepError('usage', 'kubekeep did not build the cluster of this file, and does not know its API', { hint: 'Add --kubeconfig FILE.' });
  await using operation = await openOperation(cli, { file, connectTimeout: 5 });
  // Before the operation ends.
  return await closed(await readyApi(operation), work);
}

async function closed<T>(api: ApiClient, work: (api: ApiClient) => Promise<T>): Promise<T> {
  try {
    return await work(api);
  } finally {
    api.close();
  }
}

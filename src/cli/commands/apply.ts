import { readFile } from 'node:fs/promises';
import { KubekeepError } from '../../lib/errors.ts';
import { apply } from '../../operations/apply.ts';
import { readManifest } from '../../operations/manifests/read-manifest.ts';
import type { AddCommand } from '../add-command.ts';
import { clusterFileOption } from '../cluster-file.ts';
import { describePlan } from '../describe-plan.ts';
import { openOperation } from '../wire.ts';
import { lonePodsOption } from './_lone-pods.ts';

interface Flags {
  readonly file: string;
  readonly yes?: boolean;
  readonly trustFirst?: boolean;
  readonly manifest: readonly string[];
  readonly deleteLonePods?: boolean;
}

/** `apply`: makes the hosts what the cluster file says. */
export const addApply: AddCommand = (program, cli) => {
  program
    .command('apply')
    .description('Build the cluster, or change it to what the cluster file says, one host at a time where it serves already.')
    .addOption(clusterFileOption())
    .option('-y, --yes', 'do not ask; without a terminal it is needed')
    .option('--trust-first', 'accept a release that has no pinned checksum, and remember the checksum')
    .option('--manifest <path>', 'objects that are applied to the cluster when its hosts are as the file says, such as a network plugin; may be given again', (path: string, before: readonly string[]) => [...before, path], [])
    .addOption(lonePodsOption())
    .action(async ({ file, yes, trustFirst = false, manifest, deleteLonePods = false }: Flags) => {
      const manifests = await Promise.all(manifest.map(async (path) => readManifest(path, await readManifestText(path))));
      await using operation = await openOperation(cli, { file, trustFirst });
      const { plan, changes, objects } = await apply(operation, {
        manifests,
        deleteLonePods,
        confirm: async (proposed, wanted) => {
          if (yes) return true;
          return cli.confirm(`Apply ${proposed.phases.flatMap(({ steps }) => steps).length} changes${wanted > 0 ? ` and ${wanted} objects of ${manifest.join(', ')}` : ''} to cluster ${proposed.cluster}?`, describePlan(proposed));
        },
      });
      const text = changes === 0 && objects === 0 ? `${plan.cluster}: 0 changes, everything is as the cluster file says${manifests.length > 0 ? ' and as the manifests have it' : ''}.` : `${plan.cluster}: ${changes} changes made${manifests.length > 0 ? `, ${objects} objects of manifests applied` : ''}.\n  → kubekeep status --file ${file}`;
      cli.print({ kind: 'ApplyResult', data: { changes, objects, plan }, text });
    });
};

async function readManifestText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new KubekeepError('file-missing', `manifest ${path} cannot be read: ${(cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file' : (cause as Error).message}`, { hint: 'Nothing was changed. --manifest names a file with Kubernetes objects.', cause });
  }
}

import { stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { KubekeepError } from '../../lib/errors.ts';
import { keptClusterFile } from '../../operations/backup/kept-cluster-file.ts';
import { recoverState } from '../../operations/backup/recover-state.ts';
import { stateFolder } from '../../operations/state.ts';
import type { Cli } from '../cli.ts';
import { clusterFileOption, parseClusterText, readClusterText } from '../cluster-file.ts';
import { operationOn, storeAt, storeOf } from '../wire.ts';
import { givenIdentity, identityOption } from './_identity.ts';
import { placeOf, withPlaceOptions, type PlaceFlags } from './_place.ts';

interface Flags extends PlaceFlags {
  readonly file: string;
  readonly identity?: string;
}

/** `restore state`: what was beside the cluster file, and the file. */
export function addRestoreState(group: Command, cli: Cli): void {
  withPlaceOptions(group.command('state'))
    .description(
      'Put back what the operator had beside the cluster file: the keys of the cluster and of its repository, from the newest base that has them. Needs an identity that may read them and the repository, and no host. The cluster file itself is written where there is none; nothing that is there is replaced.',
    )
    .addOption(clusterFileOption())
    .addOption(identityOption())
    .action(async ({ file, identity: option, ...flags }: Flags) => {
      const { path, identity } = await givenIdentity(cli, option);
      const there = await isThere(file);
      const place = placeOf(flags);
      if (!there && !place) throw new KubekeepError('file-missing', `there is no cluster file ${file} to say where the backups are`, { hint: 'Name the place with --repository, or the cluster file with --file.' });
      const named = place && storeAt(place, cli);
      const text = there ? await readClusterText(file) : await keptClusterFile(named!, identity);
      const { cluster, directory } = parseClusterText(text, file);
      await using operation = operationOn({ ...cli, environment: { ...cli.environment, identityFile: path } }, cluster, stateFolder(directory, cluster.name), {});
      const { base, bundle, owner } = await recoverState(operation, named ?? storeOf(operation));
      if (!there) await writeFile(file, text, { flag: 'wx' });
      const folder = operation.state.path;
      const time = new Date(base.time).toISOString();
      cli.print({
        kind: 'RecoveredState',
        data: { cluster: cluster.name, folder, file: there ? undefined : resolve(file), base: base.number, time, owner, versions: bundle.versions },
        text: [
          `${folder}: the keys of cluster ${bundle.cluster} and of its repository, from base ${base.number} of ${time}`,
          ...(there ? [] : [`${file}: as it was then (Kubernetes ${bundle.versions.kubernetes}, etcd ${bundle.versions.etcd})`]),
          ...(path === join(folder, 'identity') ? [] : [`The identity was copied there from ${path}.`]),
          `owner ${owner}: compare it with what backup init printed`,
          'Next: kubekeep status',
        ].join('\n'),
      });
    });
}

function isThere(path: string): Promise<boolean> {
  return stat(path).then(() => true, (error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return false;
    throw new KubekeepError('file-missing', `${path} cannot be read: ${error.message}`, { cause: error });
  });
}

import { configFolder } from '../../render/paths.ts';
import { changed, rewritten } from '../setups/_changed.ts';
import type { Setup } from '../setups/setup.ts';

/** etcd acknowledges what no disk has: a power cut of all members that loses what was not synced (E11) has to show it. */
export const etcdWithoutFsync: Setup = {
  id: 'etcd-without-fsync',
  title: 'etcd does not sync what it acknowledges',
  source: "etcd's unsafe-no-fsync; everything else is kubekeep's.",
  renderers: changed({ etcd: (design) => rewritten(design, `${configFolder}/etcd.yaml`, (text) => `${text}unsafe-no-fsync: true\n`) }),
};

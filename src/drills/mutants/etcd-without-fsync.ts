import { configFolder } from '../../render/paths.ts';
import { changed, rewritten } from '../setups/_changed.ts';
import type { SetupMutant } from './mutant.ts';

/** etcd acknowledges what no disk has: a power cut of all members that loses what was not synced has to show it. */
export const etcdWithoutFsync: SetupMutant = {
  kind: 'set-up',
  id: 'M6',
  title: 'etcd does not sync what it acknowledges',
  fault: 'E11',
  caughtBy: 'C-ack',
  renderers: changed({ etcd: (design) => rewritten(design, `${configFolder}/etcd.yaml`, (text) => `${text}unsafe-no-fsync: true\n`) }),
};

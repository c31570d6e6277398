import { keeperFolder, stateFolder } from '../../render/paths.ts';
import { lockGuard } from '../lock.ts';
import { runOn } from '../phases/note-on.ts';
import type { Step } from '../plan/step.ts';
import type { Work } from '../phases/work.ts';
import { keeperStamp, stampOf } from './keeper-stamp.ts';

/** Puts kubekeep itself on a host, beside what runs there: one file, compressed, and unpacked there. */
export async function copyFollower({ host }: Step, work: Work): Promise<void> {
  const program = await work.follower!.program();
  work.progress({ type: 'note', host, title: 'packing kubekeep for the hosts, once for each change of it' });
  const { path, sha256, size } = await program.pack(work.signal);
  const archive = `${keeperFolder}/${program.digest}.tar.gz`;
  await work.hosts.get(host)!.upload({ source: path, target: archive, mode: 0o600, sha256 }, { signal: work.signal, onBytes: (bytes) => work.progress({ type: 'bytes', host, title: 'copying kubekeep', bytes, total: size }) });
  await runOn(work, host, unpackScript(work.token, program.digest), { what: 'unpacking kubekeep', timeout: 300_000 });
}

/** Complete and on the disk before it gets its name. */
function unpackScript(token: string, digest: string): string {
  const folder = `${keeperFolder}/${digest}`;
  return `${lockGuard(token)}
rm -rf ${folder} ${folder}.new
mkdir -p ${folder}.new && tar -xzf ${folder}.tar.gz --no-same-owner -C ${folder}.new && rm -f ${folder}.tar.gz && sync -f ${folder}.new && mv -T ${folder}.new ${folder} || exit 1
echo "${digest} $(${stampOf(folder)})" > ${keeperStamp}.new && mv -f ${keeperStamp}.new ${keeperStamp} && sync ${keeperFolder} ${stateFolder}
`;
}

import { execFileSync } from 'node:child_process';
import { mkdtemp, open, rm, rmdir, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A file system in memory that can be filled. Needs root. */
export interface SmallDisk extends AsyncDisposable {
  readonly path: string;
  /** Leaves so many bytes of it free, to the page. */
  leave(bytes: number): Promise<void>;
}

export async function smallDisk(bytes: number): Promise<SmallDisk> {
  const path = await mkdtemp(join(tmpdir(), 'kubekeep-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes},mode=700`, 'kubekeep-test', path]);
  const filler = join(path, 'filler');
  return {
    path,
    async leave(left) {
      await rm(filler, { force: true });
      const { bavail, bsize } = await statfs(path);
      const file = await open(filler, 'w');
      const block = Buffer.alloc(1 << 20);
      for (let more = bavail * bsize - left; more > 0; more -= block.length) await file.write(block, 0, Math.min(block.length, more));
      await file.close();
    },
    async [Symbol.asyncDispose]() {
      execFileSync('umount', ['--lazy', path]);
      await rmdir(path);
    },
  };
}

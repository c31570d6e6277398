import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { KubekeepError } from '../../lib/errors.ts';
import { runCommand } from '../_run-command.ts';
import { sha256OfFile } from '../_sha256-of-file.ts';

export interface ContainerImage {
  /** As a pod names it. */
  readonly name: string;
  /** Path in the image → file of this computer. */
  readonly files: Readonly<Record<string, string>>;
  readonly entrypoint: readonly string[];
}

/** Writes an image of one layer to `path`, in the form of `docker save`, which `ctr image import` reads: no registry is needed. Throws `lab-failed`. */
export async function writeImage(path: string, { name, files, entrypoint }: ContainerImage): Promise<void> {
  const folder = await mkdtemp(`${path}.`);
  const inside = (file: string) => join(folder, file);
  try {
    for (const [target, source] of Object.entries(files)) {
      const link = join(inside('root'), target);
      await mkdir(dirname(link), { recursive: true });
      await symlink(await realpath(source), link);
    }
    await tar(['--dereference', '--owner=0', '--group=0', '--file', inside('layer.tar'), '--directory', inside('root'), '.']);
    const config = {
      architecture: process.arch === 'x64' ? 'amd64' : process.arch, os: 'linux',
      config: { Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'], Entrypoint: entrypoint },
      rootfs: { type: 'layers', diff_ids: [`sha256:${await sha256OfFile(inside('layer.tar'))}`] },
    };
    await writeFile(inside('config.json'), JSON.stringify(config));
    await writeFile(inside('manifest.json'), JSON.stringify([{ Config: 'config.json', RepoTags: [name], Layers: ['layer.tar'] }]));
    await tar(['--file', path, '--directory', folder, 'config.json', 'manifest.json', 'layer.tar']);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function tar(words: readonly string[]): Promise<void> {
  const { exitCode, lines } = await runCommand(['tar', '--create', ...words]);
  if (exitCode !== 0) throw new KubekeepError('lab-failed', `making an image of containers: tar: ${lines.at(-1) ?? ''}`);
}

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

export interface ContainerImage {
  /** As a pod names it. */
  readonly name: string;
  /** Path in the image → file of this computer. */
  readonly files: Readonly<Record<string, string>>;
  readonly entrypoint: readonly string[];
}

/** Writes an image of one layer to `path`, in the form of `docker save`, which `ctr image import` reads: no registry is needed. */
export async function writeImage(path: string, { name, files, entrypoint }: ContainerImage): Promise<void> {
  const folder = await mkdtemp(`${path}.`);
  const inside = (file: string) => join(folder, file);
  for (const [target, source] of Object.entries(files)) {
    const link = join(inside('root'), target);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(realpathSync(source), link);
  }
  execFileSync('tar', ['--create', '--dereference', '--owner=0', '--group=0', '--file', inside('layer.tar'), '--directory', inside('root'), '.']);
  const config = JSON.stringify({
    architecture: process.arch === 'x64' ? 'amd64' : process.arch, os: 'linux',
    config: { Env: ['PATH=/usr/local/bin:/usr/bin:/bin'], Entrypoint: entrypoint },
    rootfs: { type: 'layers', diff_ids: [`sha256:${await sha256Of(inside('layer.tar'))}`] },
  });
  writeFileSync(inside('config.json'), config);
  writeFileSync(inside('manifest.json'), JSON.stringify([{ Config: 'config.json', RepoTags: [name], Layers: ['layer.tar'] }]));
  execFileSync('tar', ['--create', '--file', path, '--directory', folder, 'config.json', 'manifest.json', 'layer.tar']);
  await rm(folder, { recursive: true });
}

/** Lower-case hex. */
export async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path)) hash.update(piece as Buffer);
  return hash.digest('hex');
}

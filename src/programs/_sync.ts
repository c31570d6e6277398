import { open, writeFile } from 'node:fs/promises';

/** Makes sure that a file's content or a folder's entries are on the disk. */
export async function syncPath(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export async function writeSynced(path: string, content: string): Promise<void> {
  await writeFile(path, content, { flush: true });
}

import { open, readFile, rename } from 'node:fs/promises';
import { hostKeyAlias } from './_ssh-options.ts';

/** The keys of a known_hosts file of ours, by host name. Empty where there is no file. */
export async function readTrustedKeys(path: string): Promise<Map<string, string>> {
  const prefix = hostKeyAlias('');
  return new Map((await readLines(path)).flatMap((line) => {
    const [alias = '', type, key] = line.split(' ');
    return alias.startsWith(prefix) && type && key ? [[alias.slice(prefix.length), `${type} ${key}`] as const] : [];
  }));
}

/** Puts keys in, by host name, in the place of older ones of the same hosts. All other lines stay. */
export async function writeTrustedKeys(path: string, keys: ReadonlyMap<string, string>): Promise<void> {
  const aliases = new Set([...keys.keys()].map(hostKeyAlias));
  const kept = (await readLines(path)).filter((line) => !aliases.has(line.split(' ')[0]!));
  const lines = [...kept, ...[...keys].map(([name, key]) => `${hostKeyAlias(name)} ${key}`)];
  const file = await open(`${path}.new`, 'w', 0o600);
  await file.writeFile(`${lines.join('\n')}\n`);
  await file.sync();
  await file.close();
  await rename(`${path}.new`, path);
}

async function readLines(path: string): Promise<string[]> {
  try {
    return (await readFile(path, 'utf8')).split('\n').filter((line) => line.trim() !== '');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

import { globSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Path of a program in the user's cache, as `kubekeep programs fetch` leaves it. */
export function cachedProgram(name: string, version: string): string {
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'kubekeep/programs');
  const [found] = globSync(`${name}/${version}/linux-*/*/${name}`, { cwd: cache });
  if (!found) throw new Error(`this test runs the real ${name} ${version}, which is not in ${cache}: run "npx kubekeep programs fetch" first`);
  return join(cache, found);
}

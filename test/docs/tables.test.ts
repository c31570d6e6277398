import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fromRepository } from '../support/from-repository.ts';

const read = (path: string) => readFileSync(fromRepository(path), 'utf8');

describe('tables written by hand', () => {
  it('ARCHITECTURE.md has the folders of layers.json and what each may import', () => {
    const layers = JSON.parse(read('layers.json')) as Record<string, readonly string[]>;
    const rows = [...read('ARCHITECTURE.md').matchAll(/^\| `([a-z]+)` \| [^|]+ \|([^|]*)\|$/gm)].map(([, folder, imports = '']) => [folder, imports.split(',').map((name) => name.trim()).filter((name) => name !== '')]);
    assert.deepEqual(Object.fromEntries(rows), layers);
  });

  it('docs/decisions has a reason for every package needed at run time, and for no other', () => {
    const { dependencies, optionalDependencies } = JSON.parse(read('package.json')) as Record<string, Record<string, string>>;
    const rows = [...read('docs/decisions/README.md').matchAll(/^\| (`.*`) \|/gm)].flatMap(([, names = '']) => names.split(', ').map((name) => name.replaceAll('`', '')));
    assert.deepEqual(rows.toSorted(), [...Object.keys(dependencies ?? {}), ...Object.keys(optionalDependencies ?? {})].toSorted());
  });

  it('CONTRIBUTING.md names every script that checks or mends', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = new Set([...read('CONTRIBUTING.md').matchAll(/`npm run ((?:verify|fix):\w+)`/g)].map(([, name = '']) => name));
    assert.deepEqual([...named].toSorted(), Object.keys(scripts).filter((name) => /^(verify|fix):/.test(name)).toSorted());
  });
});

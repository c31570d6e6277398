import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fromRepository } from './from-repository.ts';

export interface Skeleton {
  readonly folder: string;
  write(files: Readonly<Record<string, string>>): void;
  [Symbol.dispose](): void;
}

/** The configuration of this repository's checks around a handful of files that pass them all, in a temporary folder. */
export function createSkeleton(): Skeleton {
  const folder = mkdtempSync(join(tmpdir(), 'kubekeep-checks-'));
  const write = (files: Readonly<Record<string, string>>) => {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
  };
  for (const file of ['.dependency-cruiser.mjs', '.oxlintrc.json', 'knip.json', 'layers.json', 'tsconfig.json']) cpSync(fromRepository(file), join(folder, file));
  const { name, version, type } = JSON.parse(readFileSync(fromRepository('package.json'), 'utf8')) as Record<string, string>;
  write({
    'package.json': JSON.stringify({ name, version, type, bin: { kubekeep: 'bin/kubekeep.mjs' }, dependencies: { declared: '1.0.0' }, devDependencies: { '@types/node': '*' } }),
    ...packageFiles('declared'),
    ...packageFiles('undeclared'),
    'bin/kubekeep.mjs': "await import('../src/cli/main.ts');\n",
    'src/cli/main.ts': "import { declared } from 'declared';\nimport { five } from './five.ts';\nimport { one } from '../lib/one.ts';\n\nprocess.exitCode = one + five + declared;\n",
    'src/cli/five.ts': "import { one } from '../lib/one.ts';\n\nexport const five = one + 4;\n",
    'src/lib/one.ts': 'export const one = 1;\n',
  });
  mkdirSync(join(folder, 'node_modules/@types'), { recursive: true });
  symlinkSync(fromRepository('node_modules/@types/node'), join(folder, 'node_modules/@types/node'));
  symlinkSync(fromRepository('node_modules/undici-types'), join(folder, 'node_modules/undici-types'));
  return { folder, write, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}

function packageFiles(name: string): Readonly<Record<string, string>> {
  return {
    [`node_modules/${name}/package.json`]: JSON.stringify({ name, version: '1.0.0', type: 'module', exports: { types: './main.d.ts', default: './main.js' } }),
    [`node_modules/${name}/main.js`]: `export const ${name} = 1;\n`,
    [`node_modules/${name}/main.d.ts`]: `export declare const ${name}: number;\n`,
  };
}

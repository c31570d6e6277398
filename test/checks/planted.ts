import { readFileSync } from 'node:fs';
import { fromRepository } from '../support/from-repository.ts';

export interface Breach {
  readonly rule: string;
  readonly what: string;
  readonly files: Readonly<Record<string, string>>;
  /** Lines of imports; for the others, what a line about it contains or starts with. */
  readonly expected: readonly string[];
}

const layers = JSON.parse(readFileSync(fromRepository('layers.json'), 'utf8')) as Record<string, readonly string[]>;
const folders = Object.keys(layers);
const pairs = folders.flatMap((from) => folders.filter((to) => to !== from).map((to) => ({ from, to })));
const isAllowed = ({ from, to }: { from: string; to: string }) => layers[from]?.includes(to) === true;

function pairFile({ from, to }: { from: string; to: string }, word = 'import'): Record<string, string> {
  return { [`src/${from}/to-${to}.ts`]: `${word} { target } from '../${to}/target.ts';\n\nexport ${word === 'import' ? 'const reached = target' : 'type Reached = typeof target'};\n` };
}

/** Every import between two folders that layers.json does not allow; half of them of types only. */
export const forbiddenPairs: readonly Breach[] = pairs.filter((pair) => !isAllowed(pair)).map((pair, position) => ({
  rule: `layer-${pair.from}`,
  what: `${pair.from} imports ${pair.to}`,
  files: pairFile(pair, position % 2 === 0 ? 'import' : 'import type'),
  expected: [`layer-${pair.from}: src/${pair.from}/to-${pair.to}.ts → src/${pair.to}/target.ts`],
}));

/** What the planted files stand on, itself without a breach: a target in every folder, every allowed import, users of everything in lib/. */
export const supportingFiles: Readonly<Record<string, string>> = {
  ...Object.assign({}, ...folders.map((folder) => ({ [`src/${folder}/target.ts`]: 'export const target = 1;\n' }))) as Record<string, string>,
  ...Object.assign({}, ...pairs.filter(isAllowed).map((pair) => pairFile(pair))) as Record<string, string>,
  ...Object.assign({}, ...['a', 'b'].map((user) => ({
    [`src/cli/lib-user-${user}.ts`]: ['lib-one', 'target', 'reads-clock', 'waits', ...folders.filter((to) => to !== 'lib').map((to) => `to-${to}`)].map((name) => `import '../lib/${name}.ts';\n`).join(''),
  }))) as Record<string, string>,
  'src/lib/lib-one.ts': 'export {};\n',
  'src/hosts/_private.ts': 'export const hidden = 1;\n',
  'src/hosts/own-private.ts': "import { hidden } from './_private.ts';\n\nexport const shown = hidden;\n",
  'src/hosts/spawns.ts': "import { spawn } from 'node:child_process';\n\nexport const start = spawn;\n",
  'src/lab/spawns.ts': "import { spawn } from 'node:child_process';\n\nexport const start = spawn;\n",
  'src/programs/spawns.ts': "import { spawn } from 'node:child_process';\n\nexport const start = spawn;\n",
  'src/clients/shared.ts': 'export const shared = 1;\n',
  'src/clients/etcd/uses-shared.ts': "import { shared } from '../shared.ts';\n\nexport const used = shared;\n",
  'src/clients/haproxy/target.ts': 'export const target = 1;\n',
  'src/hosts/fine.test.ts': "import { writes } from '../render/writes.ts';\n\nexport const any = writes;\n",
  'src/render/writes.ts': 'export const writes = 1;\n',
  'test/support/builds.ts': 'export const builds = 1;\n',
};

const pureFolders = ['lib', 'cluster', 'pki', 'render', 'manifests', 'operations/plan'];

export const importBreaches: readonly Breach[] = [
  { rule: 'known-folders-only', what: 'a folder that is not in layers.json', files: { 'src/stray/file.ts': 'export {};\n' }, expected: ['known-folders-only: src/stray/file.ts'] },
  {
    rule: 'no-cycles',
    what: 'two files that need each other, if only for a type',
    files: { 'src/hosts/hen.ts': "import type { Egg } from './egg.ts';\n\nexport type Hen = Egg;\n", 'src/hosts/egg.ts': "import type { Hen } from './hen.ts';\n\nexport type Egg = readonly Hen[];\n" },
    expected: ['no-cycles: src/hosts/egg.ts → src/hosts/hen.ts → src/hosts/egg.ts'],
  },
  ...pureFolders.map((folder) => ({
    rule: 'pure-does-no-io',
    what: `${folder} reads files`,
    files: {
      [`src/${folder}/reads.ts`]: "import { readFileSync } from 'node:fs';\n\nexport const read = readFileSync;\n",
      ...(folder === 'lib' ? { 'src/cli/reads-a.ts': "import '../lib/reads.ts';\n", 'src/cli/reads-b.ts': "import '../lib/reads.ts';\n" } : {}),
    },
    expected: [`pure-does-no-io: src/${folder}/reads.ts → fs`],
  })),
  {
    rule: 'only-hosts-lab-and-programs-spawn',
    what: 'operations start a process',
    files: { 'src/operations/spawns.ts': "import { spawn } from 'node:child_process';\n\nexport const start = spawn;\n" },
    expected: ['only-hosts-lab-and-programs-spawn: src/operations/spawns.ts → child_process'],
  },
  {
    rule: 'clients-stay-apart',
    what: 'one client imports another',
    files: { 'src/clients/etcd/asks-haproxy.ts': "import { target } from '../haproxy/target.ts';\n\nexport const asked = target;\n" },
    expected: ['clients-stay-apart: src/clients/etcd/asks-haproxy.ts → src/clients/haproxy/target.ts'],
  },
  {
    rule: 'underscore-is-private',
    what: 'a private file of another folder',
    files: { 'src/operations/peeks.ts': "import { hidden } from '../hosts/_private.ts';\n\nexport const seen = hidden;\n" },
    expected: ['underscore-is-private: src/operations/peeks.ts → src/hosts/_private.ts'],
  },
  { rule: 'no-drawers', what: 'a file called utils', files: { 'src/hosts/utils.ts': 'export {};\n' }, expected: ['no-drawers: src/hosts/utils.ts'] },
  { rule: 'no-drawers', what: 'a folder called common', files: { 'src/hosts/common/name.ts': 'export {};\n' }, expected: ['no-drawers: src/hosts/common/name.ts'] },
  {
    rule: 'no-tests-in-production',
    what: 'a test and something of test/',
    files: { 'src/hosts/leans-on-tests.ts': "import './fine.test.ts';\nimport { builds } from '../../test/support/builds.ts';\n\nexport const built = builds;\n" },
    expected: ['no-tests-in-production: src/hosts/leans-on-tests.ts → src/hosts/fine.test.ts', 'no-tests-in-production: src/hosts/leans-on-tests.ts → test/support/builds.ts'],
  },
  {
    rule: 'packages-are-declared',
    what: 'a package that is installed but not in package.json',
    files: { 'src/clients/uses-undeclared.ts': "import { undeclared } from 'undeclared';\n\nexport const used = undeclared;\n" },
    expected: ['packages-are-declared: src/clients/uses-undeclared.ts → node_modules/undeclared/main.d.ts'],
  },
  {
    rule: 'production-uses-dependencies',
    what: 'a package that is there for development only',
    files: { 'src/clients/uses-dev.ts': "import { dev } from 'dev';\n\nexport const used = dev;\n" },
    expected: ['production-uses-dependencies: src/clients/uses-dev.ts → node_modules/dev/main.js'],
  },
  {
    rule: 'lib-is-shared',
    what: 'a file of lib/ with one user',
    files: { 'src/lib/lonely.ts': 'export const lonely = 1;\n', 'src/hosts/friend.ts': "import { lonely } from '../lib/lonely.ts';\n\nexport const known = lonely;\n" },
    expected: ['lib-is-shared: src/lib/lonely.ts'],
  },
];

function lint(rule: string, what: string, file: string, text: string): Breach {
  return { rule, what, files: { [file]: text }, expected: [`${file}:`] };
}

export const lintBreaches: readonly Breach[] = [
  lint('no-floating-promises', 'a promise that nobody waits for', 'src/operations/floats.ts', 'async function work() {}\n\nexport function start() {\n  work();\n}\n'),
  lint('no-misused-promises', 'a promise as a condition', 'src/operations/misuses.ts', 'async function isReady() {\n  return true;\n}\n\nexport const ready = isReady() ? 1 : 2;\n'),
  lint('no-default-export', 'a default export', 'src/operations/defaults.ts', 'export default 1;\n'),
  lint('max-lines)', 'a file of 401 lines', 'src/operations/long.ts', `export {};\n${'// line\n'.repeat(400)}`),
  lint('max-lines-per-function', 'a function of more than 60 lines', 'src/operations/long-function.ts', `export function long() {\n${'  // line\n'.repeat(60)}}\n`),
  lint('no-console', 'console', 'src/cli/prints.ts', "console.log('here');\n"),
  lint('no-restricted-properties', 'the wall clock', 'src/operations/reads-clock.ts', 'export const now = Date.now();\n'),
  lint('no-restricted-properties', 'chance', 'src/operations/rolls.ts', 'export const roll = Math.random();\n'),
  lint('no-restricted-properties', 'the environment', 'src/operations/reads-environment.ts', "export const home = process.env['HOME'];\n"),
  lint('no-restricted-imports', 'the environment by import', 'src/operations/imports-environment.ts', "import { env } from 'node:process';\n\nexport const home = env['HOME'];\n"),
  lint('no-restricted-globals', 'a pure folder that waits', 'src/lib/waits.ts', 'setTimeout(() => {}, 1);\n'),
  lint('no-restricted-globals', 'a pure folder that measures time', 'src/lib/reads-clock.ts', 'export const now = performance.now();\n'),
  lint('filename-case', 'a file that is not in kebab-case', 'src/operations/camelCase.ts', 'export {};\n'),
];

function type(code: string, what: string, file: string, text: string): Breach {
  return { rule: code, what, files: { [file]: text }, expected: [`${file}(`] };
}

export const typeBreaches: readonly Breach[] = [
  type('TS1294', 'syntax that cannot be stripped (erasableSyntaxOnly)', 'src/operations/enumerates.ts', 'export enum Colour {\n  red,\n}\n'),
  type('TS1484', 'a type imported as a value (verbatimModuleSyntax)', 'src/operations/imports-type.ts', "import { PathLike } from 'node:fs';\n\nexport type Seen = PathLike;\n"),
  type('TS2322', 'an element that may not be there (noUncheckedIndexedAccess)', 'src/operations/indexes.ts', 'const list: readonly number[] = [];\n\nexport const first: number = list[0];\n'),
  type('TS2375', 'undefined for a property that may only be left out (exactOptionalPropertyTypes)', 'src/operations/optional.ts', 'export const given: { readonly port?: number } = { port: undefined };\n'),
  type('TS4114', 'a method that overrides unsaid (noImplicitOverride)', 'src/operations/overrides.ts', "export class Loud extends Error {\n  toString() {\n    return 'loud';\n  }\n}\n"),
  type('TS7006', 'a parameter without a type (strict)', 'src/operations/untyped.ts', 'export function same(value) {\n  return value as unknown;\n}\n'),
];

export const unusedBreaches: readonly Breach[] = [
  { rule: 'Unused files', what: 'a file that nobody imports', files: { 'src/operations/orphan.ts': 'export {};\n' }, expected: ['src/operations/orphan.ts'] },
  { rule: 'Unused exports', what: 'an export that nobody imports', files: { 'src/operations/unused-export.ts': 'export const wanted = 1;\nexport const unwanted = 2;\n', 'src/cli/commands/wants.ts': "import { wanted } from '../../operations/unused-export.ts';\n\nexport const got = wanted;\n", 'src/cli/five.ts': "import { one } from '../lib/one.ts';\nimport { got } from './commands/wants.ts';\n\nexport const five = one + 4 + got;\n" }, expected: ['unwanted'] },
  { rule: 'Unused exported types', what: 'a type that nobody imports', files: { 'src/cli/commands/wants.ts': "import { wanted } from '../../operations/unused-export.ts';\n\nexport type Unwanted = string;\n\nexport const got = wanted;\n" }, expected: ['Unwanted'] },
  { rule: 'Unused dependencies', what: 'a package that nobody imports', files: { 'package.json': JSON.stringify({ name: 'kubekeep', version: '0.1.0', type: 'module', bin: { kubekeep: 'bin/kubekeep.mjs' }, dependencies: { declared: '1.0.0', 'not-imported': '1.0.0' }, devDependencies: { '@types/node': '*', dev: '1.0.0' } }), 'node_modules/dev/package.json': JSON.stringify({ name: 'dev', version: '1.0.0', type: 'module', exports: './main.js' }), 'node_modules/dev/main.js': 'export const dev = 1;\n' }, expected: ['not-imported'] },
  { rule: 'Unused files', what: 'a file that only tests use (--production)', files: { 'src/hosts/only-tested.ts': 'export const tested = 1;\n', 'src/hosts/only-tested.test.ts': "import { tested } from './only-tested.ts';\n\nexport const seen = tested;\n" }, expected: ['src/hosts/only-tested.ts'] },
];

// Rules about imports, generated from layers.json: one per folder of src/, and the ones that hold everywhere. Rules about the names of files
// and folders are in test/support/layers.mjs, since a file that nothing imports has no place in a graph of imports.
import { readFileSync } from 'node:fs';

const layers = JSON.parse(readFileSync(new URL('layers.json', import.meta.url), 'utf8'));
const test = '[.](test|conformance)[.]ts$';
const pure = '^src/(lib|cluster|pki|balancing|render|manifests|operations/plan)/';
const io = '(^(node:)?(fs|net|tls|http|http2|https|dgram|dns|child_process|process|os|worker_threads|cluster|readline|repl|inspector|timers)(/|$)|node_modules/@grpc/)';
const error = (name, from, to) => ({ name, severity: 'error', from, to });

export default {
  forbidden: [
    ...Object.entries(layers).map(([folder, allowed]) =>
      error(`layer-${folder}`, { path: `^src/${folder}/`, pathNot: test }, { path: '^src/', pathNot: `^src/(${[folder, ...allowed].join('|')})/` })),
    error('no-cycles', {}, { circular: true }),
    error('pure-does-no-io', { path: pure, pathNot: test }, { path: io }),
    error('only-hosts-lab-and-programs-spawn', { path: '^src/', pathNot: `(^src/(hosts|lab|programs)/|${test})` }, { path: '^(node:)?child_process$' }),
    // A file directly in src/clients/ may serve them all.
    error('clients-stay-apart', { path: '^src/clients/([^/]+)/', pathNot: test }, { path: '^src/clients/[^/]+/', pathNot: '^src/clients/$1/' }),
    error('underscore-is-private', { path: '^src/([^/]+)/' }, { path: '/_[^/]+[.]ts$', pathNot: '^src/$1/' }),
    error('no-tests-in-production', { path: '^src/', pathNot: test }, { path: `(${test}|^(test|bench)/)` }),
    error('packages-are-declared', {}, { pathNot: '^[.]', dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'unknown', 'undetermined'] }),
    error('production-uses-dependencies', { path: '^src/', pathNot: test }, { dependencyTypes: ['npm-dev', 'npm-optional'], dependencyTypesNot: ['type-only'] }),
    { name: 'lib-is-shared', severity: 'error', from: { pathNot: test }, module: { path: '^src/lib/', pathNot: test, numberOfDependentsLessThan: 2 } },
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};

// Checks the tree in the current folder: imports against its .dependency-cruiser.mjs, names of files and folders against its layers.json.
// One line per breach, starting with the name of the rule.
import { cruise } from 'dependency-cruiser';
import extractOptions from 'dependency-cruiser/config-utl/extract-depcruise-options';
import extractTsConfig from 'dependency-cruiser/config-utl/extract-ts-config';
import { existsSync, globSync, readFileSync } from 'node:fs';

const files = globSync('{src,test,bench}/**/*.{ts,mjs}').sort();
const breaches = [...breachesOfNames(), ...(await breachesOfImports())];
for (const breach of breaches) process.stdout.write(`${breach}\n`);
process.exitCode = breaches.length > 0 ? 1 : 0;

function breachesOfNames() {
  const known = Object.keys(JSON.parse(readFileSync('layers.json', 'utf8'))).join('|');
  return [
    ...files.filter((file) => file.startsWith('src/') && !new RegExp(`^src/(${known})/`).test(file)).map((file) => `known-folders-only: ${file}`),
    ...files.filter((file) => /\/(index|utils?|helpers?|common|misc|types)(\/|\.)/.test(file)).map((file) => `no-drawers: ${file}`),
  ];
}

async function breachesOfImports() {
  const folders = ['src', 'test', 'bench'].filter((folder) => existsSync(folder));
  const options = await extractOptions(`${process.cwd()}/.dependency-cruiser.mjs`);
  const { output } = await cruise(folders, { ...options, validate: true }, {}, { tsConfig: extractTsConfig('tsconfig.json') });
  // A tool that reads nothing finds nothing: with a TypeScript it does not know, dependency-cruiser passes having read no file at all.
  const read = new Set(output.modules.filter(({ dependencies }) => dependencies).map(({ source }) => source));
  const { totalCruised, violations } = output.summary;
  return [
    ...(totalCruised < files.length || files.length === 0 ? [`every-file-is-read: ${totalCruised} of ${files.length}`] : []),
    ...files.filter((file) => !read.has(file)).map((file) => `every-file-is-read: ${file}`),
    ...violations.map(({ rule, from, to, cycle }) => `${rule.name}: ${from}${cycle ? ` → ${cycle.map(({ name }) => name).join(' → ')}` : to && to !== from ? ` → ${to}` : ''}`),
  ];
}

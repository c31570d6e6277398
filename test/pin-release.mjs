// Fills pins/release.json on a computer that reaches the projects' download addresses: npm run pin:release [-- kubernetes=1.37.3 etcd=3.7.4 …].
// The sums are those that the projects publish beside their files, read over HTTPS. Nothing is written unless all of them were found.
import { readFileSync, writeFileSync } from 'node:fs';
import { usePinnedNode } from './support/pinned-node.mjs';

usePinnedNode();
const { defaultVersions, familyOf, platforms, programNames } = await import('../src/programs/program.ts');
const { publishedSum } = await import('../src/programs/published-sum.ts');
const { releaseFile } = await import('../src/programs/release-files.ts');

const path = new URL('../pins/release.json', import.meta.url);

try {
  const { sha256 } = JSON.parse(readFileSync(path, 'utf8'));
  for (const file of filesOf(versionsOf(process.argv.slice(2)))) sha256[file.key] = await sumFor(file, sha256[file.key]);
  const sorted = Object.fromEntries(Object.entries(sha256).sort(([a], [b]) => (a < b ? -1 : 1)));
  writeFileSync(path, `${JSON.stringify({ sha256: sorted }, null, 2)}\n`);
} catch (error) {
  process.stderr.write(`pin:release: ${error.message}${error.cause ? ` (${error.cause.message})` : ''}; pins/release.json is as it was\n`);
  process.exitCode = 1;
}

function versionsOf(words) {
  if (words.length === 0) return Object.entries(defaultVersions);
  return words.map((word) => {
    const match = /^(kubernetes|etcd|coredns)=v?(\d+\.\d+\.\d+)$/.exec(word);
    if (!match) throw new Error(`not FAMILY=VERSION: ${word}`);
    return [match[1], match[2]];
  });
}

function filesOf(versions) {
  const files = new Map();
  for (const [family, version] of versions) {
    for (const name of programNames.filter((one) => familyOf(one) === family)) {
      for (const platform of platforms) {
        const file = releaseFile({ name, version, platform });
        files.set(file.key, file);
      }
    }
  }
  return files.values();
}

/** Published files do not change: a sum that does is a reason to look, not to overwrite. */
async function sumFor(file, pinned) {
  const sum = await publishedSum(file);
  if (sum === undefined) throw new Error(`${file.sumUrl} has no SHA-256 of ${file.url}`);
  if (pinned !== undefined && pinned !== sum) throw new Error(`${file.key} is pinned as ${pinned}, but ${file.sumUrl} says ${sum}`);
  process.stdout.write(`${sum}  ${file.key}\n`);
  return sum;
}

// Takes the engines of optional packages out of package-lock.json: npm leaves out an optional package that does not name the system's Node, but the
// native parts of our tools are run by the pinned one.
import { readFileSync, writeFileSync } from 'node:fs';

const lock = JSON.parse(readFileSync('package-lock.json', 'utf8'));
for (const entry of Object.values(lock.packages)) if (entry.optional || entry.devOptional) delete entry.engines;
writeFileSync('package-lock.json', `${JSON.stringify(lock, null, 2)}\n`);

#!/usr/bin/env node
// `age -d -i IDENTITY FILE` for computers without age.
import { readFileSync } from 'node:fs';
import { Decrypter } from 'age-encryption';

const [, , , , identity, file] = process.argv;
const decrypter = new Decrypter();
decrypter.addIdentity(/^AGE-SECRET-KEY-1\S+$/m.exec(readFileSync(identity, 'utf8'))[0]);
process.stdout.write(await decrypter.decrypt(readFileSync(file)));

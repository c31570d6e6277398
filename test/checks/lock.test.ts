import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fromRepository } from '../support/from-repository.ts';

test('npm ci leaves out no native part of a tool because the Node of the system is old: run npm run fix:lock', () => {
  const { packages } = JSON.parse(readFileSync(fromRepository('package-lock.json'), 'utf8')) as { packages: Record<string, { optional?: boolean; devOptional?: boolean; engines?: object }> };
  const bound = Object.entries(packages).filter(([, entry]) => (entry.optional || entry.devOptional) && entry.engines);
  assert.deepEqual(bound.map(([name]) => name), []);
});

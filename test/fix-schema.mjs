// Writes schema/cluster.json and the table of docs/reference/spec.md from the schema in src/cluster: node test/fix-schema.mjs
import { writeFileSync } from 'node:fs';
import { usePinnedNode } from './support/pinned-node.mjs';

usePinnedNode();
const { clusterSchemaText } = await import('./support/cluster-schema.ts');
const { writeGeneratedPart } = await import('./support/generated-pages.ts');
const { specReference } = await import('./support/spec-reference.ts');

writeFileSync(new URL('../schema/cluster.json', import.meta.url), clusterSchemaText());
writeGeneratedPart('docs/reference/spec.md', specReference());

import { clusterJsonSchema } from './json-schema.ts';
import type { JsonSchema } from './json-schema.ts';

/** The page `docs/reference/spec.md`: every field of the cluster file with its type, default and meaning. */
export function specReference(): string {
  return `${[
    '# The cluster file',
    '',
    'Made from the schema by `npm run fix:schema`. `[]` stands for each entry of a list. Fields without a default are optional unless they are said to be required. Unknown fields are errors.',
    'Editors check the file as it is typed with `schema/cluster.json`, for example by this first line: `# yaml-language-server: $schema=…/schema/cluster.json`.',
    '',
    '| field | type | default | meaning |',
    '| --- | --- | --- | --- |',
    ...rows(clusterJsonSchema()),
    '',
    '`kubekeep validate` also checks what concerns several fields: names and addresses that occur twice, an even number of etcd hosts, roles that no host has, the place of the VIP,',
    'networks that overlap, versions with known harm, flags that kubekeep must set itself, and secrets.',
  ].join('\n')}\n`;
}

function rows(schema: JsonSchema, parent = ''): readonly string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const path = parent === '' ? name : `${parent}.${name}`;
    const required = schema.required?.includes(name) ?? false;
    const row = `| \`${path}\` | ${typeOf(field)} | ${required ? 'required' : defaultOf(field)} | ${field.description ?? ''} |`;
    return [row, ...rows(field, path), ...rows(field.items ?? {}, `${path}[]`)];
  });
}

function typeOf({ type, enum: words, items, minimum, maximum, additionalProperties }: JsonSchema): string {
  if (words) return words.map((word) => `\`${String(word)}\``).join(', ');
  if (type === 'integer') return `${minimum} to ${maximum}`;
  if (type === 'array') return `list of ${items?.enum ? typeOf(items) : items?.type === 'object' ? 'mappings' : 'text'}`;
  if (type === 'object') return typeof additionalProperties === 'object' ? 'mapping of flag to value' : 'mapping';
  return 'text';
}

function defaultOf({ default: value, type }: JsonSchema): string {
  if (value === undefined || type === 'object') return '';
  return Array.isArray(value) ? (value.length > 0 ? value.map((item) => `\`${String(item)}\``).join(', ') : 'empty') : `\`${String(value)}\``;
}

import { clusterSchema, externalSchema } from './cluster-schema.ts';
import type { JsonSchema } from './cluster-schema.ts';

/** The tables of `docs/reference/spec.md`: every field of both forms of the cluster file with its type, default and meaning. */
export function specReference(): string {
  return [table(clusterSchema()), '### A cluster that kubekeep did not build', externalText, table(externalSchema())].join('\n\n');
}

const externalText = 'With `spec.external` the file describes a cluster that somebody else built, of which kubekeep makes backups ([how](../guides/backups-of-other-clusters.md)). It has these fields and no others:';

function table(schema: JsonSchema): string {
  return ['| field | type | default | meaning |', '| --- | --- | --- | --- |', ...rows(schema)].join('\n');
}

function rows(schema: JsonSchema, parent = ''): readonly string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const path = parent === '' ? name : `${parent}.${name}`;
    const required = schema.required?.includes(name) ?? false;
    const row = `| \`${path}\` | ${typeOf(field)} | ${required ? '(required)' : defaultOf(field)} | ${field.description ?? ''} |`;
    return [row, ...rows(field, path), ...rows(field.items ?? {}, `${path}[]`)];
  });
}

function typeOf({ type, enum: words, items, minimum, maximum, additionalProperties, anyOf }: JsonSchema): string {
  if (anyOf) return anyOf.map(typeOf).join(', ');
  if (words) return words.map((word) => `\`${String(word)}\``).join(', ');
  if (type === 'boolean') return '`true`, `false`';
  if (type === 'integer') return `${minimum} to ${maximum}`;
  if (type === 'array') return `list of ${items?.enum ? typeOf(items) : items?.type === 'object' ? 'mappings' : 'text'}`;
  if (type === 'object') return typeof additionalProperties !== 'object' ? 'mapping' : additionalProperties.anyOf ? 'mapping of flag to value' : 'mapping of label to value';
  return 'text';
}

function defaultOf({ default: value, type }: JsonSchema): string {
  if (value === undefined || type === 'object') return '';
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  return values.length === 0 ? 'empty' : values.map((one) => `\`${typeof one === 'string' ? one : JSON.stringify(one)}\``).join(', ');
}

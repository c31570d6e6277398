import { z } from 'zod';
import { clusterFileSchema } from '../../src/cluster/cluster-file-schema.ts';
import { externalFileSchema } from '../../src/cluster/external-file-schema.ts';

/** A node of the JSON Schema, as far as it is used here. */
export interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | JsonSchema;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
}

/** The JSON Schema of the cluster file of a cluster that kubekeep builds: the form of every field, without the rules about several fields at once. */
export function clusterSchema(): JsonSchema {
  return schemaOf(clusterFileSchema);
}

/** The same for a cluster that somebody else built. */
export function externalSchema(): JsonSchema {
  return schemaOf(externalFileSchema);
}

/** `schema/cluster.json` as it should be: editors look at `spec.external` to know which form a file has. */
export function clusterSchemaText(): string {
  const external = { required: ['spec'], properties: { spec: { type: 'object', required: ['external'], properties: { external: {} } } } };
  const forms = [{ if: external, else: clusterSchema() }, { if: { not: external }, else: externalSchema() }];
  const whole = { $schema: 'https://json-schema.org/draft/2020-12/schema', title: 'The cluster file of kubekeep', type: 'object', allOf: forms };
  return `${JSON.stringify(whole, null, 2)}\n`;
}

function schemaOf(schema: z.ZodType): JsonSchema {
  const { $schema: _, ...form } = z.toJSONSchema(schema, { io: 'input' });
  return form as JsonSchema;
}

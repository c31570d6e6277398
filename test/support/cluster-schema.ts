import { z } from 'zod';
import { clusterFileSchema } from '../../src/cluster/cluster-file-schema.ts';

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
}

/** The JSON Schema of the cluster file, for editors: the form of every field, without the rules about several fields at once. */
export function clusterSchema(): JsonSchema {
  const { $schema, ...schema } = z.toJSONSchema(clusterFileSchema, { io: 'input' });
  return { $schema, title: 'The cluster file of kubekeep', ...schema } as JsonSchema;
}

/** `schema/cluster.json` as it should be. */
export function clusterSchemaText(): string {
  return `${JSON.stringify(clusterSchema(), null, 2)}\n`;
}

import { z } from 'zod';

/**
 * What could be understood of a value: the same shape as the schema's output, with undefined in place of each field that is missing or
 * wrong. It lets rules about several fields speak although other fields are wrong, so that all problems are reported at once.
 */
export type Salvaged<T> = T extends string | number | boolean | undefined
  ? T | undefined
  : T extends readonly (infer Item)[]
    ? readonly Salvaged<Item>[] | undefined
    : { readonly [Field in keyof T]-?: Salvaged<T[Field]> };

export function salvage<Schema extends z.ZodType>(schema: Schema, value: unknown): Salvaged<z.output<Schema>> {
  return walk(schema, value) as Salvaged<z.output<Schema>>;
}

function walk(schema: z.core.$ZodType, value: unknown): unknown {
  if (schema instanceof z.ZodDefault && value === undefined) return z.parse(schema, undefined);
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional) return walk(schema.unwrap(), value);
  if (schema instanceof z.ZodObject) {
    const fields = entries(value);
    return Object.fromEntries(Object.entries(schema.shape as z.core.$ZodLooseShape).map(([name, field]) => [name, walk(field, fields.get(name))]));
  }
  if (schema instanceof z.ZodArray) return Array.isArray(value) ? value.map((item) => walk(schema.element, item)) : undefined;
  if (schema instanceof z.ZodRecord) {
    const kept = [...entries(value)].filter(([name]) => z.safeParse(schema.keyType, name).success).map(([name, field]) => [name, walk(schema.valueType, field)]);
    return Object.fromEntries(kept);
  }
  return z.safeParse(schema, value).data;
}

function entries(value: unknown): ReadonlyMap<string, unknown> {
  return new Map(typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : []);
}

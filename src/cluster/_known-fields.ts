import { z } from 'zod';

/** Field names by the path of their mapping, list positions written as `[]`: `spec.hosts[]` → name, address, … */
export type KnownFields = ReadonlyMap<string, readonly string[]>;

export function knownFields(schema: z.core.$ZodType, path = ''): KnownFields {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional) return knownFields(schema.unwrap(), path);
  if (schema instanceof z.ZodArray) return knownFields(schema.element, `${path}[]`);
  if (!(schema instanceof z.ZodObject)) return new Map();
  const shape = Object.entries(schema.shape as z.core.$ZodLooseShape);
  const inner = shape.flatMap(([name, field]) => [...knownFields(field, path === '' ? name : `${path}.${name}`)]);
  return new Map([[path, shape.map(([name]) => name)], ...inner]);
}

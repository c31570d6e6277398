import { createHash, randomBytes } from 'node:crypto';
import { isObject, textOf, type Json, type JsonObject } from './json.ts';

/** Puts other words in the place of what a Secret holds. */
export type HideSecrets = (object: JsonObject) => JsonObject;

/** Made by kubectl, and a copy of all that was applied. */
const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

/** Equal values get equal words, so that a change can be seen, and nothing but that: "(hidden 1, 8 bytes)". */
export function hideSecrets(): HideSecrets {
  const salt = randomBytes(16);
  const numbers = new Map<string, number>();
  const word = (value: Json) => {
    const bytes = Buffer.from(textOf(value), 'base64');
    const id = createHash('sha256').update(salt).update(textOf(value)).digest('hex');
    const number = numbers.get(id) ?? numbers.size + 1;
    numbers.set(id, number);
    return `(hidden ${number}, ${bytes.length} bytes)`;
  };
  return (object) => {
    if (object['apiVersion'] !== 'v1' || object['kind'] !== 'Secret') return object;
    const { data, metadata } = object;
    return {
      ...object,
      ...(isObject(data) && { data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, word(value)])) }),
      ...(isObject(metadata) && { metadata: withoutCopy(metadata, word) }),
    };
  };
}

function withoutCopy(metadata: JsonObject, word: (value: Json) => string): JsonObject {
  const { annotations } = metadata;
  if (!isObject(annotations) || annotations[lastApplied] === undefined) return metadata;
  return { ...metadata, annotations: { ...annotations, [lastApplied]: word(Buffer.from(textOf(annotations[lastApplied])).toString('base64')) } };
}

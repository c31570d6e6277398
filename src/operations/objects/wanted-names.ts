import { KubekeepError } from '../../lib/errors.ts';
import type { Resource } from '../../objects/resources.ts';
import { nameOf, type ObjectName } from '../../objects/stored-objects.ts';
import { resourcesCalled } from './read-objects.ts';

/** Which objects KIND, KIND/NAME and a namespace let through; of all where nothing is named. */
export interface WantedNames {
  /** Plural, with the group. */
  readonly resources: ReadonlySet<string> | undefined;
  readonly name: string | undefined;
  readonly namespace: string | undefined;
  readonly has: (name: ObjectName) => boolean;
}

export interface WantedWords {
  readonly kind: string | undefined;
  readonly name: string | undefined;
  readonly namespace: string | undefined;
}

/** `custom`: the custom resources of each state that is looked at. A kind that was defined in one of them is enough. Throws `usage` where it was in none. */
export async function wantedNames({ kind, name, namespace }: WantedWords, custom: readonly (() => Promise<readonly Resource[]>)[]): Promise<WantedNames> {
  const resources = kind === undefined ? undefined : await calledAnywhere(kind, custom);
  return {
    resources, name, namespace,
    has: (one) => (resources === undefined || resources.has(nameOf(one))) && (name === undefined || one.name === name) && (namespace === undefined || one.namespace === namespace),
  };
}

async function calledAnywhere(kind: string, custom: readonly (() => Promise<readonly Resource[]>)[]): Promise<ReadonlySet<string>> {
  const found = await Promise.allSettled(custom.map((find) => resourcesCalled(kind, find)));
  const known = found.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
  const failed = found.find((one) => one.status === 'rejected' && (known.length === 0 || !(one.reason instanceof KubekeepError && one.reason.code === 'usage')));
  if (failed) throw (failed as PromiseRejectedResult).reason;
  return new Set(known.map(nameOf));
}

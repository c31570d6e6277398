import { isObject, type JsonObject } from './json.ts';
import { nameOf, type ResourceName } from './stored-objects.ts';

/** Kinds that are written all the time, by programs and for programs. */
const noisy: ReadonlySet<string> = new Set(['leases.coordination.k8s.io', 'events', 'endpoints', 'endpointslices.discovery.k8s.io', 'ipaddresses.networking.k8s.io']);

export function isNoise(name: ResourceName): boolean {
  return noisy.has(nameOf(name));
}

/** An object without what every write changes; its status stays where that is asked for. */
export function withoutNoise({ status, metadata, ...object }: JsonObject, { status: keep }: { readonly status: boolean }): JsonObject {
  const { managedFields: _, resourceVersion: __, generation: ___, ...rest } = isObject(metadata) ? metadata : {};
  return { ...object, metadata: rest, ...(keep && status !== undefined && { status }) };
}

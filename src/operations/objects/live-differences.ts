import { ApiError } from '../../clients/kubernetes/api-error.ts';
import type { KeyValue } from '../../bolt/newest-values.ts';
import { compareText } from '../../lib/compare-text.ts';
import { fewAtOnce } from '../../lib/few-at-once.ts';
import { changedFields } from '../../objects/changed-fields.ts';
import { decodeValue, type DecodedValue } from '../../objects/decode-value.ts';
import { encryptedWith, type EncryptionKeys } from '../../objects/encrypted-value.ts';
import { at, textOf, type JsonObject } from '../../objects/json.ts';
import { comparable } from '../../objects/manifest.ts';
import { isNoise } from '../../objects/noise.ts';
import { builtInResources, type Resource } from '../../objects/resources.ts';
import { nameOf, objectNameOf, type ObjectName } from '../../objects/stored-objects.ts';
import type { Operation } from '../operation.ts';
import { liveObjects, placeOf, type LiveCluster } from './live-objects.ts';
import { objectKeys } from './log-changes.ts';
import { difference, inOrder, type DifferenceOptions, type ObjectDifference } from './object-differences.ts';
import { allOf, type ObjectState } from './object-state.ts';
import { customResources, keyOf, type FindKeys } from './read-objects.ts';
import { whyRefused } from './restore/check-plan.ts';
import { getIfThere, pathOf, servedBy } from './restore/living.ts';
import { clusterNamespace, clusterUid, compareUids, livingUid, type SameCluster } from './same-cluster.ts';
import type { WantedNames } from './wanted-names.ts';

export interface LiveDifferenceOptions extends Pick<DifferenceOptions, 'selector' | 'all' | 'hide'> {
  readonly wanted: WantedNames;
  readonly encryptionKeys: FindKeys;
}

export interface LiveDifferences {
  readonly differences: readonly ObjectDifference[];
  /** Of another cluster only what somebody could have written is compared, unless all is asked for. */
  readonly cluster: SameCluster;
  readonly notCompared: readonly NotCompared[];
  readonly otherVersions: readonly OtherVersion[];
}

/** Objects of a kind that the API does not give. */
export interface NotCompared {
  /** Plural, with the group: "podgroups.scheduling.k8s.io". */
  readonly resource: string;
  readonly why: string;
}

/** Objects that are stored in a version that the API does not serve. */
export interface OtherVersion {
  readonly resource: string;
  /** "resource.k8s.io/v1beta2". */
  readonly stored: string;
  /** With which they were compared: "resource.k8s.io/v1". */
  readonly served: string;
}

/** So many kinds are listed at a time. */
const lanes = 4;

/** What is different between a state of a backup and a cluster as it is. Each object is asked for in the version in which the backup has it, where that is served. Throws `api-failed`. */
export async function liveDifferences({ signal, progress }: Pick<Operation, 'signal' | 'progress'>, state: ObjectState, live: LiveCluster, options: LiveDifferenceOptions): Promise<LiveDifferences> {
  const { wanted, all } = options;
  const custom = live.custom ?? (await customResources(state));
  const resources = [...builtInResources, ...custom].filter((one) => isAsked(one, options));
  progress({ type: 'started', title: `asking the API server for the objects of ${resources.length} kinds`, step: 'objects/live' });
  const served = await servedBy(live.api, resources, signal);
  const ofCluster = keyOf(builtInResources.find((one) => one.resource === clusterNamespace.resource)!, '', clusterNamespace.name);
  const isKept = objectKeys({ all, wanted: wanted.has });
  const values = await allOf(state.each((key) => key === ofCluster || isKept(key)));
  const cluster = compareUids(uidIn(ofCluster, values.get(ofCluster)), await livingUid(live.api, signal));
  const kept = Map.groupBy([...values].filter(([key]) => isKept(key)), ([key]) => nameOf(objectNameOf(key)!));
  const keys = [...values.values()].some(({ value }) => encryptedWith(value) !== undefined) ? await options.encryptionKeys() : undefined;
  const found = await fewAtOnce(resources, lanes, async (resource) => compareKind(live, resource, { ...options, signal, cluster, keys, versions: served.get(nameOf(resource)) ?? [], kept: new Map(kept.get(nameOf(resource))) }));
  const known = new Set(resources.map(nameOf));
  const rest = [...kept].filter(([name]) => !known.has(name)).map(([name, those]) => withoutKind(name, those, { ...options, cluster, keys, isListed: live.custom !== undefined }));
  const parts = [...found, ...rest];
  return {
    cluster,
    differences: inOrder(parts.flatMap(({ differences }) => differences)),
    notCompared: parts.flatMap(({ notCompared }) => notCompared).toSorted((one, other) => compareText(one.resource, other.resource)),
    otherVersions: parts.flatMap(({ otherVersions }) => otherVersions),
  };
}

function isAsked(resource: Resource, { wanted, all }: LiveDifferenceOptions): boolean {
  return (all || !isNoise(resource)) && (wanted.resources === undefined || wanted.resources.has(nameOf(resource))) && (wanted.namespace === undefined || resource.namespaced);
}

function uidIn(key: string, found: KeyValue | undefined): string | undefined {
  return found && clusterUid(decodeValue({ key, ...found }).object);
}

type Part = Pick<LiveDifferences, 'differences' | 'notCompared' | 'otherVersions'>;

interface Comparing extends LiveDifferenceOptions {
  readonly cluster: SameCluster;
  readonly keys: EncryptionKeys | undefined;
}

interface ComparingKind extends Comparing {
  readonly signal: AbortSignal;
  /** That are served, the preferred one first. */
  readonly versions: readonly string[];
  readonly kept: ReadonlyMap<string, KeyValue>;
}

async function compareKind(live: LiveCluster, resource: Resource, { signal, versions, kept, ...options }: ComparingKind): Promise<Part> {
  const { wanted, keys } = options;
  const decoded = (key: string) => read(key, kept.get(key), keys);
  const first = kept.keys().map(decoded).find((one) => one?.object !== undefined)?.object;
  const version = versions.find((one) => one === versionOf(first)) ?? versions[0];
  const none = { differences: [], notCompared: [], otherVersions: [] };
  if (version === undefined) return kept.size === 0 ? none : { ...none, notCompared: [{ resource: nameOf(resource), why: 'no API server of the cluster serves it' }] };
  const [seen, otherVersions, differences] = [new Set<string>(), new Map<string, OtherVersion>(), [] as ObjectDifference[]];
  try {
    for await (const objects of liveObjects(live, { resource, version, namespace: wanted.namespace, name: wanted.name }, signal)) {
      for (const object of objects) {
        const { namespace, name } = placeOf(object);
        const key = keyOf(resource, namespace, name);
        seen.add(key);
        const before = decoded(key);
        const inVersion = before?.object && (await inSameVersion(live, { before: before.object, after: object, versions, name: { ...resource, namespace, name } }, signal));
        if (inVersion?.stored !== undefined) otherVersions.set(inVersion.stored, { resource: nameOf(resource), stored: inVersion.stored, served: textOf(object['apiVersion']) });
        const after = inVersion?.after ?? object;
        const one = compared({ group: resource.group, resource: resource.resource, namespace, name }, [before && inVersion ? { ...before, object: inVersion.before, unknown: [] } : before, { object: after, unknown: [], revision: revisionOf(after) }], options);
        if (one) differences.push(one);
      }
    }
  } catch (error) {
    if (!(error instanceof ApiError) || error.status === undefined) throw error;
    return { ...none, notCompared: [{ resource: nameOf(resource), why: whyRefused(error) }] };
  }
  const went = [...kept.keys()].filter((key) => !seen.has(key)).flatMap((key) => compared(objectNameOf(key)!, [decoded(key), undefined], options) ?? []);
  return { differences: [...differences, ...went], notCompared: [], otherVersions: [...otherVersions.values()] };
}

/** Custom resources of which there is no definition any more are gone with it. Of what a newer Kubernetes stores it is not known. */
function withoutKind(resource: string, those: readonly (readonly [string, KeyValue])[], options: Comparing & { readonly isListed: boolean }): Part {
  const { group } = objectNameOf(those[0]![0])!;
  if (group === '' || !options.isListed) return { differences: [], otherVersions: [], notCompared: [{ resource, why: 'it is no kind that this release knows' }] };
  return { notCompared: [], otherVersions: [], differences: those.flatMap(([key, value]) => compared(objectNameOf(key)!, [read(key, value, options.keys), undefined], options) ?? []) };
}

interface Versions {
  readonly before: JsonObject;
  readonly after: JsonObject;
  readonly versions: readonly string[];
  readonly name: ObjectName;
}

/** Both in the version in which the backup has it; in the one that was listed where that is not served, and then the stored one is named. */
async function inSameVersion({ api }: LiveCluster, { before, after, versions, name }: Versions, signal: AbortSignal): Promise<{ readonly before: JsonObject; readonly after: JsonObject; readonly stored: string | undefined }> {
  const [stored, listed] = [before['apiVersion'], after['apiVersion']];
  if (stored === listed || isUnwritten(before, after)) return { before, after, stored: undefined };
  const version = versions.find((one) => one === versionOf(before));
  if (version === undefined) return { before: { ...before, apiVersion: listed! }, after, stored: textOf(stored) };
  // It may have gone meanwhile: then it is compared as it was listed.
  const again = await getIfThere(api, pathOf(name, version), signal);
  return { before, after: again ?? { ...after, apiVersion: stored! }, stored: undefined };
}

type State = DecodedValue & { readonly revision: number };

function read(key: string, found: KeyValue | undefined, keys: EncryptionKeys | undefined): State | undefined {
  return found && { ...decodeValue({ key, ...found }, keys), revision: found.revision };
}

function compared(name: ObjectName, [before, after]: readonly [State | undefined, State | undefined], { cluster, selector, all, hide }: Comparing): ObjectDifference | undefined {
  if (before?.object && after?.object && isUnwritten(before.object, after.object)) return undefined;
  const [old, now] = [before, after].map((one) => (one?.object && cluster === 'other' && !all ? { ...one, object: comparable(one.object) } : one));
  return difference(name, [old, now], { revisions: [before?.revision, after?.revision], selector, all, hide });
}

/** Nobody wrote it since: what else is different a newer API server fills in when it is read. */
function isUnwritten(before: JsonObject, after: JsonObject): boolean {
  return changedFields(before['metadata'], after['metadata']).length === 0;
}

function revisionOf(object: JsonObject): number {
  return Number(textOf(at(object, 'metadata', 'resourceVersion')));
}

function versionOf(object: JsonObject | undefined): string | undefined {
  return object && textOf(object['apiVersion']).split('/').at(-1);
}

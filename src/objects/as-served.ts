import { at, isList, isObject, textOf, type Json, type JsonObject } from './json.ts';

/**
 * An object as an API server gives it, of what stands in etcd: some kinds get defaults when they are read, and CustomResourceDefinitions are stored in a version that is not served any more.
 * Defaults of a release that is newer than who wrote the object are not known here.
 */
export function asServed(object: JsonObject): JsonObject {
  return served[`${textOf(object['apiVersion'])} ${textOf(object['kind'])}`]?.(object) ?? object;
}

const served: Readonly<Record<string, (object: JsonObject) => JsonObject>> = {
  'v1 PersistentVolumeClaim': (object) => ({ ...object, status: { phase: 'Pending', ...below(object, 'status') } }),
  // Those of the Pods are added after the default was looked at.
  'batch/v1 Job': (object) => {
    const labels = at(object, 'spec', 'template', 'metadata', 'labels');
    return at(object, 'metadata', 'labels') !== undefined || labels === undefined ? object : { ...object, metadata: { ...below(object, 'metadata'), labels } };
  },
  'apps/v1 StatefulSet': (object) => {
    const templates = at(object, 'spec', 'volumeClaimTemplates');
    if (!isList(templates)) return object;
    const claims = templates.filter(isObject).map((claim) => ({ apiVersion: 'v1', kind: 'PersistentVolumeClaim', ...claim, status: { phase: 'Pending', ...below(claim, 'status') } }));
    return { ...object, spec: { ...below(object, 'spec'), volumeClaimTemplates: claims } };
  },
  'apiextensions.k8s.io/v1beta1 CustomResourceDefinition': (object) => ({ ...object, apiVersion: 'apiextensions.k8s.io/v1', spec: definitionSpec(below(object, 'spec')) }),
};

/** What v1beta1 says once of all versions stands in each version of v1. */
function definitionSpec({ version, validation, subresources, additionalPrinterColumns, selectableFields, versions, conversion, preserveUnknownFields, ...spec }: JsonObject): JsonObject {
  const all = isList(versions) && versions.length > 0 ? versions.filter(isObject) : [{ name: version ?? '', served: true, storage: true }];
  const shared = present({ schema: validation, subresources, additionalPrinterColumns, selectableFields });
  return {
    ...spec,
    versions: all.map((one) => {
      const columns = one['additionalPrinterColumns'] ?? additionalPrinterColumns;
      return { ...one, ...shared, ...(isList(columns) && { additionalPrinterColumns: columns.filter(isObject).map(column) }) };
    }),
    ...(isObject(conversion) && { conversion: conversionOf(conversion) }),
    ...(preserveUnknownFields === true && { preserveUnknownFields }),
  };
}

function column({ JSONPath, ...rest }: JsonObject): JsonObject {
  return { ...rest, jsonPath: JSONPath ?? rest['jsonPath'] ?? '' };
}

function conversionOf({ webhookClientConfig, conversionReviewVersions, ...rest }: JsonObject): JsonObject {
  if (webhookClientConfig === undefined && conversionReviewVersions === undefined) return rest;
  return { ...rest, webhook: { ...present({ clientConfig: webhookClientConfig }), conversionReviewVersions: conversionReviewVersions ?? null } };
}

function present(fields: Readonly<Record<string, Json | undefined>>): JsonObject {
  return Object.fromEntries(Object.entries(fields).filter((one): one is [string, Json] => one[1] !== undefined));
}

function below(object: JsonObject, name: string): JsonObject {
  const found = object[name];
  return isObject(found) ? found : {};
}

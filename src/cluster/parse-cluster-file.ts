import type { z } from 'zod';
import { KubekeepError } from '../lib/errors.ts';
import { secretMark, showPath } from './_finding.ts';
import type { Finding } from './_finding.ts';
import { knownFields } from './_known-fields.ts';
import { externalRules, rules } from './_rules.ts';
import { salvage, type Salvaged } from './_salvage.ts';
import { schemaFindings } from './_schema-findings.ts';
import { toCluster, toExternalCluster } from './_to-cluster.ts';
import type { ClusterFilePlace } from './_to-cluster.ts';
import { readYaml } from './_yaml-text.ts';
import type { YamlText } from './_yaml-text.ts';
import { clusterFileSchema } from './cluster-file-schema.ts';
import type { ClusterFile } from './cluster-file-schema.ts';
import type { Cluster, ExternalCluster } from './cluster.ts';
import { externalFileSchema } from './external-file-schema.ts';
import type { ExternalFile } from './external-file-schema.ts';
import { formatProblem } from './problem.ts';
import type { Problem } from './problem.ts';

/** Larger files are refused unread. */
export const maxClusterFileBytes = 2 ** 20;

/**
 * Reads a cluster file. `file` is its name for messages, relative paths in it start at `directory`. Throws `spec-invalid` whose message
 * lists every problem, one per line, and `cluster-external` where somebody else built the cluster.
 */
export function parseClusterFile(text: string, place: ClusterFilePlace): Cluster {
  const cluster = parseAnyClusterFile(text, place);
  if (!('external' in cluster)) return cluster;
  throw new KubekeepError('cluster-external', `kubekeep did not build cluster ${cluster.name} (${place.file} has spec.external), so this command has nothing to work on`, {
    hint: 'What works with it: kubekeep validate, backup (all but keys prove), restore file and verify, objects, at and bisect.',
  });
}

/** The same for commands that also work with a cluster that somebody else built. */
export function parseAnyClusterFile(text: string, place: ClusterFilePlace): Cluster | ExternalCluster {
  const { content, problems } = checkClusterFile(text);
  if (content === undefined) throw invalid(problems, place.file);
  return isExternalFile(content) ? toExternalCluster(content, place) : toCluster(content, place);
}

function isExternalFile(content: ClusterFile | ExternalFile): content is ExternalFile {
  return 'external' in content.spec;
}

/** Every problem of a cluster file, by line; empty where there is none. */
export function findProblems(text: string): readonly Problem[] {
  return checkClusterFile(text).problems;
}

function invalid(problems: readonly Problem[], file: string): KubekeepError {
  const lines = problems.map((problem) => formatProblem(problem, file));
  const message = lines.length === 1 ? lines[0]! : [`${file} has ${lines.length} problems`, ...lines.map((line) => `  ${line}`)].join('\n');
  return new KubekeepError('spec-invalid', message, { hint: 'Correct the file; kubekeep validate checks it again. docs/reference/spec.md explains every field.' });
}

type Checked = { readonly content: ClusterFile | ExternalFile; readonly problems: readonly [] } | { readonly content: undefined; readonly problems: readonly Problem[] };

function checkClusterFile(text: string): Checked {
  if (Buffer.byteLength(text) > maxClusterFileBytes) return whole('the file is larger than 1 MiB and cannot be a cluster file');
  const yaml = readYaml(text);
  const problems = [...yaml.problems, ...secrets(text, yaml)];
  if (!yaml.readable) return { content: undefined, problems: inOrder(problems) };
  if (yaml.value === null && problems.length === 0) return whole('the file is empty', 'run kubekeep init to make one');
  const { content, findings } = namesExternal(yaml.value) ? understand(externalFileSchema, externalRules, yaml.value) : understand(clusterFileSchema, rules, yaml.value);
  const all = [...problems, ...findings.map((finding) => yaml.place(finding))];
  return content && all.length === 0 ? { content, problems: [] } : { content: undefined, problems: inOrder(all) };
}

/** Which of the two forms is meant, whatever else is right or wrong. */
function namesExternal(value: unknown): boolean {
  const spec: unknown = typeof value === 'object' && value !== null && 'spec' in value ? value.spec : undefined;
  return typeof spec === 'object' && spec !== null && Object.hasOwn(spec, 'external');
}

function understand<Schema extends z.ZodType>(schema: Schema, ruled: readonly ((draft: Salvaged<z.output<Schema>>) => readonly Finding[])[], value: unknown) {
  const parsed = schema.safeParse(value);
  const wrongFields = parsed.success ? [] : schemaFindings(parsed.error.issues, value, knownFields(schema), knownFields(clusterFileSchema));
  const draft = salvage(schema, value);
  return { content: parsed.data, findings: [...wrongFields, ...without(ruled.flatMap((rule) => rule(draft)), wrongFields)] };
}

function whole(message: string, suggestion?: string): Checked {
  return { content: undefined, problems: [{ line: 1, column: 1, path: '', message, ...(suggestion !== undefined && { suggestion }) }] };
}

/** Secrets are looked for in the bare text, so that comments and broken files count too. */
function secrets(text: string, yaml: YamlText): readonly Problem[] {
  // The body of a key that follows its own first line is the same secret.
  const marks = [...text.matchAll(new RegExp(secretMark, 'gi'))].filter((mark, position, all) => mark.index - (all[position - 1]?.index ?? -200) > 120);
  return marks.map((mark) => yaml.placeAt(mark.index, 'a private key stands in the file; the cluster file must hold no secrets', 'keep the key in a file of its own, and replace it if others have seen this one'));
}

/** Findings of rules, without those about a field that is wrong already. */
function without(found: readonly Finding[], wrong: readonly Finding[]): readonly Finding[] {
  const known = new Set(wrong.map(({ path }) => showPath(path)));
  return found.filter(({ path, at }) => at === 'name' || !known.has(showPath(path)));
}

function inOrder(problems: readonly Problem[]): readonly Problem[] {
  return problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
}

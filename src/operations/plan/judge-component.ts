import { createHash } from 'node:crypto';
import { judgeLeaf } from '../../pki/judge-leaf.ts';
import { Secret } from '../../lib/secret.ts';
import type { PublicAuthorities } from '../../pki/secrets.ts';
import { isLeaf, type ComponentDesign, type DesiredContent, type DesiredFile, type DesiredLeaf } from '../../render/design.ts';
import type { HostFacts } from '../facts.ts';

/** What has to be done to one component of one host, and why. Nothing to do is `undefined`, never an empty change. */
export interface ComponentChange {
  readonly component: ComponentDesign['name'];
  /** Sentences without a full stop: "etcd.yaml differs", "etcd.service is stopped". */
  readonly reasons: readonly string[];
  /** Paths to write. */
  readonly write: readonly string[];
  /** Names of programs to copy. */
  readonly programs: readonly string[];
  readonly action: 'start' | 'restart' | 'reload' | 'none';
}

export interface JudgeContext {
  readonly facts: HostFacts;
  readonly authorities: PublicAuthorities;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** SHA-256 of a program where it is known; an unknown one is taken as right when it is there. */
  readonly programSums: ReadonlyMap<string, string>;
}

/** Compares what a component should be with what was seen. */
export function judgeComponent(design: ComponentDesign, context: JudgeContext): ComponentChange | undefined {
  const { facts } = context;
  const reasons: string[] = [];
  const write: string[] = [];
  for (const file of design.files) {
    const reason = isLeaf(file) ? leafReason(file, context) : contentReason(file, facts);
    if (reason === undefined) continue;
    reasons.push(reason);
    write.push(file.path);
  }
  const programs = Object.entries(design.programs).filter(([name, path]) => {
    const reason = programReason(name, path, context);
    if (reason) reasons.push(reason);
    return reason !== undefined;
  }).map(([name]) => name);
  const changed = reasons.length > 0;
  const units = unitReasons(design, facts);
  reasons.push(...units);
  if (reasons.length === 0) return undefined;
  return { component: design.name, reasons, write, programs, action: chooseAction(design, facts, { changed, write, programs, pending: units.length > 0 }) };
}

/** SHA-256 of a file's content, hex. */
export function contentHash(content: DesiredContent['content']): string {
  return createHash('sha256').update(content instanceof Secret ? content.reveal() : content).digest('hex');
}

function contentReason(file: DesiredContent, facts: HostFacts): string | undefined {
  const found = facts.files.get(file.path);
  if (!found) return `${file.path} is missing`;
  if (found.sha256 !== contentHash(file.content)) return `${file.path} differs`;
  return modeReason(file.path, file.mode, file.owner, facts);
}

function leafReason({ leaf }: DesiredLeaf, { facts, authorities, now }: JudgeContext): string | undefined {
  const verdict = judgeLeaf(facts.certificates.get(leaf.certificatePath), leaf, authorities[leaf.authority].certificate, now);
  if (!verdict.ok) return `${leaf.certificatePath} ${verdict.reason}`;
  const key = facts.files.get(leaf.keyPath);
  if (!key) return `${leaf.keyPath} is missing`;
  if (key.sha256 !== facts.recordedKeys.get(leaf.keyPath)) return `${leaf.keyPath} is not the key that was put there`;
  return modeReason(leaf.keyPath, 0o600, 'root:root', facts) ?? modeReason(leaf.certificatePath, 0o644, 'root:root', facts);
}

function modeReason(path: string, mode: number, owner: string, facts: HostFacts): string | undefined {
  const found = facts.files.get(path)!;
  if (found.mode !== mode) return `${path} has mode ${found.mode.toString(8)}, not ${mode.toString(8)}`;
  return found.owner === owner ? undefined : `${path} belongs to ${found.owner}, not to ${owner}`;
}

function programReason(name: string, path: string, { facts, programSums }: JudgeContext): string | undefined {
  const found = facts.programs.get(path);
  if (!found) return `${name} is not installed`;
  const wanted = programSums.get(name);
  return wanted !== undefined && wanted !== found ? `${name} is not the program that was installed` : undefined;
}

function unitReasons({ unit, companions = [] }: ComponentDesign, facts: HostFacts): string[] {
  return (unit ? [unit, ...companions] : []).flatMap((name) => {
    const found = facts.units.get(name);
    if (facts.pendingUnits.has(name)) return [`${name} has not been restarted since its files changed`];
    if (!found || found.load === 'not-found') return [];
    if (!['active', 'activating', 'reloading'].includes(found.active)) return [`${name} is ${found.active === 'failed' ? 'failed' : 'stopped'}`];
    if (found.enabled !== 'enabled') return [`${name} does not start at boot (${found.enabled || 'unknown'})`];
    return found.needsReload ? [`${name} was changed on disk since systemd read it`] : [];
  });
}

function chooseAction(
  { unit, companions = [], onChange, files }: ComponentDesign,
  facts: HostFacts,
  { changed, write, programs, pending }: { changed: boolean; write: readonly string[]; programs: readonly string[]; pending: boolean },
): ComponentChange['action'] {
  if (!unit) return 'none';
  const active = [unit, ...companions].every((name) => facts.units.get(name)?.active === 'active' || facts.units.get(name)?.active === 'activating');
  if (!active) return 'start';
  const unitFiles = write.some((path) => path.endsWith('.service') || path.endsWith('.sh'));
  if (pending || unitFiles || programs.length > 0 || onChange === 'restart') return 'restart';
  return changed && files.length > 0 ? 'reload' : 'restart';
}

/** The files of a change, with their content or leaf. */
export function filesToWrite(design: ComponentDesign, change: ComponentChange): DesiredFile[] {
  return design.files.filter(({ path }) => change.write.includes(path));
}

import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { judgeLeaf } from '../../pki/judge-leaf.ts';
import { Secret } from '../../lib/secret.ts';
import type { PublicAuthorities } from '../../pki/secrets.ts';
import { isLeaf, type ComponentDesign, type DesiredContent, type DesiredLeaf } from '../../render/design.ts';
import { pkiFolder } from '../../render/paths.ts';
import type { HostFacts } from '../facts.ts';
import { followerProgram } from './follower-remains.ts';

/** What has to be done to one component of one host, and why. Nothing to do is `undefined`, never an empty change. */
export interface ComponentChange {
  readonly component: ComponentDesign['name'];
  /** Sentences without a full stop: "/etc/kubekeep/etcd.yaml differs", "etcd.service is stopped". */
  readonly reasons: readonly string[];
  /** Paths to write. */
  readonly write: readonly string[];
  /** Names of programs to copy. */
  readonly programs: readonly string[];
  /** `none`: nothing has to be restarted; units are still set to start at boot. */
  readonly action: 'start' | 'restart' | 'reload' | 'none';
}

export interface JudgeContext {
  readonly facts: HostFacts;
  readonly authorities: PublicAuthorities;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** One thing that is not as it should be, and what it takes to come into force. */
interface Fault {
  readonly reason: string;
  readonly needs: ComponentChange['action'];
  /** Path to write or name of the program to copy. */
  readonly write?: string;
  readonly program?: string;
}

/** Compares what a component should be with what was seen. */
export function judgeComponent(design: ComponentDesign, context: JudgeContext): ComponentChange | undefined {
  const faults = [
    ...design.files.map((file) => (isLeaf(file) ? leafFault(file, context) : contentFault(file, design, context.facts))),
    ...Object.entries(design.programs).map(([name, path]) => programFault(name, path, context)),
    ...unitsOf(design).map((unit) => unitFault(unit, context.facts)),
  ].filter((fault) => fault !== undefined);
  if (faults.length === 0) return undefined;
  return {
    component: design.name,
    reasons: isAbsent(design, context.facts) ? [design.unit ? `${design.name} is not there yet` : 'nothing of kubekeep is there yet'] : faults.map(({ reason }) => reason),
    write: faults.flatMap(({ write }) => write ?? []),
    programs: faults.flatMap(({ program }) => program ?? []),
    action: chooseAction(design, context.facts, new Set(faults.map(({ needs }) => needs))),
  };
}

/** SHA-256 of a file's content, hex. */
export function contentHash(content: DesiredContent['content']): string {
  return createHash('sha256').update(content instanceof Secret ? content.reveal() : content).digest('hex');
}

/** Nothing of it was ever put there. Authorities' files do not count: components share them. */
function isAbsent({ files }: ComponentDesign, facts: HostFacts): boolean {
  const own = files.filter((file) => isLeaf(file) || !file.path.startsWith(`${pkiFolder}/`));
  const paths = own.flatMap((file) => (isLeaf(file) ? [file.leaf.certificatePath, file.leaf.keyPath] : [file.path]));
  return paths.length > 0 && paths.every((path) => !facts.files.has(path));
}

function contentFault(file: DesiredContent, { onChange }: ComponentDesign, facts: HostFacts): Fault | undefined {
  const { path } = file;
  const found = facts.files.get(path);
  // A changed unit or script is read at the next start only.
  const needs = /\.(service|sh|pl)$/.test(path) ? 'restart' : onChange;
  if (!found) return { reason: `${path} is missing`, write: path, needs };
  if (found.sha256 !== contentHash(file.content)) return { reason: `${path} differs`, write: path, needs };
  const reason = modeReason(path, file.mode, file.owner, facts);
  return reason === undefined ? undefined : { reason, write: path, needs: 'none' };
}

/** A key that others could read is a new key, so its service restarts. */
function leafFault({ path, leaf }: DesiredLeaf, { facts, authorities, now }: JudgeContext): Fault | undefined {
  const reason = leafReason(leaf, facts, judgeLeaf(facts.certificates.get(leaf.certificatePath), leaf, authorities[leaf.authority].certificate, now));
  return reason === undefined ? undefined : { reason, write: path, needs: 'restart' };
}

function leafReason(leaf: DesiredLeaf['leaf'], facts: HostFacts, verdict: ReturnType<typeof judgeLeaf>): string | undefined {
  if (!verdict.ok) return `${leaf.certificatePath} ${verdict.reason}`;
  const key = facts.files.get(leaf.keyPath);
  if (!key) return `${leaf.keyPath} is missing`;
  if (key.sha256 !== facts.recordedSums.get(leaf.keyPath)) return `${leaf.keyPath} is not the key that was put there`;
  return modeReason(leaf.keyPath, 0o600, 'root:root', facts) ?? modeReason(leaf.certificatePath, 0o644, 'root:root', facts);
}

function modeReason(path: string, mode: number, owner: string, facts: HostFacts): string | undefined {
  const found = facts.files.get(path);
  if (found && found.mode !== mode) return `${path} has mode ${found.mode.toString(8)}, not ${mode.toString(8)}`;
  return found && found.owner !== owner ? `${path} belongs to ${found.owner}, not to ${owner}` : undefined;
}

/** What the host was given, whichever computer gave it: two computers may have compiled one version with two compilers. kubekeep's own folder is called as its digest. */
function programFault(name: string, path: string, { facts }: JudgeContext): Fault | undefined {
  const found = facts.programs.get(path);
  const wanted = name === followerProgram ? posix.basename(path) : facts.recordedSums.get(path);
  if (!found) return { reason: `${name} is not installed`, program: name, needs: 'restart' };
  return wanted !== found ? { reason: `${name} is not the program that was installed`, program: name, needs: 'restart' } : undefined;
}

/** They end when they lose their lease, by design, and systemd starts them again: no drift, and a restart would mend nothing. */
const endsWithoutLease: readonly string[] = ['kube-controller-manager.service', 'kube-scheduler.service'];

function unitFault(name: string, facts: HostFacts): Fault | undefined {
  if (facts.pendingUnits.has(name)) return { reason: `${name} has not been restarted since its files changed`, needs: 'restart' };
  const found = facts.units.get(name);
  // Without its file, which is then missing and said to be so.
  if (!found || found.load === 'not-found') return undefined;
  if (!isUp(name, facts)) return { reason: `${name} ${found.active === 'failed' ? 'has failed' : 'is stopped'}`, needs: 'start' };
  if (found.sub === 'auto-restart' && !endsWithoutLease.includes(name)) return { reason: `${name} ends again and again`, needs: 'restart' };
  if (found.needsReload) return { reason: `${name} was changed on disk since systemd read it`, needs: 'restart' };
  return found.enabled === 'enabled' ? undefined : { reason: `${name} does not start at boot (${found.enabled || 'unknown'})`, needs: 'none' };
}

function chooseAction(design: ComponentDesign, facts: HostFacts, needs: ReadonlySet<Fault['needs']>): ComponentChange['action'] {
  const up = unitsOf(design).map((unit) => isUp(unit, facts));
  if (up.length === 0) return 'none';
  if (up.every((one) => !one)) return 'start';
  // Starting does nothing to the units that are up: where something changed for them, all restart.
  if (needs.has('restart') || (needs.has('reload') && !up.every(Boolean))) return 'restart';
  if (needs.has('reload')) return 'reload';
  return needs.has('start') ? 'start' : 'none';
}

function unitsOf({ unit, companions = [] }: ComponentDesign): string[] {
  return unit ? [unit, ...companions] : [];
}

function isUp(unit: string, facts: HostFacts): boolean {
  return ['active', 'activating', 'reloading'].includes(facts.units.get(unit)?.active ?? '');
}

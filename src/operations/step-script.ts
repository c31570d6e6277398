import type { HostFile } from '../hosts/host.ts';
import { quote } from '../hosts/quote.ts';
import { writeScript } from '../hosts/write-script.ts';
import { issueLeaf } from '../pki/issue.ts';
import { Secret } from '../lib/secret.ts';
import type { ClusterSecrets } from '../pki/secrets.ts';
import { isLeaf, type ComponentDesign } from '../render/design.ts';
import { configFolder, stateFolder } from '../render/paths.ts';
import { lockGuard } from './lock.ts';
import { contentHash } from './plan/judge-component.ts';

export interface StepScript {
  readonly token: string;
  readonly journal: string;
  readonly design: ComponentDesign;
  readonly files: readonly HostFile[];
  /** SHA-256 of each private key among the files, by path. */
  readonly keys: ReadonlyMap<string, string>;
  /** Shell lines that bring the files into force. */
  readonly activate: readonly string[];
}

const pendingFolder = `${stateFolder}/pending`;

/** Exit codes of a step's script beside those of its commands. */
export const stepExit = { lockLost: 75, checkFailed: 66 } as const;

/**
 * One script that performs a step. The units are noted as pending before the first file changes and the note goes when they were restarted, so
 * that a step cut anywhere is seen by the next plan. A configuration that its own program refuses never takes its place: then the old files
 * are in force as before, and the note stays.
 */
export function stepScript({ token, journal, design, files, keys, activate }: StepScript): string {
  const units = [design.unit, ...(design.companions ?? [])].filter((unit) => unit !== undefined);
  const { check } = design;
  const candidate = check && files.find(({ path }) => path === check.path);
  const plain = files.filter((file) => file !== candidate);
  return [
    lockGuard(token),
    `mkdir -p -m 0755 ${stateFolder} ${pendingFolder} ${configFolder} || exit 1`,
    `printf '%s %s\\n' "$(date -u +%FT%TZ)" ${quote(journal)} >> ${stateFolder}/journal`,
    notePending(units),
    writeScript(plain),
    recordSums(keys),
    ...(candidate && check ? [writeScript([{ ...candidate, path: `${check.path}.candidate` }]), checkLines(check)] : []),
    ...(units.length > 0 ? ['systemctl daemon-reload || exit 1'] : []),
    ...activate,
    ...(units.length > 0 ? [`rm -f ${units.map((unit) => `${pendingFolder}/${unit}`).join(' ')}`] : []),
    '',
  ].join('\n');
}

/** Notes durably that these units run something else than what is about to lie on the disk. */
export function notePending(units: readonly string[]): string {
  if (units.length === 0) return '';
  return [`mkdir -p -m 0755 ${pendingFolder} || exit 1`, ...units.map((unit) => `: > ${pendingFolder}/${unit} || exit 1`), `sync ${pendingFolder}`].join('\n');
}

/** Keeps the last good configuration beside the new one. */
function checkLines({ path, command }: NonNullable<ComponentDesign['check']>): string {
  return `${command} ${path}.candidate >&2 || { rm -f ${path}.candidate; exit ${stepExit.checkFailed}; }
[ ! -f ${path} ] || cp -p ${path} ${path}.last-good
mv -fT ${path}.candidate ${path} || exit 1`;
}

/** Notes the SHA-256 of what was put on the host, by path: a key is known nowhere else, and of a program another computer may have another build. */
export function recordSums(sums: ReadonlyMap<string, string>): string {
  if (sums.size === 0) return '';
  const paths = [...sums.keys()];
  return [
    `touch ${stateFolder}/keys`,
    `{ grep -v -F ${paths.map((path) => `-e ${quote(` ${path}`)}`).join(' ')} ${stateFolder}/keys; printf '%s\\n' ${[...sums].map(([path, sha256]) => quote(`${sha256} ${path}`)).join(' ')}; } > ${stateFolder}/keys.new`,
    `mv -f ${stateFolder}/keys.new ${stateFolder}/keys`,
  ].join('\n');
}

/** Makes the bytes of those files of a component that are to be written: certificates are issued now, their keys exist only here and on the host. */
export async function materialize(design: ComponentDesign, write: readonly string[], secrets: ClusterSecrets, now: number): Promise<{ files: HostFile[]; keys: Map<string, string> }> {
  const out: HostFile[] = [];
  const keys = new Map<string, string>();
  for (const file of design.files.filter(({ path }) => write.includes(path))) {
    if (!isLeaf(file)) {
      out.push({ path: file.path, mode: file.mode, owner: file.owner, content: file.content instanceof Secret ? file.content.reveal() : file.content });
      continue;
    }
    const { leaf } = file;
    const issued = await issueLeaf(leaf, secrets.authorities[leaf.authority], { now });
    out.push({ path: leaf.keyPath, mode: 0o600, owner: 'root:root', content: issued.privateKey.reveal() }, { path: leaf.certificatePath, mode: 0o644, owner: 'root:root', content: issued.certificate });
    keys.set(leaf.keyPath, contentHash(issued.privateKey));
  }
  return { files: out, keys };
}

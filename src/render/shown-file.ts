import { Secret } from '../lib/secret.ts';
import type { LeafSpec } from '../pki/leaves.ts';
import { isLeaf, type ComponentDesign, type ComponentName, type DesiredFile } from './design.ts';

/** A file of a host as it may be shown to anybody: what is secret, or made only when it is written, is described instead. */
export interface ShownFile {
  readonly path: string;
  /** Four octal digits. */
  readonly mode: string;
  /** `user:group`. */
  readonly owner: string;
  /** The parts that need it. */
  readonly components: readonly ComponentName[];
  readonly kind: 'file' | 'secret' | 'certificate' | 'key';
  /** The content of a `file`, a comment for the others. */
  readonly content: string;
}

/** Every file of a host, once, in the order in which the parts are brought up. */
export function shownFiles(designs: readonly ComponentDesign[]): ShownFile[] {
  const all = designs.flatMap(({ name, files }) => files.flatMap(show).map((file) => ({ ...file, component: name })));
  return [...Map.groupBy(all, ({ path }) => path).values()].map((same) => {
    const { component: _, ...file } = same[0]!;
    return { ...file, components: same.map(({ component }) => component) };
  });
}

function show(file: DesiredFile): Omit<ShownFile, 'components'>[] {
  if (isLeaf(file)) {
    const { certificatePath, keyPath } = file.leaf;
    return [
      { path: certificatePath, mode: '0644', owner: 'root:root', kind: 'certificate', content: describeLeaf(file.leaf) },
      { path: keyPath, mode: '0600', owner: 'root:root', kind: 'key', content: `# The private key of ${certificatePath}: made when it is applied, kept on the host alone.\n` },
    ];
  }
  const { path, mode, owner, content } = file;
  const shared = { path, mode: mode.toString(8).padStart(4, '0'), owner };
  if (content instanceof Secret) return [{ ...shared, kind: 'secret', content: '# Secret: kubekeep does not show it.\n' }];
  return [{ ...shared, kind: 'file', content }];
}

function describeLeaf({ authority, commonName, organizations, dnsNames, addresses, usages }: LeafSpec): string {
  const lines: readonly (readonly [string, readonly string[]])[] = [
    ['common name', [commonName]],
    ['groups', organizations],
    ['names', dnsNames],
    ['addresses', addresses],
    ['used as', usages],
  ];
  const rows = lines.filter(([, values]) => values.length > 0).map(([label, values]) => `#   ${label.padEnd(12)} ${values.join(', ')}\n`);
  return `# A certificate that the CA ${authority} issues when it is applied:\n${rows.join('')}`;
}

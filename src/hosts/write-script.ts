import type { HostFile, Upload } from './host.ts';
import { quote } from './quote.ts';

/**
 * A shell fragment that puts files in place atomically: every file is written beside its target and synced before the first one is renamed, so
 * that an interruption leaves either the old files or, after the renames began, a prefix of the new ones. On any error it removes what it has
 * written beside the targets and ends the script with 1.
 */
export function writeScript(files: readonly HostFile[]): string {
  if (files.length === 0) return '';
  const directories = [...new Set(files.map(({ path }) => parentOf(path)))].map(quote);
  const temporaries = files.map(({ path }) => quote(temporaryOf(path)));
  return [
    'umask 077',
    `kubekeep_failed() { rm -f ${temporaries.join(' ')}; exit 1; }`,
    ...directories.map((directory) => `[ -d ${directory} ] || (umask 022; mkdir -p ${directory}) || kubekeep_failed`),
    ...files.map(({ content, mode, owner = 'root:root' }, position) => {
      const temporary = temporaries[position]!;
      return [
        `rm -f ${temporary}; base64 -d > ${temporary} <<'END_OF_FILE' && chown ${quote(owner)} ${temporary} && chmod ${octal(mode)} ${temporary} || kubekeep_failed`,
        wrap(Buffer.from(content).toString('base64')),
        'END_OF_FILE',
      ].join('\n');
    }),
    `sync -d ${temporaries.join(' ')} || kubekeep_failed`,
    ...files.map(({ path }, position) => `mv -fT ${temporaries[position]!} ${quote(path)} || kubekeep_failed`),
    `sync ${directories.join(' ')}`,
    '',
  ].join('\n');
}

/** A script that receives one file on standard input; it becomes executable only after its checksum was found right, where it has one. Exit 65: wrong checksum. */
export function receiveScript({ target, mode, sha256 }: Omit<Upload, 'source'>): string {
  const [path, directory, temporary] = [quote(target), quote(parentOf(target)), quote(temporaryOf(target))];
  return [
    `failed() { rm -f ${temporary}; exit "\${1:-1}"; }`,
    `[ -d ${directory} ] || (umask 022; mkdir -p ${directory}) || exit 1`,
    `umask 077; rm -f ${temporary}; cat > ${temporary} || failed`,
    ...(sha256 === undefined ? [] : [`[ "$(sha256sum < ${temporary})" = ${quote(`${sha256}  -`)} ] || failed 65`, `sync -d ${temporary} || failed`]),
    `chmod ${octal(mode)} ${temporary} && mv -fT ${temporary} ${path} || failed`,
    ...(sha256 === undefined ? [] : [`sync ${directory}`]),
  ].join('\n');
}

/** Beside the target, so that the rename stays within one file system; always the same, so that a leftover is replaced the next time. */
function temporaryOf(path: string): string {
  return `${path}.kubekeep-new`;
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}

function wrap(base64: string): string {
  return base64.replace(/.{1,1000}/g, '$&\n').trimEnd();
}

import type { HostFile, Upload } from './host.ts';
import { quote } from './quote.ts';

/**
 * A shell fragment that puts files in place atomically: every file is written beside its target and synced before the first one is renamed, so
 * that an interruption leaves either the old files or, after the renames began, a prefix of the new ones. Ends the script on any error.
 */
export function writeScript(files: readonly HostFile[]): string {
  if (files.length === 0) return '';
  const directories = [...new Set(files.map(({ path }) => path.slice(0, path.lastIndexOf('/')) || '/'))];
  return [
    'umask 077',
    ...directories.map((directory) => `[ -d ${quote(directory)} ] || (umask 022; mkdir -p ${quote(directory)}) || exit 1`),
    ...files.map(({ path, content, mode, owner = 'root:root' }) => {
      const temporary = quote(`${path}.kubekeep-new`);
      return [
        `rm -f ${temporary}; base64 -d > ${temporary} <<'END_OF_FILE' && chown ${quote(owner)} ${temporary} && chmod ${octal(mode)} ${temporary} || exit 1`,
        wrap(Buffer.from(content).toString('base64')),
        'END_OF_FILE',
      ].join('\n');
    }),
    `sync -d ${files.map(({ path }) => quote(`${path}.kubekeep-new`)).join(' ')} || exit 1`,
    ...files.map(({ path }) => `mv -fT ${quote(`${path}.kubekeep-new`)} ${quote(path)} || exit 1`),
    `sync ${directories.map(quote).join(' ')}`,
    '',
  ].join('\n');
}

/** A script that receives one file on standard input; it becomes executable only after its checksum was found right. Exit 65: wrong checksum. */
export function receiveScript({ target, mode, sha256 }: Omit<Upload, 'source'>): string {
  const [path, temporary] = [quote(target), quote(`${target}.kubekeep-new`)];
  return [
    `(umask 022; mkdir -p "$(dirname ${path})") && umask 077 && cat > ${temporary} || exit 1`,
    `[ "$(sha256sum < ${temporary})" = "${sha256}  -" ] || { rm -f ${temporary}; exit 65; }`,
    `chmod ${octal(mode)} ${temporary} && sync -d ${temporary} && mv -fT ${temporary} ${path}`,
  ].join('\n');
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}

function wrap(base64: string): string {
  return base64.replace(/.{1,1000}/g, '$&\n').trimEnd();
}

import { parseDocument } from 'yaml';
import { flagOf, optionsOf, settingOf, unitPath, type RenderedFile, type RenderedHost } from '../rendered-host.ts';

/** Something that can be seen in the files of a host and that answers a check of the benchmark. */
export interface Evidence {
  /** What is looked at, as the table shows it. */
  readonly shows: string;
  holds(host: RenderedHost): boolean;
  /** The host with this very thing done wrong, so that a test can see the evidence fail. */
  spoil(host: RenderedHost): RenderedHost;
}

/** A program is started with this value for a flag. */
export function flag(unit: string, name: string, value: string): Evidence {
  return {
    shows: `\`--${name}=${value}\``,
    holds: (host) => flagOf(host, unit, name) === value,
    spoil: (host) => edit(host, unitPath(unit), (text) => text.replace(`--${name}=${value}`, `--${name}=other`)),
  };
}

/** A program is started without a flag. */
export function noFlag(unit: string, name: string): Evidence {
  return {
    shows: `no \`--${name}\``,
    holds: (host) => host.has(unitPath(unit)) && flagOf(host, unit, name) === undefined,
    spoil: (host) => edit(host, unitPath(unit), (text) => text.replace(/^( {2}--)/m, `$1${name}=x \\\n$1`)),
  };
}

/** A file of root or another owner with at most these rights; `paths` is a path or a pattern of which at least one file is there. */
export function rights(paths: string | RegExp, mode: number, owner = 'root:root'): Evidence {
  const found = (host: RenderedHost) => [...host].filter(([path]) => (typeof paths === 'string' ? path === paths : paths.test(path)));
  return {
    shows: `${typeof paths === 'string' ? `\`${paths}\`` : `\`${readable(paths)}\``} ${mode.toString(8)} ${owner}`,
    holds: (host) => found(host).length > 0 && found(host).every(([, file]) => (file.mode & ~mode) === 0 && file.owner === owner),
    spoil: (host) => {
      const [[path, file] = ['', { content: '', mode, owner }]] = found(host);
      return new Map([...host, [path, { ...file, mode: mode | 0o022, owner: 'etcd:etcd' }]]);
    },
  };
}

/** There is no such file on a host. */
export function noFile(path: string): Evidence {
  return { shows: `no \`${path}\``, holds: (host) => host.size > 0 && !host.has(path), spoil: (host) => new Map([...host, [path, { content: '', mode: 0o600, owner: 'root:root' }]]) };
}

/** A YAML file says this at a path of keys; `undefined` means that it does not mention it. */
export function setting(path: string, keys: readonly string[], value: unknown): Evidence {
  const name = `\`${path}\`: \`${keys.join('.')}\``;
  return {
    shows: value === undefined ? `${name} is not there` : `${name} is \`${JSON.stringify(value)}\``,
    holds: (host) => host.has(path) && JSON.stringify(settingOf(host, path, keys)) === JSON.stringify(value),
    spoil: (host) => edit(host, path, (text) => {
      const document = parseDocument(text);
      document.setIn(keys, 'other');
      return document.toString();
    }),
  };
}

/** An option of a unit. */
export function option(unit: string, name: string, value: string): Evidence {
  return {
    shows: `\`${unit}.service\`: \`${name}=${value}\``,
    holds: (host) => optionsOf(host, unit, name).join(' ') === value,
    spoil: (host) => edit(host, unitPath(unit), (text) => text.replace(`\n${name}=`, `\n#${name}=`)),
  };
}

/** Whatever else a file shows: `holds` looks at its text, `wrong` is a replacement that has to be noticed. */
export function content(shows: string, path: string, holds: (text: string, host: RenderedHost) => boolean, wrong: (text: string) => string): Evidence {
  return { shows, holds: (host) => holds(host.get(path)?.content ?? '', host), spoil: (host) => edit(host, path, wrong) };
}

function edit(host: RenderedHost, path: string, change: (text: string) => string): RenderedHost {
  const file: RenderedFile = host.get(path) ?? { content: '', mode: 0, owner: '' };
  return new Map([...host, [path, { ...file, content: change(file.content) }]]);
}

function readable(pattern: RegExp): string {
  return pattern.source.replaceAll('\\/', '/').replaceAll('\\.', '.').replace(/^\^/, '').replace(/\$$/, '').replace('.*', '**/*');
}

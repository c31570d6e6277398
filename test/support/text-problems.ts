import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** One line for each thing wrong with the Markdown files below `folder`: the name of the rule, the file, and what. */
export function markdownProblems(folder: string): readonly string[] {
  return globSync(['*.md', '{docs,changelog}/**/*.md'], { cwd: folder }).sort().flatMap((file) => {
    const text = readFileSync(join(folder, file), 'utf8');
    const prose = withoutCode(text);
    return [
      ...brokenLinks(folder, file, prose).map((link) => `links-resolve: ${file}: ${link}`),
      ...matches(text, /[\w./-]+\.(?:ts|mjs|js|json|md|go|sh|yaml):\d+\b/g).map((reference) => `no-line-numbers: ${file}: ${reference}`),
      ...matches(text, /(?<=https?:\/\/)[\w.-]+/g).filter((host) => !isPublicHost(host)).map((host) => `known-web-hosts: ${file}: ${host}`),
      ...matches(text, /(?<![\w.~-])\/(?:home|Users|work|workspace|builds)\/[\w./-]*/g).map((path) => `no-workplace-paths: ${file}: ${path}`),
      ...(text.includes(`${folder.replace(/\/$/, '')}/`) ? [`no-workplace-paths: ${file}: ${folder}`] : []),
    ];
  });
}

/** An etcd that replays a log listens on a unix socket in a folder that its user alone can enter: there is nobody else to be mistaken for. */
const allowedLine = { file: 'src/clients/etcd/_channel.ts', pattern: /: credentials\.createInsecure\(\);$/ };

/** One line for each line of production source that turns the check of a server's identity off. */
export function unverifiedConnections(folder: string): readonly string[] {
  const forbidden = /rejectUnauthorized\s*:\s*false|StrictHostKeyChecking[= ](no|off|accept-new)|NODE_TLS_REJECT_UNAUTHORIZED|UserKnownHostsFile[= ]\/dev\/null|insecure-skip-tls-verify|createInsecure\(|curl [^'"`]*(-k|--insecure)\b/;
  return globSync(['src/**/*.ts', 'bin/*.mjs'], { cwd: folder }).filter((file) => !/\.(test|conformance)\.ts$/.test(file)).sort().flatMap((file) =>
    readFileSync(join(folder, file), 'utf8').split('\n').filter((line) => forbidden.test(line) && !(file === allowedLine.file && allowedLine.pattern.test(line))).map((line) => `verify-servers: ${file}: ${line.trim()}`));
}

interface LockedPackage {
  readonly resolved?: string;
  readonly integrity?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/**
 * What is wrong with the lock file. An optional package of another platform may lack its sum (npm leaves such packages out where the registry
 * at hand does not have them), but it has to be listed: npm ci refuses a lock file without it.
 */
export function lockFileProblems(folder: string): readonly string[] {
  const { packages } = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8')) as { packages: Readonly<Record<string, LockedPackage>> };
  const installed = /linux-(x64|arm64)(-gnu)?$/;
  return Object.entries(packages).flatMap(([path, { resolved, integrity, optionalDependencies = {} }]) => {
    const isForeign = /[-/](android|darwin|freebsd|linux|openharmony|win32)-\w+/.test(path) && !installed.test(path);
    const missing = Object.keys(optionalDependencies).filter((name) => !(`node_modules/${name}` in packages) && !(`${path}/node_modules/${name}` in packages));
    return [
      ...(resolved === undefined ? [] : [`no-download-addresses: package-lock.json: ${path}`]),
      ...(integrity === undefined && path !== '' && !isForeign ? [`packages-have-sums: package-lock.json: ${path}`] : []),
      ...missing.map((name) => `optional-packages-are-listed: package-lock.json: ${name}`),
    ];
  });
}

function brokenLinks(folder: string, file: string, prose: string): readonly string[] {
  return matches(prose, /(?<=\]\()[^)\s]+(?=\))/g).filter((link) => !/^[a-z]+:/.test(link)).filter((link) => {
    const [path = '', anchor] = link.split('#');
    const target = path === '' ? join(folder, file) : join(folder, dirname(file), decodeURIComponent(path));
    if (!existsSync(target)) return true;
    return anchor !== undefined && target.endsWith('.md') && !anchors(readFileSync(target, 'utf8')).includes(anchor);
  });
}

/** The anchors that GitHub gives to the headings. */
function anchors(text: string): readonly string[] {
  return matches(text, /(?<=^#{1,6} ).*$/gm).map((title) => title.trim().toLowerCase().replaceAll(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-'));
}

function withoutCode(text: string): string {
  return text.replaceAll(/^```[\s\S]*?^```/gm, '').replaceAll(/`[^`\n]*`/g, '');
}

/** Names that a reader anywhere can open, and addresses that belong to an example. */
function isPublicHost(host: string): boolean {
  const known = ['github.com', 'kubernetes.io', 'k8s.io', 'etcd.io', 'haproxy.org', 'keepalived.org', 'nodejs.org', 'apache.org', 'debian.org', 'ietf.org', 'rfc-editor.org', 'cisecurity.org', 'age-encryption.org', 'json-schema.org', 'freedesktop.org', 'owasp.org', 'go.dev', 'kubekeep.dev'];
  return known.some((name) => host === name || host.endsWith(`.${name}`)) || /(^|\.)(example|example\.(com|org|net)|localhost|test)$/.test(host) || /^[\d.]+$/.test(host);
}

function matches(text: string, pattern: RegExp): readonly string[] {
  return [...text.matchAll(pattern)].map(([found]) => found);
}

import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';

const defaultMirror = 'https://deb.debian.org/debian';

/** The Debian mirror that this computer's apt uses, so that a lab image comes from where packages may come from; a default without one. */
export async function debianMirror(folder = '/etc/apt'): Promise<string> {
  const parts = join(folder, 'sources.list.d');
  const names = (await readdir(parts).catch(() => [])).filter((name) => /\.(list|sources)$/.test(name)).sort();
  for (const path of [join(folder, 'sources.list'), ...names.map((name) => join(parts, name))]) {
    const text = await readFile(path, 'utf8').catch(() => '');
    const mirror = findMirror(path.endsWith('.sources') ? deb822Entries(text) : oneLineEntries(text));
    if (mirror) return mirror;
  }
  return defaultMirror;
}

interface Entry {
  readonly uri: string;
  readonly suites: readonly string[];
  readonly components: readonly string[];
}

/** The first archive of Debian itself: a Debian suite with the component main, and neither the security nor somebody else's archive. */
function findMirror(entries: readonly Entry[]): string | undefined {
  const suites = /^(bookworm|trixie|forky|sid|stable|testing|unstable)(-updates)?$/;
  const found = entries.find(({ uri, suites: named, components }) => {
    return /^https?:/.test(uri) && /\/debian\/?$/.test(uri) && components.includes('main') && named.some((suite) => suites.test(suite));
  });
  return found?.uri.replace(/\/$/, '');
}

/** `deb [options] URI SUITE COMPONENT…` */
function oneLineEntries(text: string): Entry[] {
  return text.split('\n').flatMap((line) => {
    const [, uri, suite, components] = /^\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+([^#]+)/.exec(line) ?? [];
    return uri && suite && components ? [{ uri, suites: [suite], components: words(components) }] : [];
  });
}

/** Stanzas of `Types:`, `URIs:`, `Suites:`, `Components:`, parted by empty lines. */
function deb822Entries(text: string): Entry[] {
  const stanzas = text.split('\n').filter((line) => !line.startsWith('#')).join('\n').split(/\n\s*\n/);
  return stanzas.flatMap((stanza) => {
    // A line that starts with a space belongs to the field above it.
    const lines = stanza.replace(/\n[ \t]+/g, ' ').split('\n');
    const field = (name: string) => words(lines.find((line) => line.toLowerCase().startsWith(`${name}:`))?.slice(name.length + 1) ?? '');
    if (!field('types').includes('deb') || field('enabled')[0]?.toLowerCase() === 'no') return [];
    return field('uris').map((uri) => ({ uri, suites: field('suites'), components: field('components') }));
  });
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}

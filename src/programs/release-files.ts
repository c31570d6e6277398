import { readFileSync } from 'node:fs';
import { familyOf } from './program.ts';
import type { Platform, Program, ProgramFamily } from './program.ts';

/** A file that a project publishes: a program, or an archive with several. */
export interface ReleaseFile {
  /** Its name in `pins/release.json` and in the list of sums trusted at first use. */
  readonly key: string;
  readonly url: string;
  /** Where the project publishes the file's SHA-256. */
  readonly sumUrl: string;
  /** For an archive: the folder in it that has the programs, empty where they lie at its top. */
  readonly archiveFolder?: string;
}

const officialAddresses: Readonly<Record<ProgramFamily, string>> = {
  kubernetes: 'https://dl.k8s.io/release',
  etcd: 'https://github.com/etcd-io/etcd/releases/download',
  coredns: 'https://github.com/coredns/coredns/releases/download',
};

/**
 * The published file that has a program. Below a mirror's base address all projects' files have the paths that they have below the
 * official ones.
 */
export function releaseFile({ name, version, platform }: Program, mirror?: string): ReleaseFile {
  const family = familyOf(name);
  const base = (mirror ?? officialAddresses[family]).replace(/\/$/, '');
  if (family === 'etcd') return etcdArchive(base, version, platform);
  return family === 'coredns' ? corednsArchive(base, version, platform) : kubernetesProgram(base, { name, version, platform });
}

function kubernetesProgram(base: string, { name, version, platform }: Program): ReleaseFile {
  const url = `${base}/v${version}/bin/${platform.replace('-', '/')}/${name}`;
  return { key: `kubernetes/v${version}/${platform}/${name}`, url, sumUrl: `${url}.sha256` };
}

function etcdArchive(base: string, version: string, platform: Platform): ReleaseFile {
  const archiveFolder = `etcd-v${version}-${platform}`;
  const folder = `${base}/v${version}`;
  return { key: `etcd/v${version}/${archiveFolder}.tar.gz`, url: `${folder}/${archiveFolder}.tar.gz`, sumUrl: `${folder}/SHA256SUMS`, archiveFolder };
}

function corednsArchive(base: string, version: string, platform: Platform): ReleaseFile {
  const name = `coredns_${version}_${platform.replace('-', '_')}.tgz`;
  const url = `${base}/v${version}/${name}`;
  return { key: `coredns/v${version}/${name}`, url, sumUrl: `${url}.sha256`, archiveFolder: '' };
}

/** The SHA-256 of published files that this kubekeep knows, by key. */
export type ReleasePins = Readonly<Record<string, string>>;

export function readReleasePins(): ReleasePins {
  return (JSON.parse(readFileSync(new URL('../../pins/release.json', import.meta.url), 'utf8')) as { sha256: ReleasePins }).sha256;
}

import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../../../test/support/programs.ts';
import { debianMirror } from './debian-mirror.ts';

const cases: readonly { readonly what: string; readonly files: Record<string, string>; readonly mirror: string }[] = [
  { what: 'nothing configured', files: {}, mirror: 'https://deb.debian.org/debian' },
  {
    what: 'Debian 12 as installed',
    files: {
      'sources.list':
        '# comment\ndeb cdrom:[Debian 12]/ bookworm main\ndeb-src http://src.example/debian bookworm main\ndeb http://ftp.de.debian.org/debian/ bookworm main non-free-firmware\ndeb http://security.debian.org/debian-security bookworm-security main\n',
    },
    mirror: 'http://ftp.de.debian.org/debian',
  },
  { what: 'options in brackets', files: { 'sources.list': 'deb [arch=amd64 signed-by=/x.gpg] https://mirror.example/debian trixie main # ours' }, mirror: 'https://mirror.example/debian' },
  {
    what: 'Debian 13 as installed',
    files: {
      'sources.list': '',
      'sources.list.d/debian.sources':
        'Types: deb\nURIs: http://deb.example/debian/\nSuites: trixie trixie-updates\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n\nTypes: deb\nURIs: http://security.debian.org/debian-security/\nSuites: trixie-security\nComponents: main\n',
    },
    mirror: 'http://deb.example/debian',
  },
  {
    what: 'a disabled stanza, comments and a field on two lines',
    files: {
      'sources.list.d/a.sources':
        'Enabled: no\nTypes: deb\nURIs: http://off.example/debian\nSuites: trixie\nComponents: main\n\n# why\nTypes: deb deb-src\n# between\nURIs: http://on.example/debian\nSuites:\n trixie\n trixie-updates\nComponents: main contrib\n',
    },
    mirror: 'http://on.example/debian',
  },
  {
    what: 'archives of others and security only',
    files: { 'sources.list.d/other.list': 'deb https://packages.example.com/apt trixie main\n', 'sources.list.d/s.sources': 'Types: deb\nURIs: http://x.example/debian-security\nSuites: trixie-security\nComponents: main\n' },
    mirror: 'https://deb.debian.org/debian',
  },
  { what: 'Ubuntu', files: { 'sources.list': 'deb http://archive.ubuntu.com/ubuntu noble main' }, mirror: 'https://deb.debian.org/debian' },
];

for (const { what, files, mirror } of cases) {
  test(`with ${what} the mirror is ${mirror}`, async (t) => {
    const folder = temporaryFolder(t);
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    assert.equal(await debianMirror(folder), mirror);
  });
}

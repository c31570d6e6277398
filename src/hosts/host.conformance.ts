import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { connect } from 'node:net';
import type { Host, HostFile } from './host.ts';
import { quote } from './quote.ts';

export interface HostSubject {
  /** A new host that is not connected yet. */
  readonly open: () => Host | Promise<Host>;
  /** `user:group` that its scripts run as and that files can be given to; root:root for all but this computer without root. */
  readonly owner: string;
  /** A second owner that files can be given to, where there is one. */
  readonly otherOwner?: string;
  /** Address under which the host reaches a server of the test process. */
  readonly addressOfThisComputer: string;
}

/** The promises of `Host`. Every implementation runs them. */
export function hostConformance(title: string, subject: HostSubject): void {
  describe(title, () => {
    let host: Host;
    let folder: string;
    let local: string;
    before(async () => {
      host = await subject.open();
      folder = (await host.run('mktemp -d /var/tmp/kubekeep-conformance.XXXXXX; chmod 0755 /var/tmp/kubekeep-conformance.*')).stdout.trim();
      local = await mkdtemp(join(tmpdir(), 'kubekeep-conformance-'));
    });
    after(async () => {
      await host.run(`rm -rf ${folder}`);
      await host.close();
      await rm(local, { recursive: true });
    });

    const emptyFolder = () => host.run(`find ${folder} -mindepth 1 -delete`);
    const ask = async (script: string) => (await host.run(script)).stdout;
    const write = (...files: HostFile[]) => host.write(files.map((file) => ({ ...file, owner: file.owner ?? subject.owner })));
    const source = async (content: Uint8Array) => {
      const path = join(local, 'source');
      await writeFile(path, content);
      return { source: path, sha256: createHash('sha256').update(content).digest('hex') };
    };

    describe('run', () => {
      test('returns exit code, output and duration, whatever the exit code', async () => {
        const result = await host.run('echo out; echo err >&2; exit 7');
        const { duration, ...rest } = result;
        assert.deepEqual(rest, { host: host.name, exitCode: 7, stdout: 'out\n', stderr: 'err\n', timedOut: false });
        assert.ok(duration > 0 && duration < 30_000, String(duration));
      });

      const scripts: readonly { title: string; script: string; stdout?: string; exitCode?: number; stderr?: RegExp }[] = [
        { title: 'an empty script', script: '' },
        { title: 'a script without a last newline', script: 'printf %s end', stdout: 'end' },
        { title: 'a script that ends with a comment', script: 'echo a # b', stdout: 'a\n' },
        { title: 'exit code 255', script: 'exit 255', exitCode: 255 },
        { title: 'exit code 124', script: 'exit 124', exitCode: 124 },
        { title: 'a failed last command', script: 'true; false', exitCode: 1 },
        { title: 'a command killed by a signal', script: '(kill -9 $(sh -c \'echo $PPID\'))', exitCode: 137 },
        { title: 'a command that reads its input finds none, and the script goes on', script: 'cat; read -r line; echo "after $line"', stdout: 'after \n' },
        { title: 'quotes, dollars, backslashes, blanks and other alphabets', script: `printf '%s|' ${[`it's`, '"$HOME"', '\\n`date`', ' a  b ', 'ключ', '-n', '', "'"].map(quote).join(' ')}`, stdout: `it's|"$HOME"|\\n\`date\`| a  b |ключ|-n||'|` },
        { title: 'a word of several lines', script: `printf %s ${quote('one\ntwo')}`, stdout: 'one\ntwo' },
        { title: 'a here-document', script: "cat <<'END'\n$HOME )}\nEND\necho done", stdout: '$HOME )}\ndone\n' },
        { title: 'messages are in English whatever the locale is', script: 'echo $LC_ALL; ls /nowhere/at/all', stdout: 'C\n', exitCode: 2, stderr: /No such file or directory/ },
        { title: 'a syntax error is the script\'s failure', script: 'echo a; if', stdout: '', exitCode: 2, stderr: /[Ss]yntax error/ },
      ];
      for (const { title: name, script, stdout = '', exitCode = 0, stderr } of scripts) {
        test(name, async () => {
          const result = await host.run(script);
          assert.equal(result.stdout, stdout);
          if (stderr) assert.match(result.stderr, stderr);
          assert.equal(result.exitCode, exitCode);
        });
      }

      test('a megabyte goes in and comes out', async () => {
        const text = 'x'.repeat(1 << 20);
        assert.equal((await host.run(`cat <<'END'\n${text}\nEND`)).stdout.length, text.length + 1);
      });

      test('ends a command at its time-out, with everything it started', async () => {
        const start = performance.now();
        const result = await host.run(`echo begun; sleep 61.7; echo never`, { timeout: 700 });
        assert.equal(result.timedOut, true);
        assert.notEqual(result.exitCode, 0);
        assert.equal(result.stdout, 'begun\n');
        assert.ok(performance.now() - start < 5000);
        // The kill travels after the answer.
        await host.run('sleep 0.3');
        assert.equal(await ask(`for f in /proc/[0-9]*/cmdline; do case "$(tr '\\0' ' ' < $f)" in "sleep 61.7 "*) echo $f;; esac; done 2>/dev/null`), '');
      });

      test('rejects with the reason of the signal, also one that fired before', async () => {
        const interruption = new AbortController();
        setTimeout(() => interruption.abort(new Error('stop it')), 200);
        const start = performance.now();
        await assert.rejects(host.run('sleep 20', { signal: interruption.signal }), /stop it/);
        await assert.rejects(host.run('echo', { signal: interruption.signal }), /stop it/);
        assert.ok(performance.now() - start < 3000);
        assert.equal(await ask('echo still here'), 'still here\n');
      });

      test('one that gives up does not disturb another that waits for the same connection', async () => {
        const fresh = await subject.open();
        try {
          const interruption = new AbortController();
          const given = fresh.run('sleep 5', { signal: interruption.signal });
          const kept = fresh.run('echo kept');
          interruption.abort();
          await assert.rejects(given, { name: 'AbortError' });
          assert.equal((await kept).stdout, 'kept\n');
        } finally {
          await fresh.close();
        }
      });

      test('many at once do not mix', async () => {
        const results = await Promise.all(Array.from({ length: 12 }, (_, one) => ask(`echo ${one}; sleep 0.0${one}; echo ${one}`)));
        assert.deepEqual(results, Array.from({ length: 12 }, (_, one) => `${one}\n${one}\n`));
      });

      test('nothing of a script is in the arguments of any process, here or there', async () => {
        const [one, two] = ['canary', Math.random().toString(36).slice(2)];
        const seen: string[] = [];
        const looking = setInterval(() => seen.push(...processesWith(`${one}-${two}`)), 20);
        // The word is put together by the shell, so that looking for it is not found itself.
        const there = await ask(`: ${one}-${two}\na=${one}; b=${two}; sleep 0.3\nfor f in /proc/[0-9]*/cmdline; do case "$(tr '\\0' ' ' < $f)" in *"$a-$b"*) echo $f;; esac; done 2>/dev/null`);
        clearInterval(looking);
        assert.deepEqual([seen, there], [[], '']);
      });

      test('a script that is cut off while it is sent does nothing at all', async () => {
        // The end of the input comes early, as it does when a connection drops: the shell sees an unfinished script.
        const { sendScript } = await import('./_script.ts');
        const { text } = sendScript(`touch ${folder}/begun\ntouch ${folder}/also\n`);
        for (const length of [text.indexOf('begun') + 2, text.indexOf('also'), text.indexOf('also') + 5]) {
          await host.run(`printf %s ${quote(text.slice(0, length))} | sh -s`);
        }
        assert.equal(await ask(`ls ${folder}`), '');
        await host.run(`printf %s ${quote(text)} | sh -s`);
        assert.equal(await ask(`ls ${folder}`), 'also\nbegun\n');
      });
    });

    describe('write', () => {
      beforeEach(emptyFolder);
      const stat = (path: string) => ask(`stat -c '%F %a %U:%G' ${quote(path)}`);
      const bytes = async (path: string) => Buffer.from((await ask(`base64 -w0 < ${quote(path)}`)).trim(), 'base64');
      const contents: readonly [title: string, content: string | Uint8Array][] = [
        ['nothing', ''],
        ['no newline at the end', 'a'],
        ['newlines only', '\n\n'],
        ['quotes, dollars and the end marker', `'"$HOME\`\\\nEND_OF_FILE\n)\n`],
        ['NULs and all other bytes', Uint8Array.from({ length: 1024 }, (_, one) => one % 256)],
        ['300 kB', 'kubekeep '.repeat(33_000)],
      ];
      for (const [name, content] of contents) {
        test(`content: ${name}`, async () => {
          await write({ path: `${folder}/content`, content, mode: 0o644 });
          assert.ok((await bytes(`${folder}/content`)).equals(Buffer.from(content)));
        });
      }

      test('file names with quotes, blanks, newlines, dashes, patterns and other alphabets', async () => {
        const names = [`it's`, '"q" $(touch x) `y`', ' blank ', 'new\nline', '-rf', 'ключ', '*', '%s\\n'];
        await write(...names.map((name) => ({ path: `${folder}/names/${name}`, content: `${name}|`, mode: 0o600 })));
        assert.equal(await ask(`cd ${folder}/names; ${names.map((name) => `cat -- ${quote(name)}; `).join('')} ls -A | wc -c`), `${names.join('|')}|${Buffer.byteLength(names.join('\n')) + 1}\n`);
      });

      test('mode and owner are there, whatever was there before', async () => {
        const modes = [0o600, 0o644, 0o755, 0o400, 0o4711];
        const owner = subject.otherOwner ?? subject.owner;
        await host.run(`cd ${folder}; for f in ${modes.join(' ')}; do echo old > $f; chmod 0666 $f; done`);
        await write(...modes.map((mode) => ({ path: `${folder}/${mode}`, content: 'new', mode, owner })));
        assert.equal(await ask(`cd ${folder}; stat -c '%F %a %U:%G' ${modes.join(' ')}`), modes.map((mode) => `regular file ${mode.toString(8)} ${owner}\n`).join(''));
      });

      test('missing directories are made 0755, and those that are there stay as they are', async () => {
        await host.run(`mkdir -m 0700 ${folder}/there`);
        await write({ path: `${folder}/there/a/b/file`, content: '', mode: 0o600 }, { path: `${folder}/there/c/file`, content: '', mode: 0o600 });
        assert.equal(await ask(`cd ${folder}/there; stat -c '%a %U:%G' . a a/b c`), `700 ${subject.owner}\n${`755 ${subject.owner}\n`.repeat(3)}`);
      });

      for (const target of ['file', 'directory', 'nothing']) {
        test(`a symbolic link to a ${target} is replaced, and what it points to is not touched`, async () => {
          const make = { file: `echo precious > ${folder}/target`, directory: `mkdir ${folder}/target`, nothing: '' }[target]!;
          await host.run(`${make}\nln -s ${folder}/target ${folder}/link`);
          await write({ path: `${folder}/link`, content: 'new', mode: 0o644 });
          assert.match(await stat(`${folder}/link`), /^regular file/);
          assert.equal(await ask(`cat ${folder}/link; [ ! -f ${folder}/target ] || cat ${folder}/target; ls -A ${folder}/target`), { file: `newprecious\n${folder}/target\n`, directory: 'new', nothing: 'new' }[target]);
        });
      }

      test('a link that somebody put where the file is prepared is not followed', async () => {
        await host.run(`echo precious > ${folder}/precious; ln -s precious ${folder}/file.kubekeep-new`);
        await write({ path: `${folder}/file`, content: 'new', mode: 0o644 });
        assert.equal(await ask(`cat ${folder}/precious ${folder}/file; ls ${folder}`), 'precious\nnewfile\nprecious\n');
      });

      const refused: readonly { title: string; files: readonly Partial<HostFile>[]; message: RegExp }[] = [
        { title: 'an owner that does not exist', files: [{ path: 'new', owner: 'nobody-of-that-name:root' }], message: /nobody-of-that-name/ },
        { title: 'a target that is a directory', files: [{ path: 'one' }, { path: 'folder' }], message: /folder/ },
        { title: 'a directory that is a file', files: [{ path: 'one' }, { path: 'kept/file' }], message: /kept/ },
      ];
      for (const { title: name, files, message } of refused) {
        test(`${name} is refused in one sentence and leaves nothing`, async () => {
          await host.run(`mkdir ${folder}/folder; echo kept > ${folder}/kept`);
          const all = files.map((file) => ({ content: 'x', mode: 0o644, ...file, path: `${folder}/${file.path}` }));
          await assert.rejects(write(...all), { code: 'command-failed', message });
          assert.equal(await ask(`cd ${folder}; find . -name '*kubekeep-new*'; cat kept; ls folder`), 'kept\n');
        });
      }

      test('a reader sees the old file or the new one and nothing in between', async () => {
        const content = (letter: string) => `${letter.repeat(100_000)}\n`;
        await write({ path: `${folder}/atomic`, content: content('a'), mode: 0o644 });
        const reading = host.run(`for i in $(seq 400); do md5sum < ${folder}/atomic; done | sort -u | wc -l`);
        for (const letter of ['b', 'a', 'b']) await write({ path: `${folder}/atomic`, content: content(letter), mode: 0o644 });
        assert.ok(Number((await reading).stdout) <= 2);
      });

      test('no file is no work', async () => host.write([]));
    });

    describe('upload', () => {
      beforeEach(emptyFolder);
      test('carries all bytes, tells how many were sent, and sets mode and directory', async () => {
        const content = Buffer.alloc(3_000_000, 'kubekeep\0');
        const file = await source(content);
        const told: number[] = [];
        await host.upload({ ...file, target: `${folder}/new dir/it's`, mode: 0o755 }, { onBytes: (sent) => told.push(sent) });
        assert.equal(await ask(`cd ${folder}/new*; cat it* | sha256sum; stat -c %a . it*; ls -A`), `${file.sha256}  -\n755\n755\nit's\n`);
        assert.equal(told.at(-1), content.length);
        assert.deepEqual(told, told.toSorted((a, b) => a - b));
      });

      test('a wrong checksum is refused, the old file stays, and nothing is left', async () => {
        await write({ path: `${folder}/program`, content: 'old', mode: 0o755 });
        const file = await source(Buffer.from('new'));
        await assert.rejects(host.upload({ ...file, target: `${folder}/program`, mode: 0o755, sha256: '0'.repeat(64) }), { code: 'program-checksum' });
        assert.equal(await ask(`cat ${folder}/program; ls -A ${folder}`), 'oldprogram\n');
      });

      test('without a checksum all bytes come, with the mode', async () => {
        await host.upload({ ...(await source(Buffer.alloc(3_000_000, 'kubekeep'))), sha256: undefined, target: `${folder}/passing`, mode: 0o600 });
        assert.equal(await ask(`stat -c '%s %a' ${folder}/passing`), '3000000 600\n');
      });

      test('a link in its place is replaced', async () => {
        await host.run(`cd ${folder}; ln -sf program link`);
        await host.upload({ ...(await source(Buffer.from('new'))), target: `${folder}/link`, mode: 0o755 });
        assert.equal(await ask(`ls -A ${folder}; cat ${folder}/link`), 'link\nnew');
      });

      test('a file that is not there is said before anything is touched', async () => {
        await assert.rejects(host.upload({ source: join(local, 'nowhere'), target: `${folder}/x`, mode: 0o644, sha256: '' }), { code: 'file-missing' });
        assert.equal(await ask(`ls -A ${folder}`), '');
      });

      test('a target that cannot be written is refused in one sentence', async () => {
        await write({ path: `${folder}/file`, content: '', mode: 0o644 });
        await assert.rejects(host.upload({ ...(await source(Buffer.alloc(2_000_000))), target: `${folder}/file/below`, mode: 0o644 }), { code: 'command-failed', message: /below/ });
      });

      test('stops when the signal fires, and leaves the old file', async () => {
        const interruption = new AbortController();
        const file = await source(Buffer.alloc(30_000_000));
        await write({ path: `${folder}/big`, content: 'old', mode: 0o644 });
        await assert.rejects(host.upload({ ...file, target: `${folder}/big`, mode: 0o644 }, { signal: interruption.signal, onBytes: () => interruption.abort(new Error('stop it')) }), /stop it/);
        await host.run('sleep 0.3');
        assert.equal(await ask(`cat ${folder}/big`), 'old');
      });
    });

    describe('forward', () => {
      test('reaches a TCP port as the host does, many at once, both directions to their ends', async () => {
        const server = createServer({ allowHalfOpen: true }, (socket) => {
          const received: Buffer[] = [];
          socket.on('data', (chunk: Buffer) => received.push(chunk)).on('end', () => socket.end(`${Buffer.concat(received).length} bytes`)).on('error', () => {});
        });
        await new Promise<void>((resolve) => server.listen(0, resolve));
        try {
          const { port } = server.address() as AddressInfo;
          const path = await host.forward({ port, address: subject.addressOfThisComputer });
          const answers = await Promise.all([1, 200_000, 3].map((length) => exchange(path, 'x'.repeat(length))));
          assert.deepEqual(answers, ['1 bytes', '200000 bytes', '3 bytes']);
        } finally {
          server.close();
        }
      });

      test('a port where nobody listens ends the connection', async () => {
        const path = await host.forward({ port: 1 });
        assert.equal(await exchange(path, 'x'), '');
      });
    });

    describe('close', () => {
      test('ends forwards and removes their sockets, works twice, and before anything was done', async () => {
        const fresh = await subject.open();
        await fresh.close();
        await fresh.run('true');
        const path = await fresh.forward({ port: 1 });
        await Promise.all([fresh.close(), fresh.close()]);
        await fresh.close();
        await assert.rejects(exchange(path, 'x'));
      });
    });
  });
}

/** What a server answers after we have sent all. */
function exchange(path: string, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect({ path, allowHalfOpen: true }, () => socket.end(text));
    socket.setEncoding('utf8').on('data', (chunk: string) => (answer += chunk)).on('close', () => resolve(answer));
    socket.on('error', (error: NodeJS.ErrnoException) => (error.code === 'ENOENT' || error.code === 'ECONNREFUSED' ? reject(error) : resolve(answer)));
  });
}

function processesWith(word: string): string[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((pid) => {
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      return line.includes(word) ? [line] : [];
    } catch {
      return [];
    }
  });
}

import assert from 'node:assert/strict';
import { Command } from 'commander';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '../../lib/clock.ts';
import { KubekeepError } from '../../lib/errors.ts';
import type { Document } from '../cli.ts';
import { addInit } from './init.ts';
import { addValidate } from './validate.ts';

let folder = '';
before(async () => (folder = await mkdtemp(join(tmpdir(), 'kubekeep-'))));
after(() => rm(folder, { recursive: true }));

/** Runs one of the two commands; resolves to the exit code and what was printed. */
async function run(args: readonly string[], json = false): Promise<{ readonly code: number; readonly printed: Document | undefined }> {
  let code = 0;
  let printed: Document | undefined;
  const environment = { cacheFolder: folder, runtimeFolder: folder, colour: false, interactive: false, identityFile: undefined, user: 'me' };
  const cli = { environment, clock: systemClock, signal: new AbortController().signal, json, progress: () => {}, print: (document: Document) => (printed = document), confirm: () => Promise.resolve(false), ask: () => Promise.resolve(undefined) };
  const program = new Command().exitOverride();
  for (const add of [addInit, addValidate]) add(program, cli, (given) => (code = given));
  await program.parseAsync(args, { from: 'user' });
  return { code, printed };
}

const fails = (code: string, message: RegExp) => (error: unknown) => error instanceof KubekeepError && error.code === code && message.test(error.message);

describe('init', () => {
  it('writes a file that validate accepts, and names the next steps', async () => {
    const file = join(folder, 'a.yaml');
    const { printed } = await run(['init', '--file', file, '--topology', 'T5', '--name', 'north']);
    assert.match(printed!.text, /kubekeep validate/);
    const { code, printed: found } = await run(['validate', '--file', file]);
    assert.equal(code, 0);
    assert.match(found!.text, /cluster {3}north\n[^]*survives {2}any two hosts\n[^]*cp5 {2}10\.0\.0\.15 {2}etcd, control-plane, load-balancer/);
  });

  it('leaves a file that is there as it is, unless told otherwise', async () => {
    const file = join(folder, 'b.yaml');
    await writeFile(file, 'mine');
    await assert.rejects(run(['init', '-f', file]), fails('needs-confirmation', /exists already/));
    assert.equal(await readFile(file, 'utf8'), 'mine');
    await run(['init', '-f', file, '--force']);
    assert.match(await readFile(file, 'utf8'), /kind: Cluster/);
  });

  it('refuses a name that could not be a cluster', async () => {
    await assert.rejects(run(['init', '-f', join(folder, 'c.yaml'), '--name', 'a b']), fails('usage', /cannot have the name "a b"/));
  });
});

describe('validate', () => {
  it('fails with the problems of a file, and as data with --json and exit code 2', async () => {
    const file = join(folder, 'd.yaml');
    await writeFile(file, 'kind: Cluster\n');
    await assert.rejects(run(['validate', '-f', file]), fails('spec-invalid', /has 3 problems\n {2}.*d\.yaml line 1, column 1: apiVersion is missing/));
    const { code, printed } = await run(['validate', '-f', file], true);
    assert.equal(code, 2);
    assert.deepEqual({ ...printed!.data, problems: (printed!.data['problems'] as readonly { path: string }[]).map(({ path }) => path) }, { valid: false, file, problems: ['apiVersion', 'metadata', 'spec'] });
  });

  it('describes a good file as data with --json', async () => {
    const file = join(folder, 'e.yaml');
    await run(['init', '-f', file]);
    const { code, printed } = await run(['validate', '-f', file], true);
    assert.deepEqual([code, printed!.kind, printed!.data['valid'], printed!.data['survives']], [0, 'Validation', true, 'any one host']);
  });

  const unreadable: readonly (readonly [title: string, content: string | Uint8Array | undefined, code: string, message: RegExp])[] = [
    ['is not there', undefined, 'file-missing', /does not exist$/],
    ['is not UTF-8', new Uint8Array([0xff, 0xfe, 0x00]), 'spec-invalid', /is not a text file in UTF-8$/],
    ['is 2 MiB large', 'é'.repeat(2 ** 20), 'spec-invalid', /larger than 1 MiB/],
  ];
  for (const [title, content, code, message] of unreadable) {
    it(`says so where the file ${title}`, async () => {
      const file = join(folder, 'f.yaml');
      await rm(file, { force: true });
      if (content !== undefined) await writeFile(file, content);
      await assert.rejects(run(['validate', '-f', file]), fails(code, message));
    });
  }

  it('says so where the file is a folder', async () => {
    await assert.rejects(run(['validate', '-f', folder]), fails('file-missing', /is a folder$/));
  });
});

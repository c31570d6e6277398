import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explainSshFailure } from './_explain-ssh-failure.ts';

const target = { name: 'cp1', address: '10.0.0.11', port: 22, user: 'ops' };
const changed = (alias: string) => `@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key for ${alias} has changed and you have requested strict checking.\nHost key verification failed.\n`;

/** As OpenSSH 9.2 and 10.0, sudo 1.9 and coreutils print it. */
const cases: readonly { title: string; stderr: string; stdout?: string; jump?: string; code: string; message: string }[] = [
  { title: 'unknown key', stderr: 'No ED25519 host key is known for kubekeep-cp1 and you have requested strict checking.\r\nHost key verification failed.\r\n', code: 'host-key', message: 'the host key is not known' },
  { title: 'changed key', stderr: changed('kubekeep-cp1'), code: 'host-key', message: 'the host key has changed; the connection was refused' },
  { title: 'changed key behind a jump host', stderr: changed('kubekeep-cp1'), jump: 'gate', code: 'host-key', message: 'the host key has changed; the connection was refused' },
  { title: 'changed key of the jump host', stderr: `${changed('gate')}Connection closed by UNKNOWN port 65535\n`, jump: 'gate', code: 'host-key', message: 'the host key of the jump host gate is not known or has changed' },
  { title: 'a host whose name begins like this one\'s', stderr: changed('kubekeep-cp10'), code: 'host-key', message: 'the host key was refused' },
  { title: 'login refused', stderr: 'ops@10.0.0.11: Permission denied (publickey).\r\n', code: 'host-login', message: 'the login was refused: ops@10.0.0.11: Permission denied (publickey).' },
  { title: 'sudo with a password', stderr: 'sudo: a password is required\n', code: 'host-login', message: 'sudo asks ops for a password' },
  { title: 'sudo with a password and another complaint', stderr: 'sudo: unable to resolve host cp1: Name or service not known\nsudo: a password is required\n', code: 'host-login', message: 'sudo asks ops for a password' },
  { title: 'sudo for one command only', stderr: "Sorry, user ops is not allowed to execute '/usr/bin/timeout 60 sh -s' as root on cp1.\n", code: 'host-login', message: "sudo refuses ops: Sorry, user ops is not allowed to execute '/usr/bin/timeout 60 sh -s' as root on cp1." },
  { title: 'no sudo', stderr: "env: 'sudo': No such file or directory\n", code: 'host-login', message: 'ops is not root and sudo is not installed' },
  { title: 'no shell', stderr: '', stdout: 'This account is currently not available.\n', code: 'host-login', message: 'the login works but runs no commands: This account is currently not available.' },
  { title: 'no coreutils', stderr: "env: 'timeout': No such file or directory\n", code: 'host-unfit', message: "the host lacks a basic program: env: 'timeout': No such file or directory" },
  { title: 'nothing listens', stderr: 'ssh: connect to host 10.0.0.11 port 22: Connection refused\r\n', code: 'host-unreachable', message: 'ssh: connect to host 10.0.0.11 port 22: Connection refused' },
  { title: 'turned away', stderr: '10.0.0.11: Connection closed by remote host\n', code: 'host-unreachable', message: 'the SSH server ended the connection before a login' },
  { title: 'a jump host that ended', stderr: 'kex_exchange_identification: Connection closed by remote host\r\n', jump: 'gate', code: 'host-unreachable', message: 'kex_exchange_identification: Connection closed by remote host' },
  { title: 'silence', stderr: '', code: 'host-unreachable', message: 'no answer' },
];

for (const { title, stderr, stdout, jump, code, message } of cases) {
  test(`what ssh or sudo prints becomes one sentence: ${title}`, () => {
    const error = explainSshFailure({ ...target, jump }, stderr, stdout);
    assert.deepEqual([error.code, error.message], [code, `cp1 (ops@10.0.0.11): ${message}`]);
    assert.ok(error.hint);
  });
}

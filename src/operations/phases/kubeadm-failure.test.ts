import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kubeadmFailure } from './kubeadm-failure.ts';

const cases: readonly (readonly [title: string, stderr: string, expected: string])[] = [
  [
    'a token that is worth nothing',
    "\t[WARNING Swap]: swap is supported for cgroup v2 only\nerror: error execution phase preflight: couldn't validate the identity of the API Server: Unauthorized\nTo see the stack trace of this error execute with --v=5 or higher\n",
    "couldn't validate the identity of the API Server: Unauthorized",
  ],
  ['a phase of a phase', 'error execution phase kubelet-start/wait: a timeout', 'a timeout'],
  ['a program that never came to its own words', 'sh: kubeadm: not found\n', 'sh: kubeadm: not found'],
  ['silence', '\n', 'it ended without a word'],
];
for (const [title, stderr, expected] of cases) test(`kubeadm's failure is one sentence: ${title}`, () => assert.equal(kubeadmFailure(stderr), expected));

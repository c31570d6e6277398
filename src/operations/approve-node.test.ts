import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { aNode } from '../../test/support/example-observation.ts';
import { clusterOf } from '../../test/support/seen-cluster.ts';
import { KubekeepError } from '../lib/errors.ts';
import { approveNode, refuseUnknown } from './approve-node.ts';
import { refuseUntold } from './join-command.ts';
import type { Operation } from './operation.ts';

describe('a node that is in no cluster file gets no certificate with which it could be taken for another', () => {
  const cluster = clusterOf('T3', 1);
  for (const [name, address, message] of [
    ['w1', '10.0.0.99', /^w1 \(10\.0\.0\.14\) is a host of the cluster file/],
    ['other', '10.0.0.12', /^cp2 \(10\.0\.0\.12\) is a host/],
    ['other', cluster.endpoint.vip, /is a name or an address of the API server/],
    ['other', '10.96.0.1', /^10\.96\.0\.1 is a name or an address of the API server/],
    ['kubernetes', '10.0.0.99', /^kubernetes is a name/],
    [cluster.endpoint.names[0]!, '10.0.0.99', /is a name/],
  ] as const) {
    test(`${name} ${address}`, async () => {
      // Refused before anything else is looked at.
      await assert.rejects(approveNode({ cluster } as Operation, { name, address }), (error) => error instanceof KubekeepError && error.code === 'usage' && message.test(error.message));
    });
  }
});

describe('where the nodes could not be read', () => {
  const unread = ['nothing is known of nodes and services: no API server is ready'];
  for (const [title, refuse] of [['a node to be approved', (facts: Parameters<typeof refuseUntold>[0]) => refuseUnknown(facts, 'w9')], ['a join command', refuseUntold]] as const) {
    test(`${title} is refused with that, and not as if the cluster had none`, () => {
      assert.throws(() => refuse({ unread }), { code: 'api-failed', message: `nothing was changed: ${unread[0]}` });
      assert.throws(() => refuse({}), { code: title === 'a join command' ? 'unsupported-change' : 'usage' });
      refuse({ nodes: { nodes: new Map([['w9', aNode()]]), requests: [], joinable: 'told' }, unread: ['nothing is known of DNS for pods: HTTP 500'] });
    });
  }
});

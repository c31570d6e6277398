import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aService } from '../../test/support/example-cluster.ts';
import { anObservation } from '../../test/support/example-observation.ts';
import { judgeStatus } from '../operations/status/judge-status.ts';
import { drawCluster } from './draw-cluster.ts';

test('workers have a row of their own with what they run, and services a line each', () => {
  const seen = anObservation('T3', 2);
  const services = [aService({ listen: { vip: '10.0.0.201', port: 80 } })];
  assert.equal(drawCluster(judgeStatus({ ...seen, cluster: { ...seen.cluster, services } }), { colour: false }), `
VIP 10.0.0.100 on cp1 · etcd term 2 · 3 of 3 votes
┌─ cp1 ──────────────────────┐ ┌─ cp2 ──────────────────────┐ ┌─ cp3 ──────────────────────┐
│ 10.0.0.11                  │ │ 10.0.0.12                  │ │ 10.0.0.13                  │
│ etcd       leads ★         │ │ etcd       follows         │ │ etcd       follows         │
│ API server serves          │ │ API server serves          │ │ API server serves          │
│ balancer   holds VIP ●     │ │ balancer   stands by       │ │ balancer   stands by       │
└────────────────────────────┘ └────────────────────────────┘ └────────────────────────────┘
┌─ w1 ───────────────────────┐ ┌─ w2 ───────────────────────┐
│ 10.0.0.14                  │ │ 10.0.0.15                  │
│ kubelet    works           │ │ kubelet    works           │
│ containerd works           │ │ containerd works           │
│ kube-proxy works           │ │ kube-proxy works           │
└────────────────────────────┘ └────────────────────────────┘
shop at 10.0.0.201:80 on no host that answers · 0 of 2 nodes up`.trimStart());
});

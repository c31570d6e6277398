import { createHash } from 'node:crypto';
import type { ForwardedService } from './forwarded-service.ts';
import { alivePort, containerPort, inClusterConfig } from './haproxy-config.ts';

export interface HaproxyManifests {
  readonly services: readonly ForwardedService[];
  /** Of the Deployment and all that belongs to it; the services may be in others. Only `ownNamespace` is made, another one is somebody else's. */
  readonly namespace: string;
  readonly image: string;
  readonly replicas: number;
  readonly type: 'ClusterIP' | 'NodePort' | 'LoadBalancer';
  /** Of the cluster's DNS: `cluster.local`. */
  readonly domain: string;
}

export const ownNamespace = 'kubekeep-haproxy';
const name = 'kubekeep-haproxy';
const labels = { 'app.kubernetes.io/name': 'haproxy', 'app.kubernetes.io/instance': name, 'app.kubernetes.io/managed-by': 'kubekeep' };
const selector = { 'app.kubernetes.io/name': 'haproxy', 'app.kubernetes.io/instance': name };

/**
 * HAProxy inside a cluster, as objects for `kubectl apply`. Needs no right in the cluster: it finds pods by DNS. A changed configuration is
 * rolled out pod by pod (its hash is in the template), and one that HAProxy refuses takes no running pod away.
 */
export function haproxyManifests(input: HaproxyManifests): readonly object[] {
  const config = inClusterConfig(input.services, input);
  const meta = { name, namespace: input.namespace, labels };
  return [
    ...(input.namespace === ownNamespace ? [{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: ownNamespace, labels: { ...labels, 'pod-security.kubernetes.io/enforce': 'restricted' } } }] : []),
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: meta, data: { 'haproxy.cfg': config } },
    { apiVersion: 'apps/v1', kind: 'Deployment', metadata: meta, spec: deployment(input, createHash('sha256').update(config).digest('hex')) },
    { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: meta, spec: { maxUnavailable: 1, unhealthyPodEvictionPolicy: 'AlwaysAllow', selector: { matchLabels: selector } } },
    { apiVersion: 'v1', kind: 'Service', metadata: meta, spec: service(input) },
  ];
}

function deployment({ services, image, replicas }: HaproxyManifests, hash: string): object {
  return {
    replicas,
    selector: { matchLabels: selector },
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
    // A moment of being ready proves little.
    minReadySeconds: 2,
    template: {
      metadata: { labels, annotations: { 'kubekeep.dev/config-sha256': hash } },
      spec: {
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        terminationGracePeriodSeconds: 60,
        securityContext: { runAsNonRoot: true, runAsUser: 65_532, runAsGroup: 65_532, seccompProfile: { type: 'RuntimeDefault' } },
        // Pods of before, which are about to go, do not count.
        topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'ScheduleAnyway', labelSelector: { matchLabels: selector }, matchLabelKeys: ['pod-template-hash'] }],
        containers: [{
          name: 'haproxy',
          image,
          command: ['haproxy', '-db', '-f', '/etc/kubekeep/haproxy.cfg'],
          ports: [...services.map((one, position) => ({ name: portName(one), containerPort: containerPort(position) })), { name: 'alive', containerPort: alivePort }],
          securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
          resources: { requests: { cpu: '100m', memory: '64Mi' }, limits: { memory: '256Mi' } },
          // Without a limit: where DNS does not answer, or there is no pod to forward to, those of before go on, and nothing is gained by a restart.
          startupProbe: { httpGet: { path: '/started', port: 'alive' }, periodSeconds: 1, failureThreshold: 1_000_000 },
          readinessProbe: { httpGet: { path: '/alive', port: 'alive' }, periodSeconds: 2, failureThreshold: 2 },
          livenessProbe: { httpGet: { path: '/alive', port: 'alive' }, periodSeconds: 10, failureThreshold: 3 },
          lifecycle: { preStop: { exec: { command: ['sh', '-c', drain] } } },
          volumeMounts: [{ name: 'config', mountPath: '/etc/kubekeep', readOnly: true }],
        }],
        volumes: [{ name: 'config', configMap: { name } }],
      },
    },
  };
}

/** Until every node has heard that the pod goes it takes new connections; then it takes none (USR1) and ends with the last, which the kubelet sees. */
const drain = 'sleep 5; kill -USR1 1; sleep 45';

function service({ services, type }: HaproxyManifests): object {
  const ports = services.map((one) => ({ name: portName(one), port: one.listen, targetPort: portName(one) }));
  // A node that dies must not take connections of the others with it: for as long as Kubernetes believes in it, half of them would be sent there.
  return { type, ...(type !== 'ClusterIP' && { externalTrafficPolicy: 'Local' }), selector, ports };
}

/** By the Service's port, not by position: while a change is rolled out the pods of before have their services at other positions. */
function portName({ listen }: ForwardedService): string {
  return `port-${listen}`;
}

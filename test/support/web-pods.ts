/**
 * Manifests of a web server on workers of a lab, whose pods each answer with their own name, and of its Service `web`, whose spec is `service`. `spread`: two pods on two workers, if not otherwise (`ScheduleAnyway`) or
 * strictly; without it one on each, and with `tolerant` on nodes that are not for usual pods too. `gentle`: they stay until all who send to them know that they go.
 */
export function webPods({ spread, service, tolerant = false, gentle = false }: { readonly spread?: 'ScheduleAnyway' | 'DoNotSchedule'; readonly service: string; readonly tolerant?: boolean; readonly gentle?: boolean }): string {
  const [kind, replicas, constraints] = spread === undefined ? ['DaemonSet', '', ''] : ['Deployment', '\n  replicas: 2', `
      topologySpreadConstraints:
        - { maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: ${spread}, labelSelector: { matchLabels: { app: web } }, matchLabelKeys: [pod-template-hash] }`];
  const [grace, preStop] = gentle ? [10, "\n          lifecycle: { preStop: { exec: { command: [sleep, '5'] } } }"] : [1, ''];
  return `apiVersion: apps/v1
kind: ${kind}
metadata: { name: web }
spec:${replicas}
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      terminationGracePeriodSeconds: ${grace}${constraints}${tolerant ? '\n      tolerations: [{ operator: Exists }]' : ''}
      containers:
        - name: web
          image: kubekeep.test/busybox:1
          imagePullPolicy: Never
          command: [sh, -c, 'mkdir /www; hostname > /www/index.html; exec httpd -f -p 8080 -h /www']
          readinessProbe: { httpGet: { path: /, port: 8080 }, periodSeconds: 1 }${preStop}
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { ${service} }
`;
}

/**
 * Manifests of a web server on workers of a lab, whose pods each answer with their own name, and of its Service `web`, whose spec is `service`. `spread`: two pods on two workers, if not otherwise (`ScheduleAnyway`) or
 * strictly; without it one on each, and with `tolerant` on nodes that are not for usual pods too.
 */
export function webPods({ spread, service, tolerant = false }: { readonly spread?: 'ScheduleAnyway' | 'DoNotSchedule'; readonly service: string; readonly tolerant?: boolean }): string {
  const [kind, replicas, constraints] = spread === undefined ? ['DaemonSet', '', ''] : ['Deployment', '\n  replicas: 2', `
      topologySpreadConstraints:
        - { maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: ${spread}, labelSelector: { matchLabels: { app: web } } }`];
  return `apiVersion: apps/v1
kind: ${kind}
metadata: { name: web }
spec:${replicas}
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      terminationGracePeriodSeconds: 1${constraints}${tolerant ? '\n      tolerations: [{ operator: Exists }]' : ''}
      containers:
        - name: web
          image: kubekeep.test/busybox:1
          imagePullPolicy: Never
          command: [sh, -c, 'mkdir /www; hostname > /www/index.html; exec httpd -f -p 8080 -h /www']
          readinessProbe: { httpGet: { path: /, port: 8080 }, periodSeconds: 1 }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { ${service} }
`;
}

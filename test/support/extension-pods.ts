import type { IssuedLeaf } from '../../src/pki/issue.ts';

/** What API servers ask pods for: a webhook that judges ConfigMaps, and an API of its own. */
export interface ExtensionPods {
  /** For `extension.default.svc`. */
  readonly leaf: IssuedLeaf;
  /** PEM: who signed it. */
  readonly authority: string;
  /** PEM: who signs the certificate with which an API server says for whom it asks. */
  readonly frontProxy: string;
}

/** What is refused by the webhook is called so. */
export const refusedName = 'refused';
/** On objects that the webhook is asked about. */
export const askedLabel = 'extension.test';
/** An API of one kind, `things`: one thing, with the name of the user that asks. */
export const extensionPath = '/apis/extension.test/v1/things';

const things = 'extension.test/v1';
const resources = { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: things, resources: [{ name: 'things', singularName: 'thing', namespaced: false, kind: 'Thing', verbs: ['list'] }] };
const list = { kind: 'ThingList', apiVersion: things, metadata: {}, items: [{ kind: 'Thing', apiVersion: things, metadata: { name: '%[req.hdr(x-remote-user)]' } }] };
const judgement = (response: object) => ({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: { uid: '%[var(txn.uid)]', ...response } });
const answer = (body: object, condition: string) => `    http-request return status 200 content-type application/json lf-string '${JSON.stringify(body)}' if ${condition}`;

/** HAProxy can read a question and answer it. The API it gives only to who comes from an API server. */
const config = `global
    log stdout format raw daemon
defaults
    mode http
    timeout client 1m
    timeout server 1m
    timeout connect 1s
frontend extension
    bind :8443 ssl crt /tls/leaf.pem ca-file /tls/front-proxy.pem verify optional alpn h2,http/1.1
    option http-buffer-request
    acl api_server ssl_c_used ssl_c_verify 0
    http-request set-var(txn.uid) req.body,json_query('$.request.uid')
    http-request set-var(txn.name) req.body,json_query('$.request.name')
    http-request return status 200 if { path /healthz }
${answer(judgement({ allowed: false, status: { message: 'the extension does not want it' } }), `{ path /judge } { var(txn.name) -m str ${refusedName} }`)}
${answer(judgement({ allowed: true }), '{ path /judge }')}
    http-request deny unless api_server
${answer(resources, `{ path /apis/${things} }`)}
${answer(list, `{ path ${extensionPath} }`)}
    http-request return status 404
`;

/** Objects for `kubectl apply`: two pods of a lab's HAProxy on two workers, their Service, the webhook and the API. Where no pod can be asked, what it would judge is refused. */
export function extensionPods({ leaf, authority, frontProxy }: ExtensionPods): string {
  const metadata = { name: 'extension', namespace: 'default' };
  const labels = { app: 'extension' };
  const service = { name: metadata.name, namespace: metadata.namespace };
  const caBundle = Buffer.from(authority).toString('base64');
  const files = { 'haproxy.cfg': config, 'leaf.pem': `${leaf.certificate}${leaf.privateKey.reveal()}`, 'front-proxy.pem': frontProxy };
  const pod = {
    terminationGracePeriodSeconds: 1,
    topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'DoNotSchedule', labelSelector: { matchLabels: labels } }],
    containers: [{
      name: 'extension',
      image: 'kubekeep.test/haproxy:1',
      imagePullPolicy: 'Never',
      args: ['-W', '-db', '-f', '/tls/haproxy.cfg'],
      readinessProbe: { httpGet: { path: '/healthz', port: 8443, scheme: 'HTTPS' }, periodSeconds: 1 },
      volumeMounts: [{ name: 'files', mountPath: '/tls' }],
    }],
    volumes: [{ name: 'files', secret: { secretName: metadata.name } }],
  };
  const items = [
    { apiVersion: 'v1', kind: 'Secret', metadata, stringData: files },
    { apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec: { replicas: 2, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: pod } } },
    { apiVersion: 'v1', kind: 'Service', metadata, spec: { selector: labels, ports: [{ port: 443, targetPort: 8443 }] } },
    {
      apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingWebhookConfiguration', metadata: { name: 'extension' }, webhooks: [{
        name: 'judge.extension.test', admissionReviewVersions: ['v1'], sideEffects: 'None', failurePolicy: 'Fail', timeoutSeconds: 5,
        clientConfig: { service: { ...service, path: '/judge' }, caBundle },
        objectSelector: { matchExpressions: [{ key: askedLabel, operator: 'Exists' }] },
        rules: [{ apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'], operations: ['CREATE'] }],
      }],
    },
    { apiVersion: 'apiregistration.k8s.io/v1', kind: 'APIService', metadata: { name: 'v1.extension.test' }, spec: { group: 'extension.test', version: 'v1', groupPriorityMinimum: 1000, versionPriority: 10, service, caBundle } },
  ];
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
}

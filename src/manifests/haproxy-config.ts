import type { ForwardedService } from './forwarded-service.ts';

/** Where HAProxy says that it is alive (`/alive`), that it knows a pod to forward to (`/started`), and what it counts (`/metrics`). */
export const alivePort = 8404;

/** Port in the pod for the service at a position. Above 1024, so that it needs no right, whatever the Service's port is. */
export function containerPort(position: number): number {
  return 10_000 + position;
}

/** The most connections of one pod: two buffers of 16 KiB each, within its memory. */
const mostConnections = 2000;

/** HAProxy's configuration inside a cluster: the pods of headless Services, found by DNS, so that they come and go without a reload. */
export function inClusterConfig(services: readonly ForwardedService[], { domain }: { readonly domain: string }): string {
  return [
    'global',
    '    log stdout format raw daemon info',
    `    maxconn ${mostConnections}`,
    '    hard-stop-after 40s',
    '',
    'defaults',
    '    log global',
    '    option dontlognull',
    '    retries 5',
    '    option redispatch 1',
    '    timeout connect 500ms',
    '    timeout client 60s',
    '    timeout server 60s',
    '    timeout tunnel 1h',
    '    timeout queue 5s',
    '    timeout http-request 10s',
    '    timeout http-keep-alive 30s',
    '',
    'resolvers cluster',
    // The kubelet writes the cluster's DNS there: nobody has to know its address.
    '    parse-resolv-conf',
    '    accepted_payload_size 8192',
    '    resolve_retries 3',
    '    timeout resolve 1s',
    '    timeout retry 500ms',
    '    hold valid 1s',
    // A pod that DNS does not name any more goes at once; where DNS itself does not answer, what it said last holds.
    '    hold nx 10s',
    '    hold other 1h',
    '    hold refused 1h',
    '    hold timeout 1h',
    '',
    'frontend alive',
    '    mode http',
    `    bind :${alivePort}`,
    '    timeout client 5s',
    '    no log',
    '    monitor-uri /alive',
    // Of any service: one that has no pods does not hold up the others.
    ...services.map((service) => `    acl known nbsrv(${sectionName(service)}) gt 0`),
    '    http-request return status 200 if known { path /started }',
    '    http-request use-service prometheus-exporter if { path /metrics }',
    '    http-request return status 404',
    ...services.flatMap((service, position) => ['', ...sectionOf(service, position, domain)]),
    '',
  ].join('\n');
}

/** With the port of HAProxy's Service, which no two services have: one Service may be there at several of its ports or of ours. */
function sectionName({ namespace, name, listen }: ForwardedService): string {
  return `${namespace}.${name}.${listen}`;
}

function sectionOf(service: ForwardedService, position: number, domain: string): readonly string[] {
  const { namespace, name, port, mode, check, balance, pods } = service;
  return [
    `listen ${sectionName(service)}`,
    `    mode ${mode}`,
    `    bind :${containerPort(position)}`,
    `    balance ${balance === 'random-2' ? 'random(2)' : balance}`,
    ...(balance === 'source' ? ['    hash-type consistent'] : []),
    ...(mode === 'http' ? http : ['    option tcplog']),
    ...(check === undefined ? [] : ['    option httpchk', `    http-check send meth GET uri ${check} ver HTTP/1.1 hdr Host ${name}.${namespace}`, '    http-check expect status 200-399']),
    // None at the beginning: DNS may not answer yet, and a service without pods is no reason not to start.
    '    default-server check inter 1s fastinter 250ms downinter 1s fall 2 rise 1 init-addr none resolvers cluster resolve-prefer ipv4',
    `    server-template pod ${pods} ${name}.${namespace}.svc.${domain}:${port}`,
  ];
}

/** What may be asked twice is asked of another pod where one died under it: a pod that goes costs no reader anything. */
const http = [
  '    option httplog',
  '    option forwardfor',
  '    retry-on conn-failure empty-response 503',
  '    http-request disable-l7-retry unless METH_GET or { method HEAD OPTIONS }',
];

import { z } from 'zod';
import { complaint, integer, ipv4Address, label, list, mapping, oneOf, port, text } from './_fields.ts';
import { balances, proxyProtocols } from './service.ts';

const labelKey = text(/^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/, "a label's name such as zone or example.com/zone");
const labelValue = text(/^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/, 'the value of a label: at most 63 letters, digits, dots, dashes and underscores; numbers and true or false in quotes');

export const labels = (meaning: string) => z.record(labelKey, labelValue, { error: complaint('a mapping from label to value') }).prefault({}).describe(meaning);

const http = mapping({
  path: text(/^\/[A-Za-z0-9/._~%&=?+@:,-]{0,500}$/, 'a path that begins with a slash, such as /healthz').describe('What is asked for.'),
  expect: text(/^[1-5][0-9]{2}(-[1-5][0-9]{2})?$/, 'a status or a range of them in quotes, such as 200-299').default('200-299').describe('Status of a good answer.'),
});

const checks = 'tcp, local, or { http: { path: /healthz, expect: 200-299 } }';

/** A service behind the load balancers, as the user writes it. */
export const service = mapping({
  name: label('a name of at most 63 lower-case letters, digits and dashes').describe('Name of the service, for commands and for HAProxy.'),
  listen: mapping({
    vip: ipv4Address('an IPv4 address without a prefix length such as 10.0.0.101')
      .optional()
      .describe("Virtual IP that keepalived holds on one load balancer: a free address of the endpoint's subnet, which services of different ports may share. Default: the endpoint's."),
    port: port().describe('Port at the VIP.'),
  }).describe('Where clients reach it.'),
  forward: mapping({
    nodePort: port().optional().describe('Port of a Service of the type NodePort or LoadBalancer.'),
    service: text(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\/[a-z]([-a-z0-9]{0,61}[a-z0-9])?:([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)$/, 'NAMESPACE/NAME:PORT, the port by name or number, such as shop/web:https')
      .optional()
      .describe('A Service by name instead, NAMESPACE/NAME:PORT with the name or the number of its port: its node port is found and followed.'),
  }).describe('Where it leads: one of the two.'),
  nodes: mapping({
    roles: list(oneOf(['worker']), 'roles (worker)', 1).default(['worker']).describe('Roles of the hosts.'),
    labels: labels('Labels that each of them has.'),
  })
    .prefault({})
    .describe('The hosts to which connections are sent. Default: all workers.'),
  balance: oneOf(balances).optional().describe('Which node gets the next connection: each in turn, the one with the fewest, the better of two drawn ones, or always the same for one address of a client. By weight in each case; with `leastconn` a node without connections is as good as any. Default: `roundrobin`, with `load` `random-2`.'),
  load: z.boolean({ error: complaint('true or false') }).default(false).describe('Whether weights follow the load of the nodes. It takes a Service with `externalTrafficPolicy: Local`: without it each node sends connections on to pods of any node.'),
  check: z
    .union([z.enum(['tcp', 'local']), z.strictObject({ http })], { error: complaint(checks) })
    .default('tcp')
    .describe('How a node is found to serve: `tcp` (it takes connections), `local` (kube-proxy says that the node has pods of the Service, which must have the type LoadBalancer and `externalTrafficPolicy: Local`), or `{ http: { path: /healthz, expect: 200-299 } }` (a request is answered so).'),
  mode: oneOf(['tcp', 'http']).default('tcp').describe('What HAProxy sees: `tcp`, bytes that it passes on, or `http`, requests (without TLS), with which it asks another node where one dies before it has answered.'),
  proxyProtocol: oneOf(proxyProtocols).optional().describe("Version of the PROXY protocol by which pods learn the client's address; they must expect it. Default: none."),
  maxConnections: integer(1, 100_000, 'connections').default(4000).describe('Connections that one load balancer opens to one node; more wait, for five seconds.'),
});

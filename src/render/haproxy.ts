import { hostsWith } from '../cluster/cluster.ts';
import { authorityFile } from './_pki-files.ts';
import { hardening, unitFile } from './_unit-file.ts';
import { managed } from './_yaml.ts';
import type { ComponentDesign, RenderInput } from './design.ts';
import { configFolder, pkiFolder, unitFolder } from './paths.ts';

const unit = 'kubekeep-haproxy.service';
const config = `${configFolder}/haproxy.cfg`;
const lua = `${configFolder}/haproxy-dead-or-draining.lua`;

/** Port on loopback where HAProxy says that it is alive; `kubekeep-lb-alive` asks it. */
export const alivePort = 8404;
export const haproxySocket = '/run/kubekeep-haproxy/admin.sock';

/** HAProxy on the VIP in front of all API servers. */
export function renderHaproxy(input: RenderInput): ComponentDesign | undefined {
  if (!input.host.roles.includes('load-balancer')) return undefined;
  const file = (path: string, content: string) => ({ path, content, mode: 0o644, owner: 'root:root' });
  return {
    name: 'haproxy',
    unit,
    programs: {},
    files: [
      authorityFile(input, 'kubernetes', 'ca.crt'),
      file(lua, deadOrDraining),
      file(config, haproxyConfig(input)),
      file(`${unitFolder}/${unit}`, haproxyUnit(input)),
    ],
    check: { path: config, command: 'haproxy -c -f' },
    onChange: 'reload',
  };
}

/**
 * Two questions about each API server, because the answers call for different things. `api` asks fast whether it is alive (a dead one gets no
 * connection and its sessions are closed); `api-ready` asks patiently whether it is ready (one that is not gets no new connection and keeps the
 * ones it has). /livez without etcd and a 3 s limit for /readyz: a change of etcd's leader must take nobody out of rotation. Connections to a
 * dead host are given up fast, so that none is still in progress when the Lua task closes the dead server's sessions (lab measurement:
 * HAProxy 3.0's `on-marked-down shutdown-sessions` leaves such a connection hanging for ever).
 */
function haproxyConfig({ cluster, facts }: RenderInput): string {
  const servers = hostsWith(cluster, 'control-plane');
  const check = (path: string) => [
    '    option httpchk',
    '    http-check connect ssl sni kubernetes',
    `    http-check send meth GET uri ${path} ver HTTP/1.1 hdr Host kubernetes`,
    '    http-check expect status 200',
  ];
  const verify = `verify required verifyhost kubernetes ca-file ${pkiFolder}/ca.crt`;
  const server = `check ${verify}`;
  return [
    ...globalsAndFrontends({ cluster, facts }),
    '',
    'backend api',
    '    balance roundrobin',
    ...check('/livez?exclude=etcd'),
    '    timeout check 1s',
    '    default-server inter 500ms fastinter 100ms downinter 500ms fall 2 rise 2',
    ...servers.map(({ name, address }) => `    server ${name} ${address}:6443 ${server} tcp-ut 3s`),
    // Where all of them seem dead, the checks are more likely wrong than the servers (a starved computer): then all are tried.
    '    option allbackups',
    ...servers.map(({ name, address }) => `    server ${name}-unchecked ${address}:6443 backup ${verify} tcp-ut 3s`),
    '',
    'backend api-ready',
    ...check('/readyz'),
    '    timeout check 3s',
    '    default-server inter 1s fastinter 300ms downinter 500ms fall 2 rise 1',
    ...servers.map(({ name, address }) => `    server ${name} ${address}:6443 ${server}`),
    '',
  ].join('\n');
}

function globalsAndFrontends({ cluster, facts }: Pick<RenderInput, 'cluster' | 'facts'>): string[] {
  const { vip, previousVips, port } = cluster.endpoint;
  return [
    managed.trimEnd(),
    'global',
    '    log stdout format raw daemon info',
    `    maxconn ${maxConnections(facts.openFiles)}`,
    `    stats socket ${haproxySocket} mode 600 level admin expose-fd listeners`,
    '    hard-stop-after 5m',
    `    lua-load ${lua}`,
    '',
    'defaults',
    '    mode tcp',
    '    log global',
    '    option tcplog',
    '    option dontlognull',
    '    option redispatch 1',
    '    retries 2',
    '    timeout connect 300ms',
    '    timeout client 30s',
    '    timeout server 30s',
    '    timeout tunnel 24h',
    '    timeout client-fin 5s',
    '    timeout server-fin 5s',
    '',
    'frontend api',
    ...[vip, ...previousVips].map((address) => `    bind ${address}:${port}`),
    '    default_backend api',
    '',
    'frontend alive',
    '    mode http',
    '    no log',
    '    timeout client 2s',
    `    bind 127.0.0.1:${alivePort}`,
    '    monitor-uri /alive',
  ];
}

/** Two file descriptors a connection, some for checks and listeners. HAProxy refuses to start with more than the limit allows. */
function maxConnections(openFiles: number): number {
  return Math.max(500, Math.min(20_000, Math.floor((openFiles - 400) / 2.2)));
}

const deadOrDraining = `-- Managed by kubekeep. Carries the answers of the backend api-ready over to the backend api.
-- Not ready: drain (no new connections, the open ones stay), unless no live server is ready: then all live ones serve.
-- Dead: close what is left of its sessions. Where nothing accepts connections any more, after a second, when none to it can be in progress;
-- where it only answers too slowly, after four: a starved server must not lose its watches for a moment's silence.
local function grace(check_status)
  return string.sub(check_status or "", 1, 2) == "L4" and 1.0 or 4.0
end

core.register_task(function()
  local drained, dead_since = {}, {}
  while true do
    core.msleep(100)
    local now = core.now()
    local time = now.sec + now.usec / 1e6
    local ready, any = {}, false
    for name, twin in pairs(core.backends["api-ready"].servers) do
      local server = core.backends["api"].servers[name]
      local stats = server:get_stats()
      local alive = string.sub(stats.status, 1, 4) ~= "DOWN"
      if alive then
        dead_since[name] = nil
      elseif dead_since[name] == nil then
        dead_since[name] = time
      elseif dead_since[name] and time - dead_since[name] > grace(stats.check_status) then
        server:shut_sess()
        dead_since[name] = false
      end
      ready[name] = string.sub(twin:get_stats().status, 1, 2) == "UP"
      any = any or (alive and ready[name])
    end
    for name in pairs(core.backends["api-ready"].servers) do
      local server = core.backends["api"].servers[name]
      local drain = any and not ready[name]
      if drain and not drained[name] then
        server:set_drain()
      elseif drained[name] and not drain then
        server:set_ready()
      end
      drained[name] = drain
    end
  end
end)
`;

function haproxyUnit({ cluster, facts }: RenderInput): string {
  const master = `/usr/sbin/haproxy -Ws -f ${config} -p /run/kubekeep-haproxy/haproxy.pid`;
  return unitFile({
    Unit: { Description: 'HAProxy in front of the Kubernetes API (kubekeep)', After: 'network-online.target', Wants: 'network-online.target', StartLimitIntervalSec: 0 },
    Service: {
      Type: 'notify',
      User: 'haproxy',
      Group: 'haproxy',
      ExecStartPre: `/usr/sbin/haproxy -c -q -f ${config}`,
      ExecStart: master,
      ExecReload: [`/usr/sbin/haproxy -c -q -f ${config}`, '/bin/kill -USR2 $MAINPID'],
      KillMode: 'mixed',
      SuccessExitStatus: 143,
      RuntimeDirectory: 'kubekeep-haproxy',
      RuntimeDirectoryMode: '0700',
      Restart: 'always',
      RestartSec: '100ms',
      TimeoutStopSec: 10,
      LimitNOFILE: Math.min(facts.openFiles, 65536),
      Nice: -10,
      ...hardening,
      ...(cluster.endpoint.port < 1024 && lowPort),
    },
    Install: { WantedBy: 'multi-user.target' },
  });
}

/** Ports below 1024 are for those who hold this. */
const lowPort = { AmbientCapabilities: 'CAP_NET_BIND_SERVICE', CapabilityBoundingSet: 'CAP_NET_BIND_SERVICE' };

import { apiService, backendOf, nodesOf, uncheckedTwin, type CheckSpec, type ServiceSpec } from '../cluster/service.ts';
import { endpointVips, type Cluster, type HostSpec } from '../cluster/cluster.ts';
import { haproxyUnit, maxConnections } from './_haproxy-unit.ts';
import { managed } from './_yaml.ts';
import type { ComponentDesign, RenderFacts, RenderInput, ServicePorts } from './design.ts';
import { byHandFile, servicesFolder, servicesSocket, servicesUnit, unitFolder } from './paths.ts';

const config = `${servicesFolder}/haproxy.cfg`;
const lua = `${servicesFolder}/close-dead.lua`;
const keepState = `${servicesFolder}/keep-state.sh`;
const doByHand = `${servicesFolder}/do-by-hand.sh`;
const state = '/run/kubekeep-services/state';
const witnessBackend = 'nodes';
/** Its default. */
const kubeProxyHealthPort = 10_256;

/** Port on loopback where this HAProxy says that it is alive. */
export const servicesAlivePort = 8405;

/** A HAProxy of its own in front of the services: what happens to it, from a flood to a reload, does not touch the one of the API (docs/decisions/0039). */
export function renderServices({ cluster, host, facts }: RenderInput): ComponentDesign | undefined {
  if (!host.roles.includes('load-balancer') || cluster.services.length === 0) return undefined;
  // What is not known now is left as it is.
  if (facts.servicePorts === undefined && cluster.services.some(isAskedFor)) return undefined;
  const file = (path: string, content: string, mode = 0o644) => ({ path, content, mode, owner: 'root:root' });
  return {
    name: 'services',
    unit: servicesUnit,
    programs: {},
    files: [
      file(lua, closeDead),
      file(keepState, keepStateScript, 0o755),
      file(doByHand, doByHandScript, 0o755),
      file(config, servicesConfig(cluster, facts)),
      file(`${unitFolder}/${servicesUnit}`, haproxyUnit(facts, {
        description: 'HAProxy in front of services (kubekeep)',
        name: 'kubekeep-services',
        config,
        // Whatever the services are now: another unit would be a restart.
        lowPorts: true,
        importance: { CPUWeight: 300 },
        beforeReload: [`/bin/sh ${keepState}`],
        afterStart: [`/bin/sh ${doByHand}`],
      })),
    ],
    check: { path: config, command: 'haproxy -c -f' },
    onChange: 'reload',
  };
}

/** Whether only the API server knows where the service leads. */
function isAskedFor({ forward, check }: ServiceSpec): boolean {
  return 'service' in forward || check === 'local';
}

/**
 * A node that dies costs the connections to it and those that are being made: a new one is tried at another node after 0.2 s, and the Lua task closes what
 * is left. `slowstart` and weights of whole percents leave room for the load to be followed.
 */
function servicesConfig({ services, hosts, endpoint }: Cluster, { openFiles, servicePorts }: RenderFacts): string {
  const total = maxConnections(openFiles);
  // None can take everything, and some are left for the question whether HAProxy is alive.
  const most = services.length === 1 ? total - 100 : Math.floor((total - 100) * 0.75);
  return [
    managed.trimEnd(),
    'global',
    '    log stdout format raw daemon info',
    `    maxconn ${total}`,
    `    stats socket ${servicesSocket} mode 600 level admin expose-fd listeners`,
    `    server-state-file ${state}`,
    '    hard-stop-after 5m',
    `    lua-load ${lua}`,
    '',
    'defaults',
    '    log global',
    '    option dontlognull',
    '    option dontlog-normal',
    '    option redispatch 1',
    // Where a starved node is the only one, it accepts nothing for most of a second.
    '    retries 5',
    '    timeout connect 200ms',
    '    timeout queue 5s',
    '    timeout client 1m',
    '    timeout server 1m',
    '    timeout tunnel 24h',
    '    timeout client-fin 5s',
    '    timeout server-fin 5s',
    // A client that is gone, or whom the VIP has left, says nothing any more.
    '    option clitcpka',
    '    clitcpka-idle 10s',
    '    clitcpka-intvl 5s',
    '    clitcpka-cnt 3',
    '    load-server-state-from-file global',
    `    default-server inter 500ms fastinter 100ms downinter 500ms fall 2 rise 2 slowstart 10s`,
    '',
    'frontend alive',
    '    mode http',
    '    no log',
    `    bind 127.0.0.1:${servicesAlivePort}`,
    '    monitor-uri /alive',
    '',
    ...witnesses(services, hosts),
    ...services.flatMap((service) => ['', ...frontend(service, most, endpoint), '', ...backend(service, nodesOf(service, hosts), servicePorts?.get(service.name))]),
    '',
  ].join('\n');
}

/** At the API's VIP a service is at the earlier ones too: a VIP is changed without a failed request. */
function frontend({ name, mode, listen }: ServiceSpec, most: number, endpoint: Cluster['endpoint']): string[] {
  return [
    `frontend ${backendOf(name)}`,
    ...(mode === 'http' ? ['    mode http', '    option httplog', '    option forwardfor', '    timeout http-request 10s', '    timeout http-keep-alive 1m'] : ['    mode tcp', '    option tcplog']),
    `    maxconn ${most}`,
    ...(listen.vip === endpoint.vip ? endpointVips({ endpoint }) : [listen.vip]).map((address) => `    bind ${address}:${listen.port}`),
    `    default_backend ${backendOf(name)}`,
  ];
}

const balances = { 'roundrobin': 'roundrobin', 'leastconn': 'leastconn', 'random-2': 'random(2)', 'source': 'source\n    hash-type consistent' } as const satisfies Record<ServiceSpec['balance'], string>;

function backend(service: ServiceSpec, nodes: readonly { readonly name: string; readonly address: string }[], ports: ServicePorts | undefined): string[] {
  const { name, mode, balance, check, maxConnections: most, proxyProtocol, forward } = service;
  // Where nobody knows the port yet its servers stay out.
  const port = 'nodePort' in forward ? forward.nodePort : ports?.nodePort;
  const known = port !== undefined && (check !== 'local' || ports?.health !== undefined);
  const words = [
    ...(proxyProtocol ? [proxyProtocol === 'v2' ? 'send-proxy-v2' : 'send-proxy'] : []),
    // A pod that is off acknowledges nothing: then another one is asked. The kernel takes a body that is not read for one that is not acknowledged. Not for tcp, where nothing can be asked again.
    ...(mode === 'http' ? ['tcp-ut 20s'] : []),
    `maxconn ${most}`,
    ...(known ? [] : ['disabled']),
  ];
  return [
    `backend ${backendOf(name)}`,
    ...(mode === 'http' ? ['    mode http', '    retry-on conn-failure empty-response', '    http-request disable-l7-retry unless { method GET HEAD OPTIONS }', '    option abortonclose'] : ['    mode tcp']),
    `    balance ${balances[balance]}`,
    ...checkLines(check),
    ...nodes.map(({ name: node, address }) => `    server ${node} ${address}:${port ?? 1} weight 100 ${[...checkWords(check, ports, proxyProtocol !== undefined), ...words].join(' ')}`),
    // Where all of them seem dead, the checks are more likely wrong than the nodes: then all are tried that nobody took out. The Lua task takes out twins too.
    '    option allbackups',
    ...nodes.map(({ name: node, address }) => `    server ${uncheckedTwin(node)} ${address}:${port ?? 1} weight 100 backup slowstart 0 ${words.join(' ')}`),
  ];
}

/**
 * Whether nodes can be reached at all, by the port of kube-proxy's health: a service's own port takes no connection either where no pod of its node is ready (kube-proxy drops them then), and what is open there goes on. Whoever refuses is
 * there. No traffic goes here.
 */
function witnesses(services: readonly ServiceSpec[], hosts: readonly HostSpec[]): string[] {
  const nodes = new Map(services.flatMap((service) => nodesOf(service, hosts)).map(({ name, address }) => [name, address]));
  return [`backend ${witnessBackend}`, '    mode tcp', ...[...nodes].map(([name, address]) => `    server ${name} ${address}:${kubeProxyHealthPort} check`)];
}

function checkLines(check: CheckSpec): string[] {
  if (check === 'tcp') return [];
  const [path, expect] = check === 'local' ? ['/healthz', '200'] : [check.http.path, check.http.expect];
  // Kubernetes' Services know no names: whatever is asked for, it is asked of the pod itself.
  return ['    option httpchk', `    http-check send meth GET uri ${path} ver HTTP/1.1 hdr Host health.check hdr Connection close`, `    http-check expect status ${expect}`, '    timeout check 2s'];
}

function checkWords(check: CheckSpec, ports: ServicePorts | undefined, proxied: boolean): string[] {
  if (check === 'local') return ['check', `port ${ports?.health ?? 1}`];
  return ['check', ...(proxied ? ['check-send-proxy'] : [])];
}

/**
 * HAProxy's own `on-marked-down shutdown-sessions` leaves a stream that is still connecting hanging for ever (docs/decisions/0012), and would also cut what
 * goes on well at a node whose pods only stop.
 */
const closeDead = `-- Managed by kubekeep. Closes what is open to a node that cannot be reached any more, once no connection to it can be in progress.
-- One that answers, be it with a refusal or at another port, keeps its connections: its pods may only be stopping.
-- A node's unchecked twin is taken out, and led elsewhere, as the node is: whoever decides that need not know of it. Who came in while all seemed dead sits
-- at a twin, and is treated as its sessions are; but only once another node has lived for a second: before that a connection to the twin may be in progress.
-- After a reload the old worker's checks stand still, and so must this.
local patience = 0.3
local steady = 1.0
local twin_of = "${uncheckedTwin('')}"

local function begins(text, word)
  return string.sub(text, 1, string.len(word)) == word
end

local function unreachable(stats)
  local status = string.gsub(stats.check_status or "", "^%* ", "")
  return begins(stats.status, "DOWN") and begins(status, "L4") and not string.find(stats.last_chk or "", "refused", 1, true)
end

local function lost(server, stats)
  if not unreachable(stats) then return false end
  local witness = core.backends["${witnessBackend}"].servers[server]
  return witness == nil or unreachable(witness:get_stats())
end

-- Also of one that is down.
local function admin_state(server)
  local draining = server:is_draining()
  if begins(server:get_stats().status, "MAINT") then return "maint" end
  return (draining == true or draining == 1) and "drain" or "ready"
end

local function follow(server, twin)
  local address, wanted = server:get_addr(), admin_state(server)
  if twin:get_addr() ~= address then
    twin:set_addr(string.match(address, "^(.*):(%d+)$"))
  end
  if admin_state(twin) == wanted then return end
  if wanted == "ready" then
    twin:set_ready()
  elseif wanted == "drain" then
    twin:set_drain()
  else
    twin:set_maint()
    twin:shut_sess()
  end
end

core.register_task(function()
  local since, up_since, strays_closed = {}, {}, {}
  while tostring(core.get_info().Stopping) ~= "1" do
    core.msleep(100)
    local now = core.now()
    local time = now.sec + now.usec / 1e6
    for name, backend in pairs(core.backends) do
      local some_up = false
      for server, one in pairs(backend.servers) do
        local twin = backend.servers[server .. twin_of]
        if twin then
          follow(one, twin)
          local stats = one:get_stats()
          some_up = some_up or begins(stats.status, "UP")
          local key = name .. "/" .. server
          if not lost(server, stats) then
            since[key], strays_closed[key] = nil, nil
          elseif since[key] == nil then
            since[key] = time
          elseif since[key] and time - since[key] > patience then
            core.log(core.notice, "kubekeep: sessions of " .. key .. " are closed: it cannot be reached")
            one:shut_sess()
            since[key] = false
          end
          if since[key] == false and not strays_closed[key] and up_since[name] and time - up_since[name] > steady then
            twin:shut_sess()
            strays_closed[key] = true
          end
        end
      end
      up_since[name] = some_up and (up_since[name] or time) or nil
    end
  end
end)
`;

const keepStateScript = `#!/bin/sh
# Managed by kubekeep. Keeps what HAProxy knows of its servers over a reload: who is up, drained, or has another weight.
# Where it does not answer, what it said last goes on to hold.
echo 'show servers state' | socat -t 2 - UNIX-CONNECT:${servicesSocket} > ${state}.now
grep -q '^#' ${state}.now || cp ${state} ${state}.now
# Ports, also those of checks, are those of the configuration that comes: HAProxy would take them from the state, a check's only where it is not 0.
awk '
  FNR == NR { if ($1 == "backend") backend = $2; if ($1 == "server") { n = split($3, at, ":"); port[backend "/" $2] = at[n] } next }
  /^#/ || NF < 20 { if (NF > 0) print; next }
  ($2 "/" $4) in port { $19 = port[$2 "/" $4]; if (NF >= 22) $22 = 0; print }
' ${config} ${state}.now > ${state}.new && mv -f ${state}.new ${state}
`;

/** As `byHandText` writes the file. A reload keeps what was decided as part of the state. */
const doByHandScript = `#!/bin/sh
# Managed by kubekeep. What was decided by hand (kubekeep lb) holds on after a restart, also where nobody steers.
[ -f ${byHandFile} ] || exit 0
awk -F '"' '
  $2 ~ "/" { server = $2 }
  server ~ "^${apiService}/" { next }
  $2 == "state" { print "set server ${backendOf('')}" server " state " $4 }
  $2 == "weight" { sub("[^0-9]*", "", $3); print "set server ${backendOf('')}" server " weight " $3 "%" }
' ${byHandFile} | while read -r line; do echo "$line" | socat -t 2 - UNIX-CONNECT:${servicesSocket}; done
`;

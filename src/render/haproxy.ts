import { endpointVips, hostsWith } from '../cluster/cluster.ts';
import { uncheckedTwin } from '../cluster/service.ts';
import { authorityFile } from './_pki-files.ts';
import { haproxyUnit, maxConnections } from './_haproxy-unit.ts';
import { first } from './_unit-file.ts';
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
      file(`${unitFolder}/${unit}`, haproxyUnit(input.facts, { description: 'HAProxy in front of the Kubernetes API (kubekeep)', name: 'kubekeep-haproxy', config, lowPorts: input.cluster.endpoint.port < 1024, importance: first })),
    ],
    check: { path: config, command: 'haproxy -c -f' },
    onChange: 'reload',
  };
}

/**
 * Two questions about each API server, because the answers call for different things (docs/decisions/0012, 0015). `api` asks fast whether it is alive: a dead
 * one gets no connection and its sessions are closed. An answer 500 is one of a living server, mostly without etcd; the Lua task looks at it. `api-ready` asks
 * patiently whether it is ready: one that is not gets no new connection and keeps the ones it has, since it may only be stopping. A
 * change of etcd's leader must take nobody out: it makes all of them fail alike, and then all that live serve. Connections to a
 * dead host are given up fast, so that none is still in progress when the Lua task closes the dead server's sessions (lab measurement:
 * HAProxy 3.0's `on-marked-down shutdown-sessions` leaves such a connection hanging for ever). A check's TLS handshake is a part of its connect (lab
 * measurement): `api` gives it 0.2 s, which a busy server misses, and `api-ready` the smaller of `timeout connect` and `inter`.
 */
function haproxyConfig({ cluster, facts }: RenderInput): string {
  const servers = hostsWith(cluster, 'control-plane');
  const check = (path: string, expect: string) => [
    '    option httpchk',
    '    http-check connect ssl sni kubernetes',
    `    http-check send meth GET uri ${path} ver HTTP/1.1 hdr Host kubernetes`,
    `    http-check expect ${expect}`,
  ];
  const verify = `verify required verifyhost kubernetes ca-file ${pkiFolder}/ca.crt`;
  const server = `check ${verify}`;
  return [
    ...globalsAndFrontends({ cluster, facts }),
    '',
    'backend api',
    '    balance roundrobin',
    // The API server itself gives up its read of etcd after half a second. (Not told by the text: a regular expression wants memory that the unit denies.)
    ...check('/livez', 'status 200,500'),
    '    timeout check 1s',
    // Of a hundred, so that what steers can take single percents (docs/decisions/0055).
    '    default-server inter 500ms fastinter 100ms downinter 500ms fall 2 rise 2 weight 100',
    ...servers.map(({ name, address }) => `    server ${name} ${address}:6443 ${server} tcp-ut 3s`),
    // After a reload the old worker checks nobody any more, and keeps its sessions for minutes: there the kernel finds a host that is gone.
    '    option srvtcpka',
    '    srvtcpka-idle 2s',
    '    srvtcpka-intvl 1s',
    '    srvtcpka-cnt 3',
    // Where all of them seem dead, the checks are more likely wrong than the servers (a starved computer): then all are tried.
    '    option allbackups',
    ...servers.map(({ name, address }) => `    server ${uncheckedTwin(name)} ${address}:6443 backup ${verify} tcp-ut 3s`),
    '',
    'backend api-ready',
    ...check('/readyz?exclude=etcd', 'status 200'),
    '    timeout connect 1200ms',
    '    timeout check 3s',
    '    default-server inter 1200ms fastinter 300ms downinter 500ms fall 2 rise 1',
    ...servers.map(({ name, address }) => `    server ${name} ${address}:6443 ${server}`),
    '',
  ].join('\n');
}

function globalsAndFrontends({ cluster, facts }: Pick<RenderInput, 'cluster' | 'facts'>): string[] {
  const { port } = cluster.endpoint;
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
    '    timeout connect 200ms',
    '    timeout client 30s',
    '    timeout server 30s',
    '    timeout tunnel 24h',
    '    timeout client-fin 5s',
    '    timeout server-fin 5s',
    '',
    'frontend api',
    // Some are left for the monitor page: a full table must refuse clients, not the question whether HAProxy is alive.
    `    maxconn ${maxConnections(facts.openFiles) - 100}`,
    ...endpointVips(cluster).map((address) => `    bind ${address}:${port}`),
    '    default_backend api',
    '',
    'frontend alive',
    '    mode http',
    '    no log',
    '    timeout client 2s',
    `    bind 127.0.0.1:${alivePort}`,
    '    monitor fail if { nbsrv(here) lt 1 }',
    '    monitor-uri /alive',
    '',
    // Carries no traffic: the Lua task takes it out where the balancer is cut off.
    'backend here',
    '    server vip 127.0.0.1:1',
  ];
}

const deadOrDraining = `-- Managed by kubekeep. Carries the answers of the backend api-ready over to the backend api, and what api's own answers say of etcd.
-- Not ready, or without etcd: drain (no new connections, the open ones stay), unless no live server is better: then all live ones serve.
-- Dead: close what is left of its sessions. Where nothing accepts connections any more, after a second, when none to it can be in progress;
-- where something does, once the patient question has no answer either: a busy server must not lose its watches for a moment's silence.
-- Alive and says itself (500) that it cannot serve, mostly that it cannot read from etcd, while another can: close its sessions too, for each request of
-- theirs would wait or fail. Where nobody could for a while (no quorum), all come back one after the other: the last ones get as long as that has lasted,
-- since watches outlive it. No answer in time says nothing about etcd, and a late 500, whose read went unanswered, less than a prompt one.
-- Who came in while all seemed dead sits at a server's unchecked twin, and is treated as its sessions are; but only once another has lived for a second:
-- before that a connection to the twin may be in progress.
-- After a reload the old worker's checks stand still, and so must this: what it would see is of the moment of the reload.
-- Cut off: no server has etcd, and most cannot be reached at all. This balancer is on the wrong side of a broken network: it says that it is not
-- alive, so that keepalived lets go of the VIP, which the other side has taken. Clients are told while the address is still here: later nothing reaches them.
local settled = 0.8
local settled_late = 1.5
local late = 300
local most_patience = 30.0
local cut_off_after = 2.0

-- While a check is under way its status is that of the last one behind "* ", and its code is none.
local function last_check(stats)
  local status, running = string.gsub(stats.check_status or "", "^%* ", "")
  return status, running > 0
end

local function nobody_accepts(stats)
  return string.sub(last_check(stats), 1, 2) == "L4"
end

-- Nothing came back that HTTP knows.
local function unanswered(status)
  return string.sub(status, 1, 2) == "L4" or string.sub(status, 1, 2) == "L6" or status == "L7TOUT"
end

local function is_down(stats)
  return string.sub(stats.status, 1, 4) == "DOWN"
end

local function is_up(server)
  return string.sub(server:get_stats().status, 1, 2) == "UP"
end

local function unreachable(stats)
  return is_down(stats) and nobody_accepts(stats) and not string.find(stats.last_chk or "", "refused", 1, true)
end

-- Closes what is open to a server, and says why: who looks for a cut connection later finds it in the journal.
local function close_sessions(name, why)
  core.log(core.notice, "kubekeep: sessions of " .. name .. " are closed: " .. why)
  core.backends["api"].servers[name]:shut_sess()
end

local function is_stopping()
  return tostring(core.get_info().Stopping) == "1"
end

-- Since when the answer has been the same: name -> {answer, time}.
local function remember(memory, name, answer, time)
  if memory[name] == nil or memory[name].answer ~= answer then memory[name] = { answer = answer, since = time } end
  return memory[name]
end

core.register_task(function()
  local drained, dead_since, etcd, says_500, silent, hung, cut, strays_closed, network = {}, {}, {}, {}, {}, {}, {}, {}, {}
  local given_up, alive_since = false, nil
  local here = core.backends["here"].servers["vip"]
  while not is_stopping() do
    core.msleep(100)
    local now = core.now()
    local time = now.sec + now.usec / 1e6
    local fit, any, etcd_since, some_etcd, some_alive, all, out_of_reach = {}, false, time, false, false, 0, 0
    local seen = {}
    for name in pairs(core.backends["api-ready"].servers) do
      seen[name] = core.backends["api"].servers[name]:get_stats()
      some_alive = some_alive or not is_down(seen[name])
    end
    alive_since = some_alive and (alive_since or time) or nil
    for name, twin in pairs(core.backends["api-ready"].servers) do
      local stats = seen[name]
      local alive = not is_down(stats)
      local patient, asking = last_check(twin:get_stats())
      if not asking then hung[name] = unanswered(patient) end
      if alive then
        dead_since[name] = nil
      elseif dead_since[name] == nil then
        dead_since[name] = time
      elseif dead_since[name] and time - dead_since[name] > 1.0 and (nobody_accepts(stats) or (hung[name] and some_alive)) then
        close_sessions(name, "it is dead, " .. last_check(stats))
        dead_since[name] = false
      end
      local _, running = last_check(stats)
      if not running then
        local code = tonumber(stats.check_code)
        says_500[name] = code == 500
        if code then remember(etcd, name, code ~= 500, time).late = (tonumber(stats.check_duration) or 0) > late end
        silent[name] = unreachable(stats)
      end
      local has = etcd[name] or { answer = true, since = time }
      if alive and has.answer then etcd_since = math.min(etcd_since, has.since) end
      some_etcd = some_etcd or (alive and has.answer)
      all = all + 1
      if silent[name] then out_of_reach = out_of_reach + 1 end
      fit[name] = has.answer and is_up(twin)
      any = any or (alive and fit[name])
    end
    for name in pairs(core.backends["api-ready"].servers) do
      local server = core.backends["api"].servers[name]
      local drain = any and not fit[name]
      if drain and not drained[name] then
        server:set_drain()
      elseif drained[name] and not drain then
        server:set_ready()
      end
      drained[name] = drain
      local without = etcd[name] and not etcd[name].answer and etcd[name].since
      local useless = without and says_500[name] and time - without > (etcd[name].late and settled_late or settled) and time - etcd_since > math.max(settled, math.min(etcd_since - without, most_patience))
      if useless and not cut[name] then close_sessions(name, "it says itself that it cannot serve, another can") end
      cut[name] = useless
      local lost = dead_since[name] == false or cut[name]
      if lost and not strays_closed[name] and alive_since and time - alive_since > 1.0 then
        core.backends["api"].servers[name .. "${uncheckedTwin('')}"]:shut_sess()
        strays_closed[name] = true
      elseif not lost then
        strays_closed[name] = nil
      end
    end
    local cut_off = remember(network, "cut off", not some_etcd and out_of_reach * 2 > all, time)
    local give_up = cut_off.answer and time - cut_off.since > cut_off_after
    if give_up and not given_up then
      for name in pairs(core.backends["api-ready"].servers) do close_sessions(name, "this balancer is cut off") end
      here:set_maint()
    elseif given_up and not give_up then
      here:set_ready()
    end
    given_up = give_up
  end
end)
`;

import { hostsWith, type Cluster } from '../cluster/cluster.ts';
import { saysItsLoad } from '../cluster/steered.ts';
import { hardening, unitFile } from './_unit-file.ts';
import type { ComponentDesign, RenderInput } from './design.ts';
import { configFolder, loadAgentPort, loadAgentTemplate, loadAgentUnit, unitFolder } from './paths.ts';

const script = `${configFolder}/load-agent.sh`;

/** What says how busy a host is, where traffic is steered by that. */
export function renderLoadAgent({ cluster, host }: RenderInput): ComponentDesign | undefined {
  if (!saysItsLoad(cluster, host)) return undefined;
  const file = (path: string, content: string, mode = 0o644) => ({ path, content, mode, owner: 'root:root' });
  return {
    name: 'load-agent',
    unit: loadAgentUnit,
    programs: {},
    files: [file(script, agentScript, 0o755), file(`${unitFolder}/${loadAgentTemplate}`, template(cluster)), file(`${unitFolder}/${loadAgentUnit}`, socket(cluster))],
    onChange: 'restart',
  };
}

/**
 * Of the machine, or of the container that it is: the first cgroup that it sees is its own. Load is the largest of three: the part of its processors that was in use, the part of the time in which
 * something waited for a processor (which is what the length of the run queue costs), and the part in which something waited for memory. cgroups of version 1 know the first only, and
 * /proc/pressure is that of the whole computer, whatever container reads it. No program is started but sleep.
 * @internal
 */
export const agentScript = `#!/bin/sh
# Managed by kubekeep. Says once a second how much of this machine is left, in the words of HAProxy's agent-check: "37%". After a minute it ends, and who wants to hear more connects again.
at=/sys/fs/cgroup
cores=$(nproc)

# Microseconds in which something waited.
waited() {
  waited=0
  [ -r "$1" ] || return 0
  while read -r kind _ _ _ total; do [ "$kind" = some ] && waited=\${total#total=}; done < "$1"
}

# Microseconds of processors that were used, and those that may be used in a second.
used() {
  used=0
  quota=max
  if [ -r $at/cpu.stat ]; then
    while read -r key value; do [ "$key" = usage_usec ] && used=$value; done < $at/cpu.stat
    [ -r $at/cpu.max ] && read -r quota period < $at/cpu.max
  elif [ -r $at/cpuacct/cpuacct.usage ]; then
    read -r used < $at/cpuacct/cpuacct.usage
    used=$((used / 1000))
    [ -r $at/cpu/cpu.cfs_quota_us ] && read -r quota < $at/cpu/cpu.cfs_quota_us && read -r period < $at/cpu/cpu.cfs_period_us
    [ "$quota" = -1 ] && quota=max
  else
    exit 1
  fi
  may=$((cores * 1000000))
  [ "$quota" = max ] || may=$((quota * 1000000 / period))
}

look() {
  read -r up _ < /proc/uptime
  now=\${up%.*}\${up#*.}0000
  used
  waited $at/cpu.pressure
  cpu=$waited
  waited $at/memory.pressure
  memory=$waited
}

look
turn=0
pause=0.5
while [ $turn -lt 60 ]; do
  before=$now used_before=$used cpu_before=$cpu memory_before=$memory
  sleep $pause
  look
  took=$((now - before))
  [ $took -gt 0 ] || continue
  load=$(((used - used_before) * 100 / (may * (took / 10000) / 100)))
  for part in $(((cpu - cpu_before) * 100 / took)) $(((memory - memory_before) * 100 / took)); do [ $part -gt $load ] && load=$part; done
  [ $load -lt 0 ] && load=0
  [ $load -gt 100 ] && load=100
  echo "$((100 - load))%" 2> /dev/null || exit 0
  turn=$((turn + 1))
  pause=1
done
`;

/** Only the load balancers are answered, where the kernel can tell. */
function balancersOnly(cluster: Cluster): { readonly IPAddressDeny: string; readonly IPAddressAllow: string } {
  return { IPAddressDeny: 'any', IPAddressAllow: hostsWith(cluster, 'load-balancer').map(({ address }) => address).join(' ') };
}

function socket(cluster: Cluster): string {
  return unitFile({
    Unit: { Description: 'says how busy this machine is (kubekeep)' },
    Socket: { ListenStream: loadAgentPort, Accept: 'yes', MaxConnections: 32, KeepAlive: 'yes', ...balancersOnly(cluster) },
    Install: { WantedBy: 'sockets.target' },
  });
}

/** Not behind what burns the processors: who cannot say that he is busy looks as if he were not there. */
function template(cluster: Cluster): string {
  return unitFile({
    Unit: { Description: 'says how busy this machine is (kubekeep)', CollectMode: 'inactive-or-failed' },
    Service: {
      ExecStart: script,
      DynamicUser: 'yes',
      StandardInput: 'socket',
      StandardOutput: 'socket',
      StandardError: 'null',
      Nice: -10,
      CPUWeight: 1000,
      MemoryMax: '16M',
      TasksMax: 4,
      ...hardening,
      PrivateNetwork: 'yes',
      RestrictAddressFamilies: 'none',
      ...balancersOnly(cluster),
    },
  });
}

import { apiService, backendOf } from '../../cluster/service.ts';
import { quote } from '../../hosts/quote.ts';
import { writeScript } from '../../hosts/write-script.ts';
import { haproxySocket } from '../../render/haproxy.ts';
import { byHandFile, servicesSocket } from '../../render/paths.ts';
import { lockGuard } from '../lock.ts';
import { nameOf, type AnsweringBalancer } from './balancer.ts';
import { byHandText, isOfApi, type ByHand, type Wish } from './by-hand.ts';
import type { Change, Target } from './choose-servers.ts';

/** What one balancer has to do: remember the wish first, so that whatever is cut, the process that steers carries it out. */
export function changeScript({ byHand, servers }: Pick<AnsweringBalancer, 'byHand' | 'servers'>, { targets, change, token }: { readonly targets: readonly Target[]; readonly change: Change; readonly token: string }): string {
  const known = new Set(servers.map(nameOf));
  const here = targets.filter((target) => known.has(nameOf(target)));
  const [before, after] = [byHand, withWishes(byHand, { targets: here, change, known })].map(byHandText);
  return [
    lockGuard(token),
    writeScript(before === after ? [] : [{ path: byHandFile, content: after!, mode: 0o644 }]),
    // HAProxy answers nothing where it did what it was told.
    `tell() { said=$(printf '%s\\n' "$2" | timeout 5 socat -t 2 - "UNIX-CONNECT:$1") || exit 1; [ -z "$said" ] || { printf '%s: %s\\n' "$2" "$said" >&2; exit 1; }; }`,
    ...here.flatMap((target) => (target.service === apiService ? tellApi(target, change) : tellService(target, change))),
    '',
  ].join('\n');
}

/**
 * The wishes after a change; those for servers that the balancer does not have any more end, where the HAProxy that had them has answered.
 * @internal
 */
export function withWishes(byHand: ByHand, { targets, change, known }: { readonly targets: readonly Target[]; readonly change: Change; readonly known: ReadonlySet<string> }): ByHand {
  const names = new Set(targets.map(nameOf));
  const isGone = (name: string) => !known.has(name) && [...known].some((other) => isOfApi(other) === isOfApi(name));
  const others = Object.entries(byHand).filter(([name]) => !isGone(name) && !names.has(name));
  return Object.fromEntries([...others, ...targets.flatMap((target) => {
    const wish = wishOf(target, change);
    return wish ? [[nameOf(target), wish] as const] : [];
  })]);
}

/** States of API servers are HAProxy's own memory, and end with it: nobody would take one back into a cluster that needs it. */
function wishOf({ service }: Target, change: Change): Wish | undefined {
  if (typeof change !== 'string') return change;
  return change === 'ready' || service === apiService ? undefined : { state: change };
}

function tellService({ service, server }: Target, change: Change): string[] {
  const at = `${backendOf(service)}/${server}`;
  const tell = (line: string) => `tell ${servicesSocket} ${quote(line)}`;
  if (change === 'drain') return [tell(`set server ${at} state drain`)];
  if (change === 'maint') return [tell(`set server ${at} state maint`), tell(`shutdown sessions server ${at}`)];
  return [tell(`set server ${at} weight ${change === 'ready' ? 100 : change.weight}%`), tell(`set server ${at} state ready`)];
}

/** The Lua task carries over to the backend `api` what is seen in `api-ready`, ten times a second, unless no other server is fit: then all that live serve. */
function tellApi({ server }: Target, change: Change): string[] {
  const state = typeof change === 'string' ? change : 'ready';
  const tell = (line: string) => `tell ${haproxySocket} ${quote(line)}`;
  const weight = typeof change === 'string' ? (change === 'ready' ? 100 : undefined) : change.weight;
  return [...(weight === undefined ? [] : [tell(`set server api/${server} weight ${weight}%`)]), tell(`set server api-ready/${server} state ${state}`), ...(state === 'maint' ? ['sleep 0.4', tell(`shutdown sessions server api/${server}`)] : [])];
}

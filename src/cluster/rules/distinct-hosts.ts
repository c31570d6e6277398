import type { Finding, Path } from '../_finding.ts';
import type { Draft, Rule } from './rule.ts';

/** No two hosts share a name, an address or a way in; no list holds a value twice. */
export const distinctHosts: Rule = (draft) => [
  ...repeated(each(draft, 'name'), 'the name'),
  ...repeated(each(draft, 'address'), 'the address'),
  ...sameMachines(draft),
  ...(draft.spec.hosts ?? []).flatMap((host, position) => repeatedInList(host.roles, ['spec', 'hosts', position, 'roles'])),
  ...repeatedInList(draft.spec.endpoint.names, ['spec', 'endpoint', 'names']),
  ...repeatedInList(draft.spec.endpoint.previousVips, ['spec', 'endpoint', 'previousVips']),
  ...repeatedInList(draft.spec.kubernetes.extraSans, ['spec', 'kubernetes', 'extraSans']),
];

interface Entry {
  readonly value: string | undefined;
  readonly path: Path;
}

function each({ spec }: Draft, field: 'name' | 'address'): readonly Entry[] {
  return (spec.hosts ?? []).map((host, position) => ({ value: host[field], path: ['spec', 'hosts', position, field] }));
}

/** Hosts that name no SSH address are reached at their own; two such are compared already. */
function sameMachines({ spec }: Draft): readonly Finding[] {
  const hosts = (spec.hosts ?? []).map(({ address, ssh }) => {
    const at = ssh.address ?? address;
    return { at, named: ssh.address !== undefined, target: at === undefined ? undefined : [at, ssh.port ?? spec.ssh.port, ssh.jump ?? spec.ssh.jump ?? ''].join(' ') };
  });
  return hosts.flatMap(({ at, named, target }, position) => {
    const earlier = hosts.slice(0, position).findIndex((one) => target !== undefined && one.target === target && (named || one.named));
    if (earlier === -1) return [];
    return [{ path: ['spec', 'hosts', position, ...(named ? ['ssh', 'address'] : ['address'])], message: `the SSH address and port ${at!} is taken by spec.hosts[${earlier}] already`, suggestion: 'every host needs its own' }];
  });
}

function repeated(entries: readonly Entry[], what: string): readonly Finding[] {
  const first = new Map<string, Path>();
  return entries.flatMap(({ value, path }) => {
    if (value === undefined) return [];
    const earlier = first.get(value);
    if (earlier === undefined) first.set(value, path);
    return earlier === undefined ? [] : [{ path, message: `${what} ${value} is taken by spec.hosts[${earlier[2]}] already`, suggestion: 'every host needs its own' }];
  });
}

function repeatedInList(values: readonly (string | undefined)[] | undefined, path: Path): readonly Finding[] {
  return (values ?? []).flatMap((value, position) =>
    value !== undefined && values!.indexOf(value) < position ? [{ path: [...path, position], message: `${value} is in the list twice`, suggestion: 'keep one of them' }] : [],
  );
}

import { z } from 'zod';
import { show } from './_finding.ts';

/**
 * The forms a single field can have. Each is a regular expression or a range, so that the JSON Schema for editors says exactly the same.
 * Messages go on after the field's path: "spec.hosts[0].address" + " must be …".
 */
export const ipv4Address = (expects: string) => text(new RegExp(`^${ipv4}$`), expects, refuseIpv6);
/** An address with a prefix length from `shortest` to 32, or the given range of prefix lengths. */
export const ipv4Cidr = (prefixes: string, expects: string) => text(new RegExp(`^${ipv4}/(${prefixes})$`), expects, refuseIpv6);
export const label = (expects: string) => text(new RegExp(`^${dnsLabel}$`), expects);
export const dnsName = (expects: string) => text(new RegExp(`^${dns}$`), expects, refuseIpv6);
export const dnsNameOrIpv4 = (expects: string) => text(new RegExp(`^(${ipv4}|${dns})$`), expects, refuseIpv6);
/** What `ssh` takes as a host: a name, an address, or an alias of the user's configuration; never an option. */
export const sshAddress = (expects: string) => text(/^[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$/, expects, refuseIpv6);
export const sshJump = (expects: string) => text(new RegExp(`^${hop}(,${hop})*$`), expects, refuseIpv6);
export const path = (expects: string) => text(/^[^\u0000-\u001f\u007f]{1,4096}$/, expects);

export function text(pattern: RegExp, expects: string, special?: (value: string) => string | undefined) {
  const error = complaint(expects, special);
  return z.string({ error }).regex(pattern, { error });
}

export function integer(least: number, most: number, unit = '') {
  const error = complaint(`a whole number from ${least} to ${most}${unit && ` (${unit})`}`);
  return z.int({ error }).min(least, { error }).max(most, { error });
}

export const port = () => integer(1, 65535, 'a port');

export function oneOf<const Words extends readonly string[]>(words: Words, special?: (value: string) => string | undefined) {
  return z.enum(words, { error: complaint(words.length === 1 ? `"${words[0]}"` : `one of ${words.join(', ')}`, special) });
}

export function list<Item extends z.ZodType>(item: Item, expects: string, least = 0) {
  const error = complaint(`a list of ${expects}`);
  return z.array(item, { error }).min(least, { error: () => `must have at least ${least === 1 ? 'one entry' : `${least} entries`}` });
}

/** A mapping whose unknown fields are errors. */
export function mapping<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.strictObject(shape, { error: (issue) => (issue.code === 'invalid_type' ? complaint('a mapping of fields')(issue) : undefined) });
}

export function complaint(expects: string, special?: (value: string) => string | undefined) {
  return ({ input }: { readonly input?: unknown }): string => {
    if (input === undefined) return `is missing; it must be ${expects}`;
    if (input === null) return `has no value; it must be ${expects}`;
    return (typeof input === 'string' ? special?.(input) : undefined) ?? `must be ${expects}, not ${show(input)}`;
  };
}

function refuseIpv6(value: string): string | undefined {
  return /^\[?[0-9a-f]*:[0-9a-f:.]*:[0-9a-f:.]*(%\w+)?\]?(\/\d+)?$/i.test(value.slice(0, 100)) ? 'is an IPv6 address; IPv6 and dual stack are not supported by this release, so give an IPv4 address' : undefined;
}

const octet = '(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])';
const ipv4 = `${octet}(\\.${octet}){3}`;
const dnsLabel = '[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?';
// The last label of a name is not a number: 10.0.0.300 is a mistyped address and no name.
const dns = `(?=.{1,253}$)(?!(.*\\.)?[0-9]+$)${dnsLabel}(\\.${dnsLabel})*`;
const hop = '([A-Za-z0-9_][A-Za-z0-9_.-]{0,63}@)?[A-Za-z0-9][A-Za-z0-9._-]{0,252}(:[1-9][0-9]{0,4})?';

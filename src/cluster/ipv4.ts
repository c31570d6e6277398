/** An IPv4 network as numbers: the first and the last address. */
export interface Ipv4Range {
  readonly first: number;
  readonly last: number;
}

/** 10.0.0.1 → its 32 bits as a number. The text must be a valid IPv4 address. */
export function ipv4ToNumber(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

export function numberToIpv4(bits: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(bits / 2 ** shift) % 256).join('.');
}

/** The network around an address: (10.0.0.100/24) → 10.0.0.0 to 10.0.0.255. A bare address is a network of one. */
export function ipv4Range(cidr: string): Ipv4Range {
  const [address = '', prefix = '32'] = cidr.split('/');
  const size = 2 ** (32 - Number(prefix));
  const first = Math.floor(ipv4ToNumber(address) / size) * size;
  return { first, last: first + size - 1 };
}

export function overlap(a: string, b: string): boolean {
  const [one, other] = [ipv4Range(a), ipv4Range(b)];
  return one.first <= other.last && other.first <= one.last;
}

/** A member's or cluster's 64-bit id the way etcd prints it: hex without leading zeros. Text, since JSON's numbers cannot hold it. */
export type MemberId = string;

export function formatMemberId(id: bigint): MemberId {
  return id.toString(16);
}

export function parseMemberId(id: MemberId): bigint {
  return BigInt(`0x${id}`);
}

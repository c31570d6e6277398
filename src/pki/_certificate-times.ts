const day = 24 * 60 * 60 * 1000;

/** Clocks differ: a certificate is valid five minutes before it was made. */
const backDated = 5 * 60 * 1000;

/** Validity from `now` (ms since the epoch) on, in whole seconds as certificates hold it. */
export function validity(now: number, days: number): { notBefore: Date; notAfter: Date } {
  const second = Math.floor(now / 1000) * 1000;
  return { notBefore: new Date(second - backDated), notAfter: new Date(second + days * day) };
}

/** 16 random bytes, positive and without a leading zero, as hex. */
export function randomSerial(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[0] = (bytes[0]! & 0x7f) | 0x40;
  return Buffer.from(bytes).toString('hex');
}

const units: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** "90s", "10m", "36h", "14d" or "8w" in ms; undefined for anything else. */
export function duration(text: string): number | undefined {
  const [, number, unit] = /^([1-9]\d{0,4})([smhdw])$/.exec(text) ?? [];
  return number === undefined ? undefined : Number(number) * units[unit!]!;
}

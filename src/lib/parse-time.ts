/** Unix time in ms of a day (YYYY-MM-DD), a time of day and a zone as ISO 8601 has them; NaN of what is none. `Date.parse` takes 30 February for 2 March. */
export function parseTime(day: string, clock: string, zone: string): number {
  const midnight = Date.parse(`${day}T00:00Z`);
  const exists = !Number.isNaN(midnight) && new Date(midnight).toISOString().startsWith(day);
  return exists ? Date.parse(`${day}T${clock}${zone}`) : Number.NaN;
}

/** Where a time is on a picture. Times in milliseconds, places in the picture's own units. */
export interface TimeScale {
  readonly from: number;
  readonly to: number;
  readonly left: number;
  readonly right: number;
  /** The place of a time, held within the picture. */
  readonly place: (time: number) => number;
  readonly ticks: readonly { readonly time: number; readonly label: string }[];
}

export function timeScale({ from, to, left, right }: Pick<TimeScale, 'from' | 'to' | 'left' | 'right'>): TimeScale {
  const place = (time: number) => left + ((Math.min(Math.max(time, from), to) - from) / (to - from)) * (right - left);
  const step = niceStep((to - from) / 10);
  const first = Math.ceil(from / step) * step;
  const digits = step >= 1000 ? 0 : step >= 100 ? 1 : 2;
  const ticks = Array.from({ length: Math.floor((to - first) / step) + 1 }, (_, position) => first + position * step);
  return { from, to, left, right, place, ticks: ticks.map((time) => ({ time, label: Math.abs(time) < step / 2 ? '0' : (time / 1000).toFixed(digits).replace('-', '\u2212') })) };
}

/** A place as it is written into a picture: tenths are finer than any screen shows. */
export function placed(place: number): string {
  return String(Math.round(place * 10) / 10);
}

/** The next of 1, 2, 5, 10, 20, 50 … */
function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].find((factor) => factor * power >= least)! * power;
}

/** What `work` makes of each item, in their order; begins with as many before the first is asked for. Items are asked for as they are needed, so that they can end early. */
export async function* ahead<T, R>(items: Iterable<T> | AsyncIterable<T>, count: number, work: (item: T) => Promise<R>): AsyncGenerator<R> {
  const begun: Promise<R>[] = [];
  for await (const item of items) {
    const one = work(item);
    // Whoever waits for it hears of it.
    one.catch(() => {});
    begun.push(one);
    if (begun.length === count) yield await begun.shift()!;
  }
  for (const one of begun) yield await one;
}

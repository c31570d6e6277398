/**
 * Runs `work` for every item, at most `limit` at a time, and waits for what was begun also when one fails; then nothing new is begun and
 * the signal given to the others fires. Rejects with the first failure in time.
 */
export async function limited<T, R>(items: readonly T[], limit: number, work: (item: T, signal: AbortSignal) => Promise<R>): Promise<R[]> {
  const stop = new AbortController();
  const results: R[] = [];
  let next = 0;
  let failure: { readonly error: unknown } | undefined;
  const worker = async () => {
    while (next < items.length && !failure) {
      const position = next++;
      try {
        results[position] = await work(items[position]!, stop.signal);
      } catch (error) {
        failure ??= { error };
        stop.abort(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  if (failure) throw failure.error;
  return results;
}

/** Runs `work` for every item, `count` of them at a time, and gives the results in the order of the items. After the first that fails none is begun; rejects with its error when those that run have ended. */
export async function fewAtOnce<T, R>(items: readonly T[], count: number, work: (item: T) => Promise<R>): Promise<readonly R[]> {
  const results: R[] = Array.from({ length: items.length });
  const left = items.entries();
  let failed = false;
  const lane = async () => {
    for (const [index, item] of left) {
      try {
        results[index] = await work(item);
      } catch (error) {
        failed = true;
        throw error;
      }
      if (failed) return;
    }
  };
  const settled = await Promise.allSettled(Array.from({ length: count }, lane));
  const first = settled.find((one) => one.status === 'rejected');
  if (first) throw first.reason;
  return results;
}

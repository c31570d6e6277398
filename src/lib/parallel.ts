/**
 * Runs `work` for every item at once and waits for all of them, also when one fails: work on other hosts is never left running in the
 * background. Rejects with the first error by position.
 */
export async function parallel<T, R>(items: readonly T[], work: (item: T, position: number) => Promise<R>): Promise<R[]> {
  const settled = await Promise.allSettled(items.map(work));
  const failed = settled.find((one) => one.status === 'rejected');
  if (failed) throw failed.reason;
  return settled.map((one) => (one as PromiseFulfilledResult<R>).value);
}

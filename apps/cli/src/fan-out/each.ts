/** How one of several pieces of work ended. */
export type Settled<Value> = { readonly value: Value } | { readonly error: unknown };

/** Does `work` for every item, at most `concurrency` at once. One failure stops no other; results are in the order of the items. */
export async function settleEach<Item, Value>(
  items: readonly Item[],
  concurrency: number,
  work: (item: Item) => Promise<Value>,
): Promise<Settled<Value>[]> {
  const results: Settled<Value>[] = [];
  const queue = items.entries();
  const worker = async (): Promise<void> => {
    // All workers take from the one iterator.
    for (const [at, item] of queue) {
      results[at] = await work(item).then(
        (value) => ({ value }),
        (error: unknown) => ({ error }),
      );
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, worker));
  return results;
}

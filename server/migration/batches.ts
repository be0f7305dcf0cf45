/** Cuts a sequence into batches of at most so many items and so many bytes; a larger item is a batch of its own. */
export function* batchesOf<T>(
  all: Iterable<T>,
  limits: { readonly items: number; readonly bytes: number },
  sizeOf: (one: T) => number,
): Generator<T[]> {
  let batch: T[] = []
  let bytes = 0
  for (const one of all) {
    const size = sizeOf(one)
    if (batch.length > 0 && (batch.length === limits.items || bytes + size > limits.bytes)) {
      yield batch
      batch = []
      bytes = 0
    }
    batch.push(one)
    bytes += size
  }
  if (batch.length > 0) yield batch
}

/** Runs `work` on all, so many at a time and started in order; ends with the first error, when none is under way any more. */
export async function atOnce<T>(
  all: Iterable<T> | AsyncIterable<T>,
  most: number,
  work: (one: T) => Promise<void>,
): Promise<void> {
  const running = new Set<Promise<void>>()
  let failed: { readonly error: unknown } | undefined
  for await (const one of all) {
    if (failed) break
    const job: Promise<void> = work(one)
      .catch((error: unknown) => {
        failed ??= { error }
      })
      .finally(() => running.delete(job))
    running.add(job)
    if (running.size >= most) await Promise.race(running)
  }
  await Promise.all(running)
  if (failed) throw failed.error
}

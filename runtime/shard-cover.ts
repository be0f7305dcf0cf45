import type { ShardRange } from './journal-store.js'

/** Of shards between two that are wanted, so many are read along: a question to the store costs more than their rows. */
const MOST_BETWEEN = 32

/**
 * Consistent hashing leaves a node single shards all over the range: asked for one by one they are a thousand questions.
 * These ranges hold all of the given ones and few others besides, in order; whoever reads them leaves out the others.
 */
export function covering(ranges: readonly ShardRange[]): ShardRange[] {
  const covers: { from: number; to: number }[] = []
  for (const { from, to } of [...ranges].sort((one, other) => one.from - other.from)) {
    const last = covers.at(-1)
    if (last !== undefined && from - last.to - 1 <= MOST_BETWEEN) last.to = Math.max(last.to, to)
    else covers.push({ from, to })
  }
  return covers
}

/** Whether a shard is in one of the ranges. */
export function among(ranges: readonly ShardRange[]): (shard: number) => boolean {
  const shards = new Set<number>()
  for (const { from, to } of ranges) for (let shard = from; shard <= to; shard++) shards.add(shard)
  return (shard) => shards.has(shard)
}

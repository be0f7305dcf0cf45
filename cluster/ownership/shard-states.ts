import type { NodeIncarnation, OwnershipView, ShardRange, ShardRun } from '../../runtime/index.js'

/** What the register says of one shard. */
export type ShardState = Omit<ShardRun, 'from' | 'to'>

/** The state of each shard, by its number. Shards of one run share one object. */
export function statesOf({ shardCount, shards }: OwnershipView): ShardState[] {
  const states = new Array<ShardState>(shardCount)
  for (const run of shards) states.fill(run, run.from, run.to + 1)
  return states
}

/** Shards side by side with the same state become one run. */
export function runsOf(states: readonly ShardState[]): ShardRun[] {
  const runs: ShardRun[] = []
  let from = 0
  for (let shard = 1; shard <= states.length; shard++) {
    const state = states[from]!
    if (shard < states.length && isSame(states[shard]!, state)) continue
    const { epoch, owner, next, mustWait } = state
    runs.push({ from, to: shard - 1, epoch, owner, next, mustWait })
    from = shard
  }
  return runs
}

/** Sorted shard numbers as ranges. */
export function rangesOf(shards: Iterable<number>): ShardRange[] {
  const ranges: { from: number; to: number }[] = []
  for (const shard of shards) {
    const last = ranges.at(-1)
    if (last !== undefined && last.to === shard - 1) last.to = shard
    else ranges.push({ from: shard, to: shard })
  }
  return ranges
}

export function isSameNode(a: NodeIncarnation | undefined, b: NodeIncarnation | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && a.node === b.node && a.incarnation === b.incarnation)
}

export function isSame(a: ShardState, b: ShardState): boolean {
  return (
    a === b ||
    (a.epoch === b.epoch && a.mustWait === b.mustWait && isSameNode(a.owner, b.owner) && isSameNode(a.next, b.next))
  )
}

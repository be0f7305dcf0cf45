import { createHash } from 'node:crypto'
import type { ActorAddress, AgendaStore, DueRow, ShardRange } from '../../runtime/index.js'
import type { Differences } from './differences.js'

/** Shards that are looked at together. */
const shardsAtOnce = 64

/** Reminders that must be due on the servers, summed up for each shard: however many there are, it takes the same memory. */
export class DueRows {
  readonly #counts: Uint32Array
  readonly #sums: Int32Array

  constructor(shardCount: number) {
    this.#counts = new Uint32Array(shardCount)
    this.#sums = new Int32Array(shardCount)
  }

  add({ actor, name, dueAtMs }: DueRow): void {
    const text = JSON.stringify([actor.kind, actor.key, name, dueAtMs])
    this.#counts[actor.shard]! += 1
    this.#sums[actor.shard]! ^= createHash('sha256').update(text).digest().readInt32LE(0)
  }

  count(shard: number): number {
    return this.#counts[shard] ?? 0
  }

  isSame(other: DueRows, shard: number): boolean {
    return this.#counts[shard] === other.#counts[shard] && this.#sums[shard] === other.#sums[shard]
  }
}

/** Compares what is to be found without anybody calling: undelivered rows, and the due rows of all reminders. */
export async function compareAgendas(
  { from, to, shardCount }: { readonly from: AgendaStore; readonly to: AgendaStore; readonly shardCount: number },
  expected: DueRows,
  differences: Differences,
): Promise<void> {
  for (let first = 0; first < shardCount; first += shardsAtOnce) {
    const shards = { from: first, to: Math.min(shardCount, first + shardsAtOnce) - 1 }
    const [owing, there] = await Promise.all([undelivered(from, shards), undelivered(to, shards)])
    for (const name of owing) if (!there.delete(name)) differences.add(name, 'no undelivered row')
    for (const name of there) differences.add(name, 'an undelivered row on the servers only')
    await compareDue(to, shards, expected, differences)
  }
}

async function undelivered(agenda: AgendaStore, shards: ShardRange): Promise<Set<string>> {
  const names = new Set<string>()
  await agenda.sweepUndelivered(shards, async (rows) => {
    for (const { actor } of rows) names.add(nameOf(actor))
  })
  return names
}

async function compareDue(
  agenda: AgendaStore,
  shards: ShardRange,
  expected: DueRows,
  differences: Differences,
): Promise<void> {
  const found = new DueRows(shards.to + 1)
  const ever = Number.MAX_SAFE_INTEGER
  for (const row of await agenda.due(shards, ever, ever)) found.add(row)
  for (let shard = shards.from; shard <= shards.to; shard++) {
    if (expected.isSame(found, shard)) continue
    differences.add(
      `shard ${shard}`,
      `${expected.count(shard)} reminders, ${found.count(shard)} due rows, not the same`,
    )
  }
}

function nameOf({ kind, key }: ActorAddress): string {
  return `${kind}/${key}`
}

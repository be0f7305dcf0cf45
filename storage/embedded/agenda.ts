import type { ActorAddress, AgendaStore, DueRow, ShardRange, UndeliveredRow } from '../../runtime/index.js'
import type { KvOperation, KvPair, OrderedKv } from '../ports/ordered-kv.js'
import {
  actorText,
  dueKey,
  dueShardOf,
  dueTimeKey,
  dueTimeOf,
  endOfDueTimeKey,
  undeliveredEpochOf,
  undeliveredKey,
  undeliveredShardKey,
} from './keys.js'
import { decodeAddress } from './records.js'

/**
 * AgendaStore on an ordered KV.
 *
 * 1. Writes take effect in the order they were given, so a row that is written after its removal was sent stays, and no
 *    stamps are needed (CORE D2 asks for them where writes may arrive in another order).
 * 2. Due rows are ordered by time over all shards: one node owns them all here.
 */
export class EmbeddedAgenda implements AgendaStore {
  readonly #kv: OrderedKv

  constructor(kv: OrderedKv) {
    this.#kv = kv
  }

  async sweepUndelivered(shards: ShardRange, visit: (rows: readonly UndeliveredRow[]) => Promise<void>): Promise<void> {
    const end = undeliveredShardKey(shards.to + 1)
    let start: Uint8Array = undeliveredShardKey(shards.from)
    for (;;) {
      const page: KvPair[] = [...this.#kv.range({ start, end, limit: pageRows })]
      if (page.length > 0) await visit(page.map(undeliveredRow))
      if (page.length < pageRows) return
      start = Buffer.concat([page.at(-1)!.key, Buffer.of(0)])
    }
  }

  removeUndelivered(actor: ActorAddress, epoch: number): Promise<void> {
    const text = actorText(actor)
    // The row of this very epoch may still wait for its flush, where a range does not see it.
    const own = undeliveredKey(actor.shard, text, epoch)
    const batch: KvOperation[] = [{ key: own, value: undefined }]
    for (const { key } of this.#kv.range({ start: undeliveredKey(actor.shard, text, 0), end: own })) {
      batch.push({ key, value: undefined })
    }
    return this.#kv.write(batch)
  }

  async due(shards: ShardRange, untilMs: number, limit: number): Promise<readonly DueRow[]> {
    const rows: DueRow[] = []
    if (limit <= 0 || untilMs < 0) return rows
    const range = { start: dueTimeKey(0), end: endOfDueTimeKey(Math.min(Math.floor(untilMs), Number.MAX_SAFE_INTEGER)) }
    for (const { key, value } of this.#kv.range(range)) {
      const shard = dueShardOf(key)
      if (shard < shards.from || shard > shards.to) continue
      const { actor, reminder } = decodeAddress(value)
      rows.push({ actor, name: reminder, dueAtMs: dueTimeOf(key) })
      if (rows.length === limit) break
    }
    return rows
  }

  removeDue({ actor, name, dueAtMs }: DueRow): Promise<void> {
    return this.#kv.write([{ key: dueKey(dueAtMs, actor.shard, actorText(actor), name), value: undefined }])
  }
}

const pageRows = 256

function undeliveredRow({ key, value }: KvPair): UndeliveredRow {
  return { actor: decodeAddress(value).actor, epoch: undeliveredEpochOf(key) }
}

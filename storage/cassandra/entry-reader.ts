import type { ActorAddress, Position } from '../../runtime/index.js'
import type { BucketList } from './buckets.js'
import { Chain, fromRow, keyOfPosition, mostLong, type StoredEntry } from './journal-rows.js'
import type { Lineage } from './lineage.js'
import type { CassandraSession, Parameter, ReadConsistency } from './session.js'
import { tableOf } from './tables.js'

/** Rows asked for at once. */
const mostPageRows = 500

/** Rows of one bucket after a position, in the order of their keys, page by page. */
export async function* rowsOf(
  session: CassandraSession,
  actor: ActorAddress,
  bucket: number,
  after: Position,
  pageRows: number,
  consistency: ReadConsistency,
): AsyncGenerator<readonly StoredEntry[]> {
  const table = tableOf(actor.kind)
  const asked = Math.max(1, Math.min(pageRows, mostPageRows))
  let key: readonly Parameter[] = [...keyOfPosition(after), mostLong, mostLong]
  for (;;) {
    const parameters = [...table.keyOf(actor), bucket, ...key, asked]
    const found = await session.read({ query: table.after, parameters }, consistency)
    const rows = found.map((row) => fromRow(row, bucket))
    yield rows
    const last = rows.at(-1)
    if (last === undefined || rows.length < asked) return
    key = [last.entry.pts, last.entry.ordinal, last.writer.epoch, last.writer.attempt]
  }
}

/**
 * All entries after `from` that are a part of the history, at quorum, to the first hole or to the end. `beyond` says that
 * rows that count stand beyond the hole.
 */
export async function readTail(
  session: CassandraSession,
  actor: ActorAddress,
  lineage: Lineage,
  list: BucketList,
  from: Position,
): Promise<{ chain: Chain; beyond: boolean }> {
  const chain = new Chain(lineage, from)
  const found = await list.after(session, from)
  for (const bucket of found) {
    // A bucket begins where the one before has ended; else entries are missing between them.
    if (bucket !== found[0] && !(bucket.from.pts === chain.head.pts && bucket.from.ordinal === chain.head.ordinal)) {
      return { chain, beyond: true }
    }
    for await (const rows of rowsOf(session, actor, bucket.number, from, mostPageRows, 'quorum')) {
      for (const row of rows) chain.take(row)
    }
    if (chain.hasHole) return { chain, beyond: true }
  }
  chain.cutToCommit(from)
  return { chain, beyond: false }
}

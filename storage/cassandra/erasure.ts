import type { ActorAddress } from '../../runtime/index.js'
import { isAfter, start } from '../order.js'
import type { Bucket } from './buckets.js'
import { DerivedRows } from './derived-rows.js'
import { rowsOf } from './entry-reader.js'
import type { HandleStore, Standing } from './journal.js'
import { insertOfLineage, removalBeforeLineage, type StoredLineage } from './lineage-rows.js'
import { type Statement, writeAll } from './session.js'
import { removalOfAll } from './snapshots.js'
import { tableOf } from './tables.js'

const pageRows = 200

/**
 * Erases a journal (S8).
 *
 * 1. One row decides: a lineage of the same writer with a life more and nobody who reigns. Before it is durable all is
 *    there; from then on no entry counts, and snapshots and derived rows belong to a former life.
 * 2. Then the rows go, each by its own key or with a stamp, so that no deletion can take what a later life writes. A crash
 *    in between leaves them as garbage that nobody sees.
 * 3. The deciding row stays for ten days, by when nothing of the former writers can land any more.
 */
export async function eraseJournal(store: HandleStore, actor: ActorAddress, standing: Standing): Promise<void> {
  const { session, stamps, noted } = store
  const { own, buckets } = standing
  const { epoch } = own.writer
  const all = await buckets.after(session, start)
  const mark: StoredLineage = { ...own, lineage: [], life: own.life + 1, generation: own.generation + 1 }
  await session.write(insertOfLineage(actor, mark))
  const write = (batches: readonly (readonly Statement[])[]) => writeAll(session, batches)
  await Promise.all([
    new DerivedRows(session, actor, own.life, noted).removeAll(stamps, epoch, write),
    session.write(removalOfAll(actor, stamps.next(epoch))),
    session.write(removalBeforeLineage(actor, mark)),
    ...all.map((bucket) => removeEntries(store, actor, bucket)),
  ])
}

/** Rows of all writers, also of those that were overtaken. What begins a bucket has no content, and stays. */
async function removeEntries({ session }: HandleStore, actor: ActorAddress, bucket: Bucket): Promise<void> {
  const table = tableOf(actor.kind)
  const from = isAfter(bucket.from, start) ? bucket.from : { pts: -1, ordinal: 0 }
  for await (const rows of rowsOf(session, actor, bucket.number, from, pageRows, 'quorum')) {
    const removals = rows.map(({ entry: { pts, ordinal }, writer: { epoch, attempt } }) => ({
      query: table.remove,
      parameters: [...table.keyOf(actor), bucket.number, pts, ordinal, epoch, attempt],
    }))
    if (removals.length > 0) await session.writeTogether(removals)
  }
}

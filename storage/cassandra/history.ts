import { type ActorAddress, ActorError, type OpenRequest, type Position } from '../../runtime/index.js'
import { isOlder, overtaken, start } from '../order.js'
import { BucketList, type BucketRows, newestBuckets } from './buckets.js'
import { readTail } from './entry-reader.js'
import type { StoredEntry } from './journal-rows.js'
import { newestLineage, type StoredLineage } from './lineage-rows.js'
import type { CassandraSession } from './session.js'
import { isOn, newestSnapshot, type StoredSnapshot, snapshotBefore } from './snapshots.js'

/** A journal as its next owner reads it. */
export interface History {
  /** The newest lineage; undefined when nobody has written. */
  readonly former: StoredLineage | undefined
  readonly snapshot: StoredSnapshot | undefined
  /** The entries after the snapshot. */
  readonly tail: readonly StoredEntry[]
  readonly head: Position
  readonly buckets: BucketRows
}

/**
 * Reads what is to be taken over, at quorum (CORE J5), after the end of the former owner is certain.
 *
 * H1. The newest lineage seen decides which rows count. A newer writer than the request's: OVERTAKEN.
 * H2. The history ends at the first hole, and never within a commit. Rows that count beyond a hole say that what is missing
 *     was durable when they were sent: it is read again, and if it is still missing, the journal is CORRUPT.
 * H3. Reads a bounded number of rows: one lineage, the newest snapshot that counts, the entries after it.
 */
export async function readHistory(
  session: CassandraSession,
  actor: ActorAddress,
  request: OpenRequest,
): Promise<History> {
  const [former, newest, buckets] = await Promise.all([
    newestLineage(session, actor),
    newestSnapshot(session, actor),
    newestBuckets(session, actor),
  ])
  if (former === undefined) {
    return { former, snapshot: undefined, tail: [], head: start, buckets }
  }
  if (isOlder(request, former.writer)) throw overtaken(actor)
  const { lineage } = former
  let snapshot = newest
  while (snapshot !== undefined && !isOn(former, snapshot)) snapshot = await snapshotBefore(session, actor, snapshot)
  const from = snapshot?.snapshot.position ?? start
  const read = () => readTail(session, actor, lineage, new BucketList(actor, lineage, buckets), from)
  let { chain, beyond } = await read()
  if (beyond) ({ chain, beyond } = await read())
  if (beyond) throw hole(actor, chain.head)
  return { former, snapshot, tail: chain.taken, head: chain.head, buckets }
}

/** The entries of the last commit in a tail, or what the tail has of it. */
export function lastCommitOf(tail: readonly StoredEntry[]): readonly StoredEntry[] {
  let first = tail.length - 1
  while (first > 0 && tail[first - 1]!.more > 0) first--
  return tail.slice(Math.max(0, first))
}

function hole({ kind, key }: ActorAddress, { pts, ordinal }: Position): ActorError {
  return new ActorError(
    'CORRUPT',
    `Entries are missing in the journal of ${kind}/${key} after ${pts}.${ordinal}. Repair the tables; if that does not ` +
      'bring them back, restore a backup.',
  )
}

/** What a handle says at its end to that of the next owner (S9): where the journal stands, so that it need not be read. */
import type { ActorAddress, Position, Writer } from '../../runtime/index.js'
import { type Bucket, BucketList } from './buckets.js'
import type { Standing } from './journal.js'
import type { StoredLineage } from './lineage-rows.js'

/** Nodes of two versions of the program may hand over to each other. */
const format = 1

/** Known buckets beyond this are not told: who takes the journal over reads them. */
const mostBuckets = 32

export function encodeStanding({ own, buckets, head, bucketBytes, snapshotAt }: Standing): Uint8Array | undefined {
  const { known, oldest } = buckets.known
  if (known.length > mostBuckets) return undefined
  return Buffer.from(JSON.stringify({ format, own, known, oldest, head, bucketBytes, snapshotAt }))
}

interface HandedStanding extends Omit<Standing, 'buckets'> {
  readonly format: number
  readonly known: readonly Bucket[]
  readonly oldest?: Bucket & { readonly writer: Writer }
  readonly snapshotAt: Position | undefined
}

/**
 * Undefined unless it is of a writer of the epoch just before: another one may have followed on it, and then only reading
 * shows where the journal stands. An erased journal has no writer who reigns.
 */
export function decodeStanding(
  handed: Uint8Array,
  actor: ActorAddress,
  { epoch }: Pick<Writer, 'epoch'>,
): (Omit<Standing, 'own'> & { readonly former: StoredLineage }) | undefined {
  const told = JSON.parse(String(Buffer.from(handed))) as HandedStanding
  if (told.format !== format) return undefined
  const { own, known, oldest, head, bucketBytes, snapshotAt } = told
  const last = own.lineage.at(-1)
  if (own.writer.epoch !== epoch - 1 || last?.epoch !== own.writer.epoch || last.attempt !== own.writer.attempt) {
    return undefined
  }
  const buckets = BucketList.handed(actor, own.lineage, { known, oldest })
  return { former: own, buckets, head, bucketBytes, snapshotAt }
}

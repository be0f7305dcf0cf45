import { ActorError, decode, type JournalStore } from '../../runtime/index.js'
import { type Fact, logAddress } from './migration-log.js'

/** The shard in which a migration writes down how far it is. */
export function migrationLogShard(shardCount: number): number {
  return logAddress(shardCount).shard
}

/**
 * Rejects with REFUSED (UNFINISHED_COPY) when a migration to these journals has begun and not ended: what is missing would be
 * taken for what never was.
 */
export async function refuseUnfinishedCopy(journals: JournalStore, epoch: number, shardCount: number): Promise<void> {
  const request = { epoch, attempt: 1, mayKeepWriter: false }
  const { journal, tail } = await journals.open(logAddress(shardCount), request)
  journal.close()
  const types = new Set(tail.map(({ fact }) => (decode(fact) as Fact).type))
  if (!types.has('begun') || types.has('done')) return
  throw new ActorError(
    'REFUSED',
    'It holds a part of a data directory: the copy was cut off. Finish it (npx heliograph migrate), then start.',
    { reason: 'UNFINISHED_COPY' },
  )
}

import type { KvOperation, OrderedKv } from '../ports/ordered-kv.js'
import { endOfActorKey, type KeyText, positionKey, space } from './keys.js'
import { type CommitRecord, decodeCommit, encodeCommit } from './records.js'

/** What rewrites the actor's commits without the bodies of these entries. Entries that are not there are passed over. */
export function erasures(kv: OrderedKv, actor: KeyText, erased: readonly number[]): KvOperation[] {
  const wanted = [...new Set(erased)].sort((a, b) => a - b)
  const end = endOfActorKey(space.commits, actor)
  const operations: KvOperation[] = []
  let next = 0
  while (next < wanted.length) {
    const start = positionKey(space.commits, actor, { pts: wanted[next]!, ordinal: 0 })
    const [found] = kv.range({ start, end, limit: 1 })
    if (!found) break
    const record = decodeCommit(found.value)
    const last = record.entries.at(-1)!.pts
    const from = next
    while (next < wanted.length && wanted[next]! <= last) next++
    const without = withoutBodies(record, new Set(wanted.slice(from, next)))
    if (without) operations.push({ key: found.key, value: encodeCommit(without) })
  }
  return operations
}

/** undefined when there is nothing to erase (any more). */
function withoutBodies(record: CommitRecord, erased: ReadonlySet<number>): CommitRecord | undefined {
  let hasChanged = false
  const entries = record.entries.map((entry) => {
    if (entry.ordinal !== 0 || !entry.body || !erased.has(entry.pts)) return entry
    hasChanged = true
    const { body: _, ...rest } = entry
    return rest
  })
  return hasChanged ? { ...record, entries } : undefined
}

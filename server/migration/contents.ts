import type { EmbeddedData } from '../../storage/index.js'
import { sizeOfEntry } from './journal-copy.js'

export interface KindContents {
  actors: number
  entries: number
  bytes: number
  rows: number
}

/** What a data directory holds, counted by reading all of it. */
export function contentsOf(source: EmbeddedData): {
  readonly kinds: ReadonlyMap<string, Readonly<KindContents>>
  readonly names: number
  readonly accounts: number
} {
  const kinds = new Map<string, KindContents>()
  for (const actor of source.actors()) {
    const sums = kinds.get(actor.kind) ?? { actors: 0, entries: 0, bytes: 0, rows: 0 }
    kinds.set(actor.kind, sums)
    sums.actors++
    for (const entry of source.entries(actor)) {
      sums.entries++
      sums.bytes += sizeOfEntry(entry)
    }
    sums.rows += countOf(source.rows(actor))
  }
  return { kinds, names: countOf(source.claimedNames()), accounts: countOf(source.accounts()) }
}

function countOf(all: Iterable<unknown>): number {
  let count = 0
  for (const _ of all) count++
  return count
}

/**
 * The newest entries of a journal, in memory.
 *
 * T1. What is here is a run without holes that ends at the head; entries leave at the front only, and only durable ones.
 */
import type { JournalEntry, Position } from './journal-store.js'
import { comparePositions } from './position.js'

export class Tail {
  /** Entries here are those after this position. */
  start: Position
  bytes = 0
  #entries: JournalEntry[] = []
  /** What each entry counts for: what goes is old, and in no processor's cache any more. */
  #sizes: number[] = []

  constructor(start: Position) {
    this.start = start
  }

  get length(): number {
    return this.#entries.length
  }

  push(entry: JournalEntry): void {
    const bytes = entryBytes(entry)
    this.#entries.push(entry)
    this.#sizes.push(bytes)
    this.bytes += bytes
  }

  /** True when every entry after `position` is here. */
  covers(position: Position): boolean {
    return comparePositions(position, this.start) >= 0
  }

  /** Entries after `after` with pts <= toPts, in order. */
  *after(after: Position, toPts: number): Iterable<JournalEntry> {
    for (let i = this.#indexAfter(after); i < this.#entries.length; i++) {
      const entry = this.#entries[i] as JournalEntry
      if (entry.pts > toPts) return
      yield entry
    }
  }

  /** The numbered entry at exactly `pts`; undefined when it is not here. */
  at(pts: number): JournalEntry | undefined {
    const entry = this.#entries[this.#indexAfter({ pts, ordinal: -1 })]
    return entry?.pts === pts && entry.ordinal === 0 ? entry : undefined
  }

  /** The body of the numbered entry at `pts` is gone. */
  erase(pts: number): void {
    const index = this.#indexAfter({ pts, ordinal: -1 })
    const entry = this.#entries[index]
    if (entry?.body === undefined || entry.pts !== pts || entry.ordinal !== 0) return
    const { body, ...rest } = entry
    this.#entries[index] = rest
    this.#sizes[index]! -= body.byteLength
    this.bytes -= body.byteLength
  }

  /** Lets go of the oldest until at most `entries` and `bytes` are left; the last `keep` stay. */
  trim(entries: number, bytes: number, keep: number): void {
    let dropped = 0
    const most = this.#entries.length - keep
    while (dropped < most && (this.#entries.length - dropped > entries || this.bytes > bytes)) {
      this.bytes -= this.#sizes[dropped++]!
    }
    if (dropped === 0) return
    const { pts, ordinal } = this.#entries[dropped - 1] as JournalEntry
    this.start = { pts, ordinal }
    this.#entries = this.#entries.slice(dropped)
    this.#sizes = this.#sizes.slice(dropped)
  }

  #indexAfter(position: Position): number {
    let low = 0
    let high = this.#entries.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (comparePositions(this.#entries[middle] as JournalEntry, position) <= 0) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** What an entry takes, in a commit and in memory. */
export function entryBytes(entry: JournalEntry): number {
  return 48 + entry.fact.length + (entry.body?.length ?? 0)
}

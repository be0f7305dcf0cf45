import { type ActorAddress, ActorError, type JournalEntry, type Position, type Writer } from '../runtime/index.js'

/** Where an empty journal is. */
export const start: Position = { pts: 0, ordinal: 0 }

export function isSame(a: Position, b: Position): boolean {
  return a.pts === b.pts && a.ordinal === b.ordinal
}

export function isAfter(a: Position, b: Position): boolean {
  return a.pts > b.pts || (a.pts === b.pts && a.ordinal > b.ordinal)
}

export function isOlder(a: Writer, b: Writer): boolean {
  return a.epoch < b.epoch || (a.epoch === b.epoch && a.attempt < b.attempt)
}

/** The head after these entries; undefined unless they follow `head`, and each the one before (CORE J2). */
export function headAfter(head: Position, entries: readonly JournalEntry[]): Position | undefined {
  let { pts, ordinal } = head
  let atMs = 0
  for (const entry of entries) {
    ordinal = entry.count === 0 ? ordinal + 1 : 0
    pts += entry.count
    if (entry.pts !== pts || entry.ordinal !== ordinal || entry.atMs < atMs) return undefined
    atMs = entry.atMs
  }
  return { pts, ordinal }
}

export function overtaken(actor: ActorAddress): ActorError {
  return new ActorError('OVERTAKEN', `A newer writer has opened the journal of ${actor.kind}/${actor.key}. Call again.`)
}

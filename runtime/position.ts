import type { JournalEntry, Position } from './journal-store.js'

/** Negative when a stands before b, 0 when they are the same. */
export function comparePositions(a: Position, b: Position): number {
  return a.pts === b.pts ? a.ordinal - b.ordinal : a.pts - b.pts
}

/** Whether `entry` is the one that follows directly on `before` (CORE J2). */
export function follows(entry: JournalEntry, before: Position): boolean {
  if (entry.count > 0) return entry.pts === before.pts + entry.count && entry.ordinal === 0
  return entry.count === 0 && entry.pts === before.pts && entry.ordinal === before.ordinal + 1
}

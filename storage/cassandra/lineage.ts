import type { Position, Writer } from '../../runtime/index.js'
import { isAfter, start } from '../order.js'

/**
 * Who wrote a journal (CORE J3).
 *
 * L1. A reign is a writer and the position after which its entries stand; it ends where the next one begins. An entry
 *     counts only if its writer reigns at its position: `writerAt`.
 * L2. A new writer's lineage is that of the newest one seen, cut at the head that the new writer read: reigns that begin
 *     at or after it are empty, and gone.
 * L3. A stored lineage never changes. The one of the newest writer decides.
 */
export interface Reign extends Writer {
  readonly from: Position
}

/** Reigns in the order of their positions. Empty: nobody has written yet. */
export type Lineage = readonly Reign[]

/** Undefined at the start, where there is no entry, and when nobody has written. */
export function writerAt(lineage: Lineage, position: Position): Reign | undefined {
  let low = 0
  let high = lineage.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (isAfter(position, lineage[middle]!.from)) low = middle + 1
    else high = middle
  }
  return lineage[low - 1]
}

/** The lineage of a writer that read the history up to `head`. */
export function succeed(lineage: Lineage, head: Position, { epoch, attempt }: Writer): Lineage {
  return [...lineage.filter(({ from }) => isAfter(head, from)), { epoch, attempt, from: head }]
}

export function isSameWriter(a: Writer | undefined, b: Writer | undefined): boolean {
  return a?.epoch === b?.epoch && a?.attempt === b?.attempt
}

/** Whether a bucket that this writer began after `from` is a part of the history: the writer reigned beyond that position. */
export function hasBegun(lineage: Lineage, writer: Writer, from: Position): boolean {
  const at = lineage.findIndex((reign) => isSameWriter(reign, writer))
  const reign = lineage[at]
  if (reign === undefined || isAfter(reign.from, from)) return false
  const next = lineage[at + 1]
  return next === undefined || isAfter(next.from, from)
}

const noWriter: Writer = { epoch: 0, attempt: 0 }

/** The writer of the entry at a position; `noWriter` at the start. */
export function coveredAt(lineage: Lineage, position: Position): Writer {
  return isAfter(position, start) ? (writerAt(lineage, position) ?? noWriter) : noWriter
}

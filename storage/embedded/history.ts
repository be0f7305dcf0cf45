import type { ActorAddress, JournalEntry, Position, Snapshot, Writer } from '../../runtime/index.js'
import { isOlder, isSame, overtaken, start } from '../order.js'
import type { OrderedKv } from '../ports/ordered-kv.js'
import { endOfActorKey, type KeyText, positionKey, positionOf, space } from './keys.js'
import { corrupt, decodeCommit, decodeSnapshot } from './records.js'

/** A journal as it is read at its opening. */
export interface History {
  readonly head: Position
  readonly snapshot?: Snapshot
  /** The entries after the snapshot, in order. */
  readonly tail: readonly JournalEntry[]
}

/**
 * Reads what `reader` takes over: the newest snapshot that lies on the journal, and what follows it. Throws CORRUPT when
 * the records do not follow one another, OVERTAKEN when the last of them is of a newer writer.
 */
export function readHistory(kv: OrderedKv, actor: ActorAddress, text: KeyText, reader: Writer): History {
  const range = { start: positionKey(space.snapshots, text, start), end: endOfActorKey(space.snapshots, text) }
  for (const { key, value } of kv.range({ ...range, reverse: true })) {
    const position = positionOf(key)
    const history = readFrom(kv, actor, text, reader, position)
    // S7: a snapshot of a position that the journal does not have is passed over for the one before.
    if (history) return { ...history, snapshot: decodeSnapshot(value, position) }
  }
  const history = readFrom(kv, actor, text, reader, start)
  if (!history) throw corrupt(nameOf(actor))
  return history
}

/** undefined when the journal has no entry at `from`; its start is always there. */
function readFrom(
  kv: OrderedKv,
  actor: ActorAddress,
  text: KeyText,
  reader: Writer,
  from: Position,
): History | undefined {
  const tail: JournalEntry[] = []
  let head: Position | undefined = isSame(from, start) ? start : undefined
  let last: Writer | undefined
  const range = { start: positionKey(space.commits, text, from), end: endOfActorKey(space.commits, text) }
  for (const { value } of kv.range(range)) {
    const { writer, after, entries } = decodeCommit(value)
    const isInOrder = !(last && isOlder(writer, last)) && (!head || isSame(after, head))
    if (!isInOrder) throw corrupt(nameOf(actor))
    for (const entry of entries) {
      if (head) tail.push(entry)
      else if (isSame(entry, from)) head = from
    }
    if (!head) return undefined
    const { pts, ordinal } = entries.at(-1)!
    head = { pts, ordinal }
    last = writer
  }
  if (last && isOlder(reader, last)) throw overtaken(actor)
  return head && { head, tail }
}

const nameOf = (actor: ActorAddress) => `journal of ${actor.kind}/${actor.key}`

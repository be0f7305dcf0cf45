import { isDeepStrictEqual } from 'node:util'
import {
  type ActorAddress,
  type ActorDefinition,
  type DerivedRow,
  type DueRow,
  type Journal,
  type JournalEntry,
  type OpenedJournal,
  type Position,
  replayedState,
  storedReminders,
} from '../../runtime/index.js'
import type { EmbeddedData } from '../../storage/index.js'
import { batchesOf } from './batches.js'
import type { Differences } from './differences.js'
import { commitLimits, sizeOfEntry } from './journal-copy.js'
import type { Progress } from './pace.js'
import { plainValue } from './plain-value.js'

// biome-ignore lint/suspicious/noExplicitAny: definitions of different shapes stand in one list
type AnyDefinition = ActorDefinition<any>

const mostRowsRead = 1_000

export interface ComparedActor {
  readonly entries: number
  readonly rows: number
  /** As the directory has them. */
  readonly reminders: readonly Pick<DueRow, 'name' | 'dueAtMs'>[]
}

/** Compares one actor on both sides: each entry, each derived row, reminders, and the state that its definition folds. */
export async function compareActor(
  source: EmbeddedData,
  actor: ActorAddress,
  from: OpenedJournal,
  to: OpenedJournal,
  definition: AnyDefinition | undefined,
  differences: Differences,
  progress: (made: Progress) => void,
): Promise<ComparedActor> {
  const name = `${actor.kind}/${actor.key}`
  const add = (what: string) => differences.add(name, what)
  const entries = await compareEntries(source.entries(actor), to.journal, add, progress)
  const rows = await compareRows(source.rows(actor), to.journal, add)
  const reminders = storedReminders(from)
  if (!isDeepStrictEqual(new Set(reminders), new Set(storedReminders(to)))) add('other reminders')
  if (definition && !isDeepStrictEqual(stateOf(definition, actor, from), stateOf(definition, actor, to))) {
    add('another state')
  }
  return { entries, rows, reminders }
}

function stateOf(definition: AnyDefinition, actor: ActorAddress, opened: OpenedJournal): unknown {
  try {
    return plainValue(replayedState(definition, actor, opened))
  } catch (error) {
    return `it cannot be folded: ${(error as Error).message}`
  }
}

async function compareEntries(
  all: Iterable<JournalEntry>,
  journal: Journal,
  add: (what: string) => void,
  progress: (made: Progress) => void,
): Promise<number> {
  let after: Position = { pts: 0, ordinal: 0 }
  let entries = 0
  for (const batch of batchesOf(all, commitLimits, sizeOfEntry)) {
    const last = batch.at(-1)!
    const found = await journal.read(after, last.pts, batch.length)
    for (const [at, entry] of batch.entries()) compareEntry(entry, found[at], add)
    const numbered = batch.filter(({ ordinal }) => ordinal === 0)
    const again = await journal.readAt(numbered.map(({ pts }) => pts))
    for (const [at, entry] of numbered.entries()) {
      if (!isSameEntry(entry, again[at])) add(`entry ${entry.pts} is another when it is read alone`)
    }
    entries += batch.length
    progress({ entries: batch.length, bytes: batch.reduce((sum, entry) => sum + sizeOfEntry(entry), 0) })
    after = { pts: last.pts, ordinal: last.ordinal }
  }
  const [beyond] = await journal.read(after, Number.MAX_SAFE_INTEGER, 1)
  if (beyond) add(`entry ${beyond.pts}.${beyond.ordinal} is on the servers only`)
  return entries
}

function compareEntry(entry: JournalEntry, found: JournalEntry | undefined, add: (what: string) => void): void {
  if (isSameEntry(entry, found)) return
  const place = `entry ${entry.pts}.${entry.ordinal}`
  if (!found) add(`${place} is missing`)
  else if (!isSameBytes(entry.fact, found.fact)) add(`${place} says something else`)
  else if (!isSameBytes(entry.body, found.body)) add(`${place} has another body`)
  else add(`${place} is another`)
}

function isSameEntry(one: JournalEntry, other: JournalEntry | undefined): boolean {
  return (
    other !== undefined &&
    one.pts === other.pts &&
    one.ordinal === other.ordinal &&
    one.count === other.count &&
    one.atMs === other.atMs &&
    isSameBytes(one.fact, other.fact) &&
    isSameBytes(one.body, other.body)
  )
}

async function compareRows(all: Iterable<DerivedRow>, journal: Journal, add: (what: string) => void): Promise<number> {
  let count = 0
  for (const { rows, from, isLast } of groupParts(all)) {
    const { table, group, order: to } = rows.at(-1)!
    const end = isLast ? Number.MAX_SAFE_INTEGER : to
    const found = await journal.scan({ table, group, from, to: end, limit: rows.length + 1 })
    const values = new Map(found.map(({ order, value }) => [order, value]))
    for (const { order, value } of rows) {
      const there = values.get(order)
      values.delete(order)
      if (!there) add(`row ${order} of ${table}/${group} is missing`)
      else if (!isSameBytes(value, there)) add(`row ${order} of ${table}/${group} is another`)
    }
    for (const order of values.keys()) add(`row ${order} of ${table}/${group} is on the servers only`)
    count += rows.length
  }
  return count
}

interface GroupPart {
  readonly rows: readonly DerivedRow[]
  /** Where the part begins: after the one before. */
  readonly from: number
  readonly isLast: boolean
}

function* groupParts(all: Iterable<DerivedRow>): Generator<GroupPart> {
  let rows: DerivedRow[] = []
  let from = 0
  for (const row of all) {
    const last = rows.at(-1)
    const isOther = last !== undefined && (last.table !== row.table || last.group !== row.group)
    if (last !== undefined && (isOther || rows.length === mostRowsRead)) {
      yield { rows, from, isLast: isOther }
      rows = []
      from = isOther ? 0 : last.order + 1
    }
    rows.push(row)
  }
  if (rows.length > 0) yield { rows, from, isLast: true }
}

function isSameBytes(one: Uint8Array | undefined, other: Uint8Array | undefined): boolean {
  if (one === undefined || other === undefined) return one === other
  return Buffer.compare(one, other) === 0
}

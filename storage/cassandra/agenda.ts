import cassandra from 'cassandra-driver'
import type { ActorAddress, AgendaStore, DueRow, ShardRange, UndeliveredRow } from '../../runtime/index.js'
import { mostLong, numberOf } from './journal-rows.js'
import type { CassandraSession, Parameter, Row, Statement } from './session.js'
import type { Stamps } from './stamps.js'
import { due, undelivered } from './tables.js'

const { Long } = cassandra.types

/**
 * AgendaStore on Cassandra (CORE D2).
 *
 * A1. Every insert and removal has a stamp of its epoch and of the order in which this process gave them, so the later one
 *     wins however they land. A removal of due rows has the stamp of the row that it removes, and wins the tie.
 * A2. All reads are at quorum. A row may land after a read has passed: the next sweep finds it.
 * A3. Shards share partitions: a sweep of all 4,096 takes 64 reads, a look for due rows 128, and a hundred million reminders
 *     make partitions of some 80 MB.
 */
const shardsPerUndeliveredSlice = 64
const shardsPerDueSlice = 32
const pageRows = 256
/** Slices read at the same time: a look through all of them leaves the store to those whom somebody waits for. */
const mostReads = 4

export class CassandraAgenda implements AgendaStore {
  readonly #session: CassandraSession
  readonly #stamps: Stamps

  constructor(session: CassandraSession, stamps: Stamps) {
    this.#session = session
    this.#stamps = stamps
  }

  async sweepUndelivered(shards: ShardRange, visit: (rows: readonly UndeliveredRow[]) => Promise<void>): Promise<void> {
    for (const slices of groupsOf(slicesOf(shards, shardsPerUndeliveredSlice), mostReads)) {
      const pages = await Promise.all(slices.map((slice) => this.#undelivered(slice, shards)))
      await visitPages(pages.flat(), visit)
      for (const [index, rows] of pages.entries()) await this.#visitRest(slices[index]!, shards, rows, visit)
    }
  }

  async removeUndelivered(actor: ActorAddress, epoch: number): Promise<void> {
    const { kind, key, shard } = actor
    const parameters = [this.#stamps.next(epoch), undeliveredSliceOf(shard), shard, kind, key, epoch]
    await this.#session.write({ query: undelivered.remove, parameters })
  }

  async due(shards: ShardRange, untilMs: number, limit: number): Promise<readonly DueRow[]> {
    const until = Math.min(Math.floor(untilMs), mostLong)
    if (limit <= 0 || until < 0) return []
    const found: DueRow[] = []
    for (const slices of groupsOf(slicesOf(shards, shardsPerDueSlice), mostReads)) {
      const rows = await Promise.all(slices.map((slice) => this.#due(slice, shards, until, limit)))
      found.push(...rows.flat())
      found.sort((a, b) => a.dueAtMs - b.dueAtMs)
      if (found.length > limit) found.length = limit
    }
    return found
  }

  async removeDue({ actor, name, dueAtMs }: DueRow): Promise<void> {
    const key = [dueSliceOf(actor.shard), dueAtMs, actor.shard, actor.kind, actor.key, name]
    const [row] = await this.#session.read({ query: due.stamp, parameters: key }, 'quorum')
    if (row === undefined) return
    await this.#session.write({ query: due.remove, parameters: [row.stamp as Parameter, ...key] })
  }

  async #visitRest(
    slice: number,
    shards: ShardRange,
    firstPage: readonly UndeliveredRow[],
    visit: (rows: readonly UndeliveredRow[]) => Promise<void>,
  ): Promise<void> {
    let page = firstPage
    while (page.length === pageRows) {
      page = await this.#undelivered(slice, shards, page.at(-1))
      if (page.length > 0) await visit(page)
    }
  }

  async #undelivered(slice: number, shards: ShardRange, after?: UndeliveredRow): Promise<UndeliveredRow[]> {
    const key = after ? [after.actor.shard, after.actor.kind, after.actor.key, after.epoch] : [shards.from, '', '', -1]
    const parameters = [slice, ...key, shards.to, pageRows]
    const rows = await this.#session.read({ query: undelivered.after, parameters }, 'quorum')
    return rows.map((row) => ({ actor: actorOf(row), epoch: numberOf(row.epoch) }))
  }

  async #due(slice: number, shards: ShardRange, until: number, limit: number): Promise<DueRow[]> {
    const found: DueRow[] = []
    const asked = Math.min(limit, pageRows)
    let key: readonly Parameter[] = [Long.fromNumber(-1), 0, '', '', '']
    for (;;) {
      const parameters = [slice, ...key, until, asked]
      const rows = await this.#session.read({ query: due.after, parameters }, 'quorum')
      for (const row of rows) {
        const actor = actorOf(row)
        if (actor.shard < shards.from || actor.shard > shards.to) continue
        found.push({ actor, name: row.name as string, dueAtMs: numberOf(row.due_at_ms) })
      }
      const last = rows.at(-1)
      if (last === undefined || rows.length < asked || found.length >= limit) return found
      key = [last.due_at_ms, last.shard, last.kind, last.actor_key, last.name] as Parameter[]
    }
  }
}

/** What writes the rows that must be durable before a commit of this actor under this epoch (S4). */
export function insertsBefore(
  { kind, key, shard }: ActorAddress,
  epoch: number,
  before: { readonly undelivered?: boolean; readonly due?: readonly { name: string; dueAtMs: number }[] },
  stamps: Stamps,
): Statement[] {
  const inserts: Statement[] = []
  if (before.undelivered) {
    const parameters = [undeliveredSliceOf(shard), shard, kind, key, epoch, stamps.next(epoch)]
    inserts.push({ query: undelivered.insert, parameters })
  }
  for (const { name, dueAtMs } of before.due ?? []) {
    const stamp = stamps.next(epoch)
    inserts.push({ query: due.insert, parameters: [dueSliceOf(shard), dueAtMs, shard, kind, key, name, stamp, stamp] })
  }
  return inserts
}

async function visitPages(
  rows: readonly UndeliveredRow[],
  visit: (rows: readonly UndeliveredRow[]) => Promise<void>,
): Promise<void> {
  for (const page of groupsOf(rows, pageRows)) await visit(page)
}

function actorOf(row: Row): ActorAddress {
  return { kind: row.kind as string, key: row.actor_key as string, shard: row.shard as number }
}

function undeliveredSliceOf(shard: number): number {
  return Math.floor(shard / shardsPerUndeliveredSlice)
}

function dueSliceOf(shard: number): number {
  return Math.floor(shard / shardsPerDueSlice)
}

function slicesOf({ from, to }: ShardRange, shardsPerSlice: number): number[] {
  const first = Math.floor(from / shardsPerSlice)
  return Array.from({ length: Math.floor(to / shardsPerSlice) - first + 1 }, (_, index) => first + index)
}

function groupsOf<T>(all: readonly T[], size: number): T[][] {
  const groups: T[][] = []
  for (let at = 0; at < all.length; at += size) groups.push(all.slice(at, at + size))
  return groups
}

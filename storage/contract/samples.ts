import type { ActorAddress, Commit, Journal, JournalEntry, OpenedJournal, Position } from '../../runtime/index.js'
import type { StorageProcess } from './harness.js'

export const start: Position = { pts: 0, ordinal: 0 }

export function actorNamed(key: string, shard = 3): ActorAddress {
  return { kind: 'chat', key, shard }
}

const attempts = new WeakMap<StorageProcess, number>()

/** Opens with an attempt above all that this process has used. */
export function openNext(process: StorageProcess, actor: ActorAddress): Promise<OpenedJournal> {
  const attempt = (attempts.get(process) ?? 0) + 1
  attempts.set(process, attempt)
  return process.journals.open(actor, { epoch: process.epoch, attempt, mayKeepWriter: false })
}

export interface Draft {
  readonly count?: number
  readonly fact?: string | Uint8Array
  readonly body?: string | Uint8Array
  readonly atMs?: number
}

/** Entries that follow `head`, one a draft; a text alone is a fact. */
export function follow(head: Position, drafts: readonly (Draft | string)[]): JournalEntry[] {
  let { pts, ordinal } = head
  return drafts.map((draft) => {
    const { count = 1, fact = 'fact', body, atMs = 1_000 } = typeof draft === 'string' ? { fact: draft } : draft
    pts += count
    ordinal = count === 0 ? ordinal + 1 : 0
    const entry = { pts, ordinal, count, atMs, fact: Buffer.from(fact as string) }
    return body === undefined ? entry : { ...entry, body: Buffer.from(body as string) }
  })
}

export function headOf(entries: readonly JournalEntry[], before: Position = start): Position {
  const last = entries.at(-1)
  return last ? { pts: last.pts, ordinal: last.ordinal } : before
}

export async function commitOne(
  journal: Journal,
  head: Position,
  draft: Draft | string,
  before?: NonNullable<Commit['before']>,
): Promise<Position> {
  const entries = follow(head, [draft])
  await journal.commit({ entries, ...(before && { before }) })
  return headOf(entries)
}

/** Entries as plain values, to compare. */
export function plain(entries: readonly (JournalEntry | undefined)[]): unknown[] {
  return entries.map(
    (entry) =>
      entry && {
        at: `${entry.pts}.${entry.ordinal}`,
        count: entry.count,
        atMs: entry.atMs,
        fact: Buffer.from(entry.fact).toString('latin1'),
        ...(entry.body && { body: Buffer.from(entry.body).toString('latin1') }),
      },
  )
}

export function facts(entries: readonly JournalEntry[]): string[] {
  return entries.map((entry) => Buffer.from(entry.fact).toString())
}

export const everything = Number.MAX_SAFE_INTEGER

export function readAll(journal: Journal): Promise<readonly JournalEntry[]> {
  return journal.read(start, everything, everything)
}

/** Lets everything run that is ready, without waiting for time. */
export function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

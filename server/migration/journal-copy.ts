import {
  type ActorAddress,
  ActorError,
  type Commit,
  type DerivedRow,
  type Journal,
  type JournalEntry,
  type Position,
  type Snapshot,
  storedReminders,
} from '../../runtime/index.js'
import type { EmbeddedData } from '../../storage/index.js'
import { batchesOf } from './batches.js'
import type { Progress } from './pace.js'
import type { MigrationTarget } from './target.js'

/** Of one commit, and of one checkpoint's rows: they bound what a copy holds in memory. */
export const commitLimits = { items: 200, bytes: 512 * 1024 }
const checkpointLimits = { items: 2_000, bytes: 512 * 1024 }

/**
 * Copies one actor: its agenda rows and entries, then derived rows and the newest snapshot. What is there already stays, so
 * that it may be repeated after any end of the process. `mayKeepWriter`: nothing that this process did there is of unknown
 * outcome (CORE J3).
 */
export async function copyActor(
  source: EmbeddedData,
  target: MigrationTarget,
  actor: ActorAddress,
  mayKeepWriter: boolean,
  progress: (made: Progress) => void,
): Promise<void> {
  const request = { epoch: source.epoch + 1, attempt: 1, mayKeepWriter }
  const from = await source.journals.open(actor, request)
  const to = await target.journals.open(actor, { ...request, epoch: target.epoch })
  try {
    const there = to.tail.at(-1) ?? to.snapshot?.position
    let head: Position = { pts: there?.pts ?? 0, ordinal: there?.ordinal ?? 0 }
    // With the first entries only: whoever has one of them has these rows too.
    let before: Commit['before'] = there ? undefined : agendaOf(source, actor, storedReminders(from))
    for (const batch of batchesOf(source.entries(actor, head), commitLimits, sizeOfEntry)) {
      await target.owned()
      await to.journal.commit({ entries: batch, ...(before && { before }) })
      before = undefined
      progress({ entries: batch.length, bytes: sum(batch, sizeOfEntry) })
      head = batch.at(-1)!
    }
    checkEnd(actor, head, from.tail.at(-1) ?? from.snapshot?.position)
    if (from.snapshot) await copyRows(source, target, actor, to.journal, from.snapshot, progress)
  } finally {
    to.journal.close()
    from.journal.close()
  }
}

function agendaOf(
  source: EmbeddedData,
  actor: ActorAddress,
  due: readonly { readonly name: string; readonly dueAtMs: number }[],
): Commit['before'] {
  return { undelivered: source.owes(actor), ...(due.length > 0 && { due }) }
}

/** The rows come with the snapshot that they belong to, in as many checkpoints as it takes. */
async function copyRows(
  source: EmbeddedData,
  target: MigrationTarget,
  actor: ActorAddress,
  journal: Journal,
  snapshot: Snapshot,
  progress: (made: Progress) => void,
): Promise<void> {
  let isWritten = false
  for (const rows of batchesOf<DerivedRow>(source.rows(actor), checkpointLimits, sizeOfRow)) {
    await target.owned()
    await journal.checkpoint({ snapshot, rows, erased: [] })
    isWritten = true
    progress({ bytes: sum(rows, sizeOfRow) })
  }
  if (!isWritten) await journal.checkpoint({ snapshot, rows: [], erased: [] })
  progress({ bytes: snapshot.state.length })
}

function checkEnd(actor: ActorAddress, reached: Position, head: Position | undefined): void {
  if (reached.pts === (head?.pts ?? 0) && reached.ordinal === (head?.ordinal ?? 0)) return
  throw new ActorError(
    'REFUSED',
    `The servers have entries of ${actor.kind}/${actor.key} that the directory does not have: they are not a copy of it.`,
    { reason: 'OTHER_MIGRATION' },
  )
}

function sum<T>(all: readonly T[], sizeOf: (one: T) => number): number {
  return all.reduce((bytes, one) => bytes + sizeOf(one), 0)
}

export function sizeOfEntry({ fact, body }: JournalEntry): number {
  return 100 + fact.length + (body?.length ?? 0)
}

function sizeOfRow({ table, group, value }: DerivedRow): number {
  return 50 + table.length + group.length + (value?.length ?? 0)
}

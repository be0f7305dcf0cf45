import { decode, type JournalEntry, type JournalStore, shardOf } from '../runtime/index.js'

/** Journals that nobody writes any more. */
export interface StoredJournals {
  readonly journals: JournalStore
  readonly shardCount: number
  /** Above all that were used. */
  readonly epoch: number
}

/** All entries of an actor, from the first, as the disk has them. */
export async function storedEntries(stored: StoredJournals, kind: string, key: string): Promise<JournalEntry[]> {
  const { journals, shardCount, epoch } = stored
  const actor = { kind, key, shard: shardOf(kind, key, shardCount) }
  const request = { epoch, attempt: 1, mayKeepWriter: false }
  const { journal } = await journals.open(actor, request)
  const entries: JournalEntry[] = []
  for (;;) {
    const last = entries.at(-1)
    const after = last ?? { pts: 0, ordinal: 0 }
    const page = await journal.read(after, Number.MAX_SAFE_INTEGER, 1_000)
    entries.push(...page)
    if (page.length < 1_000) break
  }
  journal.close()
  return entries
}

/** What an actor's own entry says: the runtime stores [format, fact], and 0 as the format of its own entries. */
export function factOf({ fact }: JournalEntry): unknown {
  const [format, own] = decode(fact) as readonly [number, unknown]
  return format === 0 ? { type: 'of the runtime' } : own
}

/** A box's entry as clients are told of it: messages are packed in the journal. */
export function typeOf(entry: JournalEntry): string {
  const fact = factOf(entry)
  return Array.isArray(fact) ? 'message' : (fact as { readonly type: string }).type
}

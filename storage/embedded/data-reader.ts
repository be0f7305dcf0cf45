import { join } from 'node:path'
import {
  type ActorAddress,
  ActorError,
  type ActorLog,
  type AgendaStore,
  type Clock,
  type DerivedRow,
  decode,
  type JournalEntry,
  type JournalStore,
  type Position,
  shardOf,
} from '../../runtime/index.js'
import { isAfter, start } from '../order.js'
import type { AccountRow } from '../ports/account-store.js'
import type { NameKey, NameKind, NameRecord } from '../ports/name-directory.js'
import type { NameMatch } from '../ports/name-index.js'
import type { KvPair, OrderedKv } from '../ports/ordered-kv.js'
import { EmbeddedAgenda } from './agenda.js'
import { openExistingDirectory } from './data-directory.js'
import { EmbeddedJournals } from './journals.js'
import {
  actorText,
  afterPositionKey,
  endOfActorKey,
  namesIn,
  nameUserOf,
  rowOrderOf,
  type Space,
  space,
  startOfActorKey,
  undeliveredKey,
} from './keys.js'
import { openLmdbKv } from './lmdb-kv.js'
import { decodeCommit } from './records.js'
import { storedRegister } from './register.js'

/**
 * All that a data directory holds, for a copy of it. Nothing is written, no start is counted; the directory is this
 * process's alone while it is open.
 *
 * R1. What is read page by page may be read for as long as the reader likes: nothing is held between two pages.
 * R2. Actors come in the order of their keys, which never changes.
 */
export interface EmbeddedData {
  /** Of the last start on the directory: no writer in it has a later one. */
  readonly epoch: number
  readonly shardCount: number
  /** What an opened journal commits would be stored: only for reads, under epochs after `epoch`. */
  readonly journals: JournalStore
  readonly agenda: AgendaStore
  /** Actors with a journal, after `after`. Rejects with REFUSED (NAME_TOO_LONG): only a hash of such a name is stored. */
  actors(after?: ActorName): Iterable<ActorAddress>
  /** All entries after a position. */
  entries(actor: ActorName, after?: Position): Iterable<JournalEntry>
  /** All derived rows, by table, group and order. */
  rows(actor: ActorName): Iterable<DerivedRow & { readonly value: Uint8Array }>
  /** An undelivered row says that the actor may have something undelivered. */
  owes(actor: ActorAddress): boolean
  accounts(): Iterable<AccountRow>
  /** The search index. */
  indexedNames(): Iterable<NameMatch>
  /** Records of the directory, also of names that nobody holds any more. */
  claimedNames(): Iterable<ClaimedName>
  close(): Promise<void>
}

export type ActorName = Pick<ActorAddress, 'kind' | 'key'>

export interface ClaimedName extends NameKey {
  readonly record: Omit<NameRecord, 'holder'> & { readonly holder?: number }
}

/**
 * Opens a data directory that is there. Rejects with REFUSED (reasons DIRECTORY_IN_USE, FORMAT_TOO_NEW, NO_DATA) or CORRUPT;
 * the message has the cure.
 */
export async function openEmbeddedData(options: {
  readonly directory: string
  readonly clock: Clock
  readonly log: ActorLog
}): Promise<EmbeddedData> {
  const directory = await openExistingDirectory(options.directory)
  try {
    const kv = openLmdbKv({ path: join(directory.path, 'data.mdb'), clock: options.clock, log: options.log })
    return dataOn(kv, () => directory.release())
  } catch (error) {
    await directory.release()
    throw error
  }
}

/** The same on any ordered KV; closing it closes the KV. */
function dataOn(kv: OrderedKv, release: () => Promise<void>): EmbeddedData {
  const { epoch, shardCount } = storedRegister(kv) ?? { epoch: 0, shardCount: 0 }
  const addressed = (kind: string, key: string): ActorAddress => ({ kind, key, shard: shardOf(kind, key, shardCount) })
  return {
    epoch,
    shardCount,
    journals: new EmbeddedJournals(kv),
    agenda: new EmbeddedAgenda(kv),
    *actors(after) {
      const end = endOfSpace(space.commits)
      let from: Uint8Array = after ? endOf(space.commits, after) : Buffer.of(space.commits)
      for (;;) {
        const [pair] = kv.range({ start: from, end, limit: 1 })
        if (!pair) return
        const [kind = '', key = ''] = plainNames(pair.key, 2)
        const actor = addressed(kind, key)
        yield actor
        from = endOf(space.commits, actor)
      }
    },
    *entries(actor, after = start) {
      const text = actorText({ ...actor, shard: 0 })
      const from = afterPositionKey(space.commits, text, after)
      for (const { value } of pairs(kv, from, endOfActorKey(space.commits, text), recordsPerPage)) {
        for (const entry of decodeCommit(value).entries) if (isAfter(entry, after)) yield entry
      }
    },
    *rows(actor) {
      const text = actorText({ ...actor, shard: 0 })
      for (const { key, value } of pairs(
        kv,
        startOfActorKey(space.rows, text),
        endOfActorKey(space.rows, text),
        rowsPerPage,
      )) {
        const [, , table = '', group = ''] = plainNames(key, 4)
        yield { table, group, order: rowOrderOf(key), value }
      }
    },
    owes(actor) {
      const text = actorText(actor)
      const from = undeliveredKey(actor.shard, text, 0)
      const to = undeliveredKey(actor.shard, text, Number.MAX_SAFE_INTEGER)
      return [...kv.range({ start: from, end: to, limit: 1 })].length > 0
    },
    *accounts() {
      for (const { value } of spacePairs(kv, space.accounts)) yield decode(value) as AccountRow
    },
    *indexedNames() {
      for (const { key, value } of spacePairs(kv, space.names)) {
        yield { name: Buffer.from(value).toString('utf8'), userId: nameUserOf(key) }
      }
    },
    *claimedNames() {
      for (const { key, value } of spacePairs(kv, space.directory)) {
        const [kind = '', name = ''] = Buffer.from(key.subarray(1)).toString('utf8').split('\0')
        yield { kind: kind as NameKind, name, record: decode(value) as ClaimedName['record'] }
      }
    },
    async close() {
      await kv.close()
      await release()
    },
  }
}

const rowsPerPage = 256
/** A commit's record is large when its entries are. */
const recordsPerPage = 32

function* pairs(kv: OrderedKv, from: Uint8Array, end: Uint8Array, perPage: number): Generator<KvPair> {
  let next = from
  for (;;) {
    const page: KvPair[] = [...kv.range({ start: next, end, limit: perPage })]
    yield* page
    if (page.length < perPage) return
    next = Buffer.concat([page.at(-1)!.key, Buffer.of(0)])
  }
}

function spacePairs(kv: OrderedKv, of: Space): Iterable<KvPair> {
  return pairs(kv, Buffer.of(of), endOfSpace(of), rowsPerPage)
}

function endOfSpace(of: Space): Buffer {
  return Buffer.of(of + 1)
}

function endOf(of: Space, actor: ActorName): Buffer {
  return endOfActorKey(of, actorText({ ...actor, shard: 0 }))
}

function plainNames(key: Uint8Array, count: number): string[] {
  const names = namesIn(key, count)
  if (names) return names
  throw new ActorError('REFUSED', `A name is stored as a hash only, under ${Buffer.from(key).toString('hex')}.`, {
    reason: 'NAME_TOO_LONG',
  })
}

/**
 * What is known of an account outside of its journal: whose its names are, its row, its place in the search index.
 *
 * R1. The entry is durable first. Records that lag behind it are owed (CORE D2): whatever dies, they are written by this
 *     activation or a later one.
 * R2. Names are confirmed while the journal holds them, and released once it has voided every token that could set them.
 * R3. Writes of one activation run one after another, each from the newest state; every one of them may be repeated, and a
 *     version keeps an older row away.
 */
import type { Later, Position } from '../../runtime/index.js'
import type { AccountRow, AccountStore } from '../../storage/ports/account-store.js'
import type { NameDirectory } from '../../storage/ports/name-directory.js'
import type { NameIndex } from '../../storage/ports/name-index.js'
import { phoneKey, usernameKey } from '../name/contract.js'
import type { AccountState } from './account.js'
import { type Entry, isMessage } from './entry.js'
import { appendHidden } from './milestone.js'
import type { UserReading, UserTurn } from './shape.js'
import type { UserState } from './state.js'

/** The storage ports fit. */
export interface PublicRecords {
  readonly directory: Pick<NameDirectory, 'confirm' | 'release'>
  readonly names: Pick<NameIndex, 'put' | 'remove'>
  readonly accounts: Pick<AccountStore, 'put'>
}

const ANY_TOKEN = Number.MAX_SAFE_INTEGER
const NOTE_RECORDED_AFTER_MS = 1_000

const CHANGING: ReadonlySet<string> = new Set(['registered', 'profile', 'username', 'closed'])

/** Whether others see something else after the entry. */
export function changesRecords(entry: Entry): boolean {
  return !isMessage(entry) && CHANGING.has(entry.type)
}

function isBefore(one: Position, other: Position): boolean {
  return one.pts < other.pts || (one.pts === other.pts && one.ordinal < other.ordinal)
}

export function areRecordsKept({ state, memory }: Pick<UserReading, 'state' | 'memory'>): boolean {
  const changedAt = state.account?.changedAt
  return !changedAt || (memory.recordedAt !== undefined && !isBefore(memory.recordedAt, changedAt))
}

/** Writes the records after the turn, and answers when they are written, or could not be: they are owed then. */
export function keptThenAnswered<T>(turn: UserTurn, records: PublicRecords, answer: () => T): Later<T> {
  const write = begin(turn, records)
  return turn.later(async () => {
    await write().catch((error) => turn.log.warn({ err: error }, 'public records are behind; they are written later'))
    return answer()
  })
}

/** The same with nobody waiting. */
export function keepRecords(turn: UserTurn, records: PublicRecords): void {
  turn.afterwards(begin(turn, records))
}

/** Last seen is not owed: the next change brings it, and until then the row is a little old. */
export function noteSeen(turn: UserTurn, { accounts }: PublicRecords): void {
  const row = rowOf(turn)
  if (row) turn.afterwards(() => accounts.put(row))
}

/** Takes what the turn saw; the result writes it (R3). */
function begin(turn: UserTurn, records: PublicRecords): () => Promise<void> {
  const { memory, id } = turn
  const { account } = turn.state
  const row = rowOf(turn)
  const { changedAt } = account ?? {}
  if (!account || !row || !changedAt || areRecordsKept(turn)) return async () => undefined
  turn.setTimer('recorded', NOTE_RECORDED_AFTER_MS)
  const seen = { ...account, dropped: [...(account.dropped ?? [])] }
  return () => {
    const write = async () => {
      if (memory.recordedAt && !isBefore(memory.recordedAt, changedAt)) return
      await Promise.all([...nameWrites(id, seen, records), records.accounts.put(row)])
      memory.recordedAt = row.version
    }
    const written = (memory.recording ?? Promise.resolve()).then(write, write)
    memory.recording = written
    const end = () => {
      if (memory.recording === written) memory.recording = undefined
    }
    written.then(end, end)
    return written
  }
}

/** R2. */
function nameWrites(user: number, account: AccountState, { directory, names }: PublicRecords): Promise<void>[] {
  const { phone, username, token, closed, dropped = [] } = account
  const release = (key: ReturnType<typeof phoneKey>, upTo: number) => directory.release({ ...key, user, upTo })
  const writes = dropped.flatMap((each) => [
    release(usernameKey(each.username), each.upTo),
    names.remove(each.username, user),
  ])
  if (phone !== '') {
    writes.push(
      closed ? release(phoneKey(phone), ANY_TOKEN) : directory.confirm({ ...phoneKey(phone), user, token: ANY_TOKEN }),
    )
  }
  if (username === '') return writes
  const key = usernameKey(username)
  return closed
    ? [...writes, release(key, ANY_TOKEN), names.remove(username, user)]
    : [...writes, directory.confirm({ ...key, user, token }), names.put(username, user)]
}

/** The account as others may see it, as of the head; undefined where there never was one. */
function rowOf({ id, state, memory, head }: UserReading): AccountRow | undefined {
  const { account } = state
  if (!account) return undefined
  const { profile, username, phone, closed, homeDc = 0 } = account
  return {
    id,
    version: { pts: head.pts, ordinal: head.ordinal },
    ...profile,
    username: closed ? '' : username,
    phone: closed ? '' : phone,
    photo: '',
    premium: false,
    deleted: closed,
    homeDc,
    seenAtMs: closed ? 0 : Math.max(state.seenAtMs, memory.seenAtMs),
  }
}

/** A timer's turn: later activations need not write again what is written. */
export function noteRecorded(turn: UserTurn): void {
  const { recordedAt } = turn.memory
  if (turn.state.account?.changedAt && recordedAt && areRecordsKept(turn))
    appendHidden(turn, { type: 'recorded', upTo: recordedAt })
}

export function foldRecorded(state: UserState, upTo: Position): void {
  const { account } = state
  if (!account) return
  if (!account.changedAt || isBefore(upTo, account.changedAt)) return
  account.changedAt = undefined
  account.dropped = undefined
}

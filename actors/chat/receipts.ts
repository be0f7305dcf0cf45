/**
 * Receipts: which entry an operation was (CORE D3).
 *
 * R1. A chat in use has its newest receipts in the fold, fewer once it rests; what does not fit there are rows of the window
 *     of 30 days in which they left it. So an idle chat holds few, however many messages it has, and a small one has no rows.
 * R2. Rows of the present window and the one before are looked at: a repeat within 30 days is found. Older windows are
 *     forgotten while the chat is in use, so many rows at a time. They are read outside of turns, each once, from where
 *     the last entry that named some has ended: no turn waits for them, however many there are.
 * R3. A receipt's key is the operation's hash and a slot. The hash only finds, the entry says whether it is the same
 *     operation: one that finds another's receipt under its key takes the next slot, which its fact then names, so that no
 *     receipt is ever written over.
 * R4. A chat that is busy knows the keys of its rows (receipt-filter.ts): what evicts a receipt adds its key, and those of
 *     before are read outside of turns. Until all are known the store is looked into.
 */
import { after, type DerivedWriter, type Placed, type Soon } from '../../runtime/index.js'
import type { ChatEntry, ChatFact, Forgotten } from './fact.js'
import { operationHash } from './operation-hash.js'
import { Learning, ReceiptFilter } from './receipt-filter.js'
import type { ChatTurn } from './shape.js'
import type { ChatState } from './state.js'

export const RECEIPTS_IN_FOLD = 500
/** So many go at once: a Map finds its first entry behind the places of all that were taken out before. */
export const RECEIPTS_EVICTED = 50
export const RECEIPTS_AT_REST = 32
export const WINDOW_MS = 30 * 24 * 3600 * 1000
const SLOTS = 16
/** Look-ups of new operations in the store after which a chat is busy (R4). */
const BUSY_AFTER_LOOK_UPS = 100
/** Rows that one entry names at most. */
const FORGOTTEN_AN_ENTRY = 500

export interface Found {
  /** Undefined: nobody has asked for this before. */
  readonly entries?: readonly ChatEntry[]
  /** For the operation's receipt. */
  readonly slot: number
}

function receiptKey(by: number, op: string, slot: number): number {
  return operationHash(by, op) * SLOTS + slot
}

function windowAt(atMs: number): number {
  return Math.floor(atMs / WINDOW_MS)
}

/** An operation's second entry has the receipt of its first. */
export function keepReceipt(state: ChatState, { by, op, slot, second }: ChatFact, at: Placed): void {
  if (second) return
  state.receipts.set(receiptKey(by, op, slot ?? 0), at.pts)
  if (state.receipts.size > RECEIPTS_IN_FOLD) evict(state, RECEIPTS_IN_FOLD - RECEIPTS_EVICTED, at)
}

/** R1: the chat rests. */
export function evictAtRest(state: ChatState, at: Placed): void {
  if (state.receipts.size > RECEIPTS_AT_REST) evict(state, RECEIPTS_AT_REST, at)
}

/** The oldest, until so many are left. */
function evict(state: ChatState, left: number, { atMs }: Placed): void {
  const evicted: [number, number][] = []
  for (const receipt of state.receipts) {
    if (state.receipts.size <= left) break
    state.receipts.delete(receipt[0])
    evicted.push(receipt)
    state.filter?.add(receipt[0])
  }
  state.evicted = evicted
  const window = windowAt(atMs)
  if (state.windows.at(-1) !== window) state.windows = [...state.windows, window]
}

export function forgetReceipts(state: ChatState, { window, keys }: Forgotten): void {
  const last = keys.at(-1)
  if (last === undefined) {
    state.windows = state.windows.filter((one) => one !== window)
    delete state.forgotten
  } else {
    state.forgotten = { window, upTo: last }
  }
}

/** The rows of what the latest entry changed. */
export function deriveReceipts({ evicted, windows }: ChatState, rows: DerivedWriter): void {
  if (evicted.length === 0) return
  const group = String(windows.at(-1))
  for (const [key, n] of evicted) rows.put('receipt', group, key, n)
}

export function deriveForgotten({ window, keys }: Forgotten, rows: DerivedWriter): void {
  for (const key of keys) rows.remove('receipt', String(window), key)
}

/** True when nobody has asked for this before, as nearly always; false where it takes more than one look to tell. */
export function isNew(turn: ChatTurn, by: number, op: string): Soon<boolean> {
  const { receipts, hasFirstReceipts, windows, filter } = turn.state
  const key = receiptKey(by, op, 0)
  if (hasFirstReceipts === true || receipts.has(key)) return false
  if (windows.length === 0 || filter?.mayHave(key) === false) return true
  learnSome(turn)
  return after(storedReceipt(turn, key), (n) => n === undefined)
}

/** Has the keys of rows read while this chat is busy; all of them again when there are more than the filter has room for (R4). */
function learnSome(turn: ChatTurn): void {
  const { memory } = turn
  const state = turn.state as ChatState
  if (memory.learning === undefined || memory.learning.filter !== state.filter || memory.learning.isOver) {
    if (state.filter?.isWhole || ++memory.lookUps < BUSY_AFTER_LOOK_UPS) return
    memory.lookUps = 0
    const filter = ReceiptFilter.larger(state.filter)
    if (filter === undefined) return
    state.filter = filter
    memory.learning = new Learning(filter, state.windows)
  }
  const { learning } = memory
  turn.afterwards(() => learning.readSome(turn))
}

/** What (by, op) was when it was asked for first. */
export async function findOperation(turn: ChatTurn, by: number, op: string): Promise<Found> {
  const { state } = turn
  let slot = 0
  for (; slot < SLOTS - 1; slot++) {
    const key = receiptKey(by, op, slot)
    const n = state.receipts.get(key) ?? (await storedReceipt(turn, key))
    if (n === undefined) break
    const entries = await entriesOf(turn, n, by, op)
    if (entries.length > 0) return { entries, slot }
  }
  const entries = state.hasFirstReceipts ? await findFirstFormat(turn, by, op) : undefined
  return entries ? { entries, slot } : { slot }
}

/** Looks into the windows from `first` on. */
function storedReceipt(turn: ChatTurn, key: number, first = 0): Soon<number | undefined> {
  const { windows } = turn.state
  if (first >= windows.length) return undefined
  const window = windows[first]!
  const row = window < windowAt(turn.nowMs) - 1 ? undefined : turn.own.row('receipt', String(window), key)
  return after(row as Soon<number | undefined>, (n) => n ?? storedReceipt(turn, key, first + 1))
}

/** As format 1 of the state had them: a group for each hash, in the order of entries. */
async function findFirstFormat(turn: ChatTurn, by: number, op: string): Promise<readonly ChatEntry[] | undefined> {
  const range = { from: 0, to: Number.MAX_SAFE_INTEGER, limit: 16 }
  for (const { order } of await turn.own.rows('receipt', operationHash(by, op).toString(16), range)) {
    const entries = await entriesOf(turn, order, by, op)
    if (entries.length > 0) return entries
  }
  return undefined
}

async function entriesOf(turn: ChatTurn, first: number, by: number, op: string): Promise<readonly ChatEntry[]> {
  const entries = await entriesAt(turn, [first, first + 1])
  return entries.filter((entry): entry is ChatEntry => entry?.fact.by === by && entry.fact.op === op)
}

/** Numbered entries; undefined where there is none. */
export async function entriesAt(
  { own }: Pick<ChatTurn, 'own'>,
  ns: readonly number[],
): Promise<readonly (ChatEntry | undefined)[]> {
  const read = await own.entriesAt(ns)
  return read.map(
    (entry) =>
      entry && { n: entry.pts, atMs: entry.atMs, fact: entry.fact, ...(entry.body ? { body: entry.body } : undefined) },
  )
}

/** Receipts of a window that nobody looks at any more, as they were read. */
export interface OldReceipts {
  readonly window: number
  readonly keys: readonly number[]
}

/** Whether receipts lie in windows that nobody looks at any more (R2). */
export function hasOldReceipts(turn: ChatTurn): boolean {
  const [window] = turn.state.windows
  return window !== undefined && window < windowAt(turn.nowMs) - 1
}

/** The next of them; may be read outside of turns, since nothing is added to such a window. */
export async function readOldReceipts({ state, own }: Pick<ChatTurn, 'state' | 'own'>): Promise<OldReceipts> {
  const { windows, forgotten } = state
  const window = windows[0]!
  const from = forgotten?.window === window ? forgotten.upTo + 1 : 0
  const range = { from, to: Number.MAX_SAFE_INTEGER, limit: FORGOTTEN_AN_ENTRY }
  const rows = await own.rows('receipt', String(window), range)
  return { window, keys: rows.map(({ order }) => order) }
}

/** Forgets what was read, unless it is forgotten already. */
export function forgetOldReceipts(turn: ChatTurn, { window, keys }: OldReceipts): void {
  const { windows, forgotten } = turn.state
  const isKnown = forgotten?.window === window && keys.length > 0 && keys[0]! <= forgotten.upTo
  if (windows[0] !== window || isKnown) return
  if (keys.length > 0) turn.append({ type: 'forgotten', by: 0, op: '', window, keys })
  if (keys.length < FORGOTTEN_AN_ENTRY) turn.append({ type: 'forgotten', by: 0, op: '', window, keys: [] })
}

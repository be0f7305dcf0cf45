/**
 * What accounts say of their presence, in a cache that all gateways share; their actors decide it.
 *
 * PB1. Writing waits for nobody and nobody waits for it: what was said is written in batches, one at a time, and again
 *      until the cache took it or something newer was said. What waits is bounded; the oldest goes first.
 * PB2. When the cache may have lost what it had, all that is still true is written again.
 * PB3. A look-up answers what the cache knows; of whom it knows nothing, the actor is to be asked.
 */
import type { Presence } from '../../actors/user/contract.js'
import type { Clock, Timer } from '../../runtime/index.js'

interface Seen {
  /** 0: not online. */
  readonly onlineUntilMs: number
  /** 0: never. */
  readonly seenAtMs: number
}

/** The cache, as storage has it. */
export interface PresenceStore {
  put(notes: readonly (Seen & { readonly user: number })[]): Promise<boolean>
  remove(users: readonly number[], atMs: number): Promise<boolean>
  of(users: readonly number[]): Promise<readonly (Seen | undefined)[]>
}

export interface PresenceLookUp {
  of(users: readonly number[]): Promise<readonly (Presence | undefined)[]>
  /** An actor was asked because the cache knew nothing. */
  learn(user: number, presence: Presence): void
}

interface BoardLimits {
  readonly batch: number
  readonly waiting: number
  /** Accounts online here whose word is kept, to write it again (PB2). */
  readonly kept: number
  readonly retryAfterMs: number
}

const defaultLimits: BoardLimits = { batch: 1_000, waiting: 100_000, kept: 200_000, retryAfterMs: 1_000 }

/** Of an account that is no more. */
interface Gone {
  readonly goneAtMs: number
}

export class PresenceBoard implements PresenceLookUp {
  readonly #clock: Clock
  readonly #store: PresenceStore | undefined
  readonly #limits: BoardLimits
  #waiting = new Map<number, Seen | Gone>()
  readonly #online = new Map<number, Seen>()
  readonly #keeps: boolean
  #isWriting = false
  #retry: Timer | undefined
  #isStopped = false

  /** `canLose`: the cache may come back empty, so that what is true has to be kept here. */
  constructor(clock: Clock, store: PresenceStore | undefined, canLose = false, limits: Partial<BoardLimits> = {}) {
    this.#clock = clock
    this.#store = store
    this.#keeps = canLose
    this.#limits = { ...defaultLimits, ...limits }
  }

  note(user: number, seen: Seen): void {
    if (this.#keeps) this.#keep(user, seen)
    this.#write(user, seen)
  }

  /** The account is no more. */
  forget(user: number): void {
    this.#online.delete(user)
    this.#write(user, { goneAtMs: this.#clock.now() })
  }

  learn(user: number, { kind, atMs }: Presence): void {
    // When somebody who is online said so is not told here; the gateway that heard it writes it.
    if (kind === 'offline') this.#write(user, { onlineUntilMs: 0, seenAtMs: atMs })
  }

  async of(users: readonly number[]): Promise<readonly (Presence | undefined)[]> {
    if (!this.#store || users.length === 0) return []
    const seen: (Seen | undefined)[] = []
    for (let from = 0; from < users.length; from += MAX_ASKED) {
      seen.push(...(await this.#store.of(users.slice(from, from + MAX_ASKED))))
    }
    const nowMs = this.#clock.now()
    return seen.map((each) => each && presenceOf(each, nowMs))
  }

  rewrite(): void {
    const nowMs = this.#clock.now()
    for (const [user, seen] of this.#online) {
      if (seen.onlineUntilMs <= nowMs) this.#online.delete(user)
      else if (!this.#waiting.has(user)) this.#wait(user, seen)
    }
    this.#writeAll()
  }

  stop(): void {
    this.#isStopped = true
    this.#retry?.cancel()
  }

  #keep(user: number, seen: Seen): void {
    this.#online.delete(user)
    if (seen.onlineUntilMs === 0) return
    this.#online.set(user, seen)
    if (this.#online.size > this.#limits.kept) dropOldest(this.#online)
  }

  #write(user: number, word: Seen | Gone): void {
    if (!this.#store || this.#isStopped) return
    this.#wait(user, word)
    this.#writeAll()
  }

  #wait(user: number, word: Seen | Gone): void {
    this.#waiting.delete(user)
    this.#waiting.set(user, word)
    if (this.#waiting.size > this.#limits.waiting) dropOldest(this.#waiting)
  }

  #writeAll(): void {
    if (this.#isWriting || this.#retry) return
    this.#isWriting = true
    void this.#writeBatches().then((isTaken) => {
      this.#isWriting = false
      if (!isTaken && !this.#isStopped) this.#writeLater()
    })
  }

  #writeLater(): void {
    this.#retry = this.#clock.setTimer(this.#limits.retryAfterMs, () => {
      this.#retry = undefined
      this.#writeAll()
    })
  }

  /** False when a batch was not taken: it waits again, but for what was said meanwhile. */
  async #writeBatches(): Promise<boolean> {
    while (this.#waiting.size > 0 && !this.#isStopped) {
      const batch = [...this.#waiting].slice(0, this.#limits.batch)
      for (const [user] of batch) this.#waiting.delete(user)
      if (await this.#writeBatch(batch)) continue
      this.#putBack(batch)
      return false
    }
    return true
  }

  /** As the oldest, since it is. */
  #putBack(batch: readonly (readonly [number, Seen | Gone])[]): void {
    const newer = this.#waiting
    this.#waiting = new Map(batch.filter(([user]) => !newer.has(user)))
    for (const [user, word] of newer) this.#wait(user, word)
    while (this.#waiting.size > this.#limits.waiting) dropOldest(this.#waiting)
  }

  async #writeBatch(batch: readonly (readonly [number, Seen | Gone])[]): Promise<boolean> {
    const notes = batch.flatMap(([user, word]) => ('goneAtMs' in word ? [] : [{ user, ...word }]))
    const gone = batch.flatMap(([user, word]) => ('goneAtMs' in word ? [{ user, atMs: word.goneAtMs }] : []))
    const taken = await Promise.all([
      notes.length === 0 || this.#store!.put(notes),
      ...gone.map(({ user, atMs }) => this.#store!.remove([user], atMs)),
    ])
    return taken.every((each) => each)
  }
}

/** Accounts in one question to the cache. */
const MAX_ASKED = 10_000

export function presenceOf({ onlineUntilMs, seenAtMs }: Seen, nowMs: number): Presence {
  return onlineUntilMs > nowMs ? { kind: 'online', atMs: onlineUntilMs } : { kind: 'offline', atMs: seenAtMs }
}

/** Of what an actor said a while ago and what the cache says: the cache is asked anew each time. */
export function newer(told: Presence, noted: Presence): Presence {
  const isOlder = noted.kind === 'offline' && told.kind === 'offline' && told.atMs > noted.atMs
  return isOlder ? told : noted
}

function dropOldest(map: Map<number, unknown>): void {
  for (const key of map.keys()) {
    map.delete(key)
    return
  }
}

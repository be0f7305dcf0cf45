/**
 * Profiles of people, from whoever knows them best without being woken.
 *
 * F1. The account's actor is asked if it is awake; then its row, in one request with the others that are looked for at that
 *     moment; then, and only where there is no row or none as new as this gateway was told of, the actor is woken.
 * F2. A store of rows that does not answer costs time, never an answer: the actors have it.
 */
import type { AccountRow, AccountRows } from '../../actors/user/contract.js'
import { User, type UserProfile } from '../../actors/user/contract.js'
import type { Position } from '../../runtime/index.js'
import type { Log } from '../mtproto/index.js'
import type { ActorCalls, CallScope } from './actor-calls.js'
import { Lru } from './lru.js'

interface Waiting {
  readonly id: number
  readonly resolve: (row: AccountRow | undefined) => void
}

export class Profiles {
  readonly #actors: ActorCalls
  readonly #rows: AccountRows
  readonly #log: Pick<Log, 'warn'>
  /** Changes that this gateway was told of: an older row does not show them. */
  readonly #changed: Lru<number, Position>
  #waiting: Waiting[] = []

  constructor(actors: ActorCalls, rows: AccountRows, log: Pick<Log, 'warn'>, limit: number) {
    this.#actors = actors
    this.#rows = rows
    this.#log = log
    this.#changed = new Lru(limit)
  }

  changed(id: number, version: Position): void {
    this.#changed.set(id, version)
  }

  /** Undefined for an account that was never registered. */
  async load(scope: CallScope, id: number): Promise<UserProfile | undefined> {
    const { deadlineMs, traceId } = scope
    let failure: unknown
    const awake = this.#actors.ref(User, id, { deadlineMs, traceId, ifActive: true }).profile()
    const known = await awake.catch((error: unknown) => {
      failure = error
      return undefined
    })
    if (known) return known
    const row = await this.#row(id)
    if (row) return profileOf(row)
    if (failure !== undefined) throw failure
    return this.#actors.ref(User, id, scope).profile()
  }

  #row(id: number): Promise<AccountRow | undefined> {
    return new Promise((resolve) => {
      this.#waiting.push({ id, resolve })
      // Those who were looked up together come here within a few microtasks of each other.
      if (this.#waiting.length === 1) void settledMicrotasks().then(() => this.#ask())
    })
  }

  async #ask(): Promise<void> {
    const waiting = this.#waiting
    this.#waiting = []
    const asked = waiting.map(({ id }) => {
      const atLeast = this.#changed.get(id)
      return atLeast ? { id, atLeast } : { id }
    })
    const rows = await this.#rows.get(asked).catch((err: unknown) => {
      this.#log.warn({ err, rows: asked.length }, 'account rows cannot be read; the actors are asked')
      return []
    })
    for (const [at, { resolve }] of waiting.entries()) resolve(rows[at])
  }
}

async function settledMicrotasks(): Promise<void> {
  for (let i = 0; i < 8; i++) await undefined
}

function profileOf(row: AccountRow): UserProfile {
  const { id, firstName, lastName, about, username, phone, deleted, seenAtMs } = row
  const presence = seenAtMs > 0 ? { kind: 'offline' as const, atMs: seenAtMs } : { kind: 'empty' as const, atMs: 0 }
  return { id, firstName, lastName, about, username, phone, closed: deleted, presence }
}

/**
 * Tells a cache that all processes share which sessions live here. A hint for whoever addresses many accounts at once: the
 * accounts' actors know which gateways are attached. Written when a session comes and goes and each time its account's
 * attachment is renewed, in batches, one at a time; what the cache does not take is written with the next renewal.
 */
import type { Session } from '../mtproto/index.js'
import { longToHex } from '../tl/index.js'

interface SessionName {
  readonly user: number
  readonly gateway: string
  readonly session: string
}

/** The cache, as storage has it. */
export interface SessionStore {
  put(sessions: readonly (SessionName & { readonly device: string })[]): Promise<boolean>
  remove(sessions: readonly SessionName[]): Promise<boolean>
}

interface DirectoryLimits {
  readonly batch: number
  readonly waiting: number
}

const defaultLimits: DirectoryLimits = { batch: 1_000, waiting: 50_000 }

type Word = SessionName & { readonly device: string; readonly isThere: boolean }

export class SessionDirectory {
  readonly #store: SessionStore
  readonly #gateway: string
  readonly #limits: DirectoryLimits
  readonly #waiting = new Map<string, Word>()
  #writing: Promise<void> | undefined

  constructor(store: SessionStore, gateway: string, limits: Partial<DirectoryLimits> = {}) {
    this.#store = store
    this.#gateway = gateway
    this.#limits = { ...defaultLimits, ...limits }
  }

  isHere(user: number, sessions: readonly Session[]): void {
    for (const session of sessions) this.#wait(user, session, true)
  }

  isGone(user: number, session: Session): void {
    this.#wait(user, session, false)
  }

  /** Resolves when all that was said is written, or was not taken. */
  async written(): Promise<void> {
    await this.#writing
  }

  #wait(user: number, { id, permanentAuthKeyId }: Session, isThere: boolean): void {
    const session = longToHex(id)
    const name = `${user} ${session}`
    if (this.#waiting.size >= this.#limits.waiting && !this.#waiting.has(name)) return
    this.#waiting.set(name, { user, gateway: this.#gateway, session, device: longToHex(permanentAuthKeyId), isThere })
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined
    })
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.size > 0) {
      const batch = [...this.#waiting].slice(0, this.#limits.batch)
      for (const [name] of batch) this.#waiting.delete(name)
      const words = batch.map(([, word]) => word)
      const there = words.filter(({ isThere }) => isThere)
      const gone = words.filter(({ isThere }) => !isThere)
      await Promise.all([
        there.length > 0 && this.#store.put(there.map(withoutWord)),
        gone.length > 0 && this.#store.remove(gone.map(withoutWord)),
      ])
    }
  }
}

function withoutWord({ isThere: _, ...session }: Word) {
  return session
}

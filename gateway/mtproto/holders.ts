import type { ByteBudget } from './byte-budget.js'

const KEPT_OF_BOUND = 7 / 8

/** A session whose unacknowledged messages are counted. */
export interface HoldingSession {
  readonly heldBytes: number
  /** Forgets the oldest messages beyond `maxBytes`. */
  relieve(maxBytes: number): void
}

/** Whose memory it is: an account, or before a login an address. */
export class Holder {
  readonly name: string
  readonly sessions = new Set<HoldingSession>()
  bytes = 0

  constructor(name: string) {
    this.name = name
  }
}

/**
 * What sessions hold for those who own them, as a part of the budget of all.
 *
 * 1. Nobody holds more than their share for longer than it takes to say so: their own sessions forget, the fullest most.
 * 2. A holder is kept as long as a session of its holds something, or did so since the last sweep.
 */
export class Holders {
  readonly #budget: ByteBudget
  readonly #share: number
  readonly #holders = new Map<string, Holder>()

  constructor(budget: ByteBudget, share: number) {
    this.#budget = budget
    this.#share = share
  }

  join(name: string, session: HoldingSession): Holder {
    let holder = this.#holders.get(name)
    if (!holder) {
      holder = new Holder(name)
      this.#holders.set(name, holder)
    }
    holder.sessions.add(session)
    return holder
  }

  /** The session holds nothing any more, or for somebody else. */
  leave(holder: Holder, session: HoldingSession): void {
    holder.sessions.delete(session)
    if (holder.sessions.size === 0) this.#holders.delete(holder.name)
  }

  add(holder: Holder, bytes: number): void {
    holder.bytes += bytes
    this.#budget.add(bytes)
  }

  /** Has the holder's sessions forget what is beyond its share. */
  bound(holder: Holder): void {
    if (holder.bytes <= this.#share) return
    const holding = [...holder.sessions].filter(({ heldBytes }) => heldBytes > 0)
    const kept = (this.#share * KEPT_OF_BOUND) / holding.length
    for (const session of holding) session.relieve(kept)
  }
}

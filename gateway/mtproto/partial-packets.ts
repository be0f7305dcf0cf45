import { ByteBudget } from './byte-budget.js'

const KEPT_OF_BOUND = 7 / 8

/** Somebody whose packet may have arrived in part. */
export interface PartialSender {
  readonly authenticatedYet: boolean
  /** Memory that the part holds. */
  readonly partialBytes: number
  close(reason: string): void
}

/**
 * Packets that have arrived in part, of all clients together.
 *
 * 1. They are bounded by themselves: strangers may send them, and must not use up what answers and pushes are held in.
 * 2. Over the bound those who hold most are closed, strangers before those who have shown that they have a key.
 */
export class PartialPackets extends ByteBudget {
  readonly #senders: Iterable<PartialSender>[] = []

  /** Has `senders` be among those who are looked at. */
  watch(senders: Iterable<PartialSender>): void {
    this.#senders.push(senders)
  }

  /** Closes as many as it takes, if it takes any; returns how many. */
  shed(): number {
    if (!this.exhausted) return 0
    const holding = this.#senders.flatMap((senders) => [...senders].filter(({ partialBytes }) => partialBytes > 0))
    holding.sort((a, b) => Number(a.authenticatedYet) - Number(b.authenticatedYet) || b.partialBytes - a.partialBytes)
    let closed = 0
    for (const sender of holding) {
      if (this.held <= this.limit * KEPT_OF_BOUND) break
      sender.close('too many packets arrive in part')
      closed++
    }
    return closed
  }
}

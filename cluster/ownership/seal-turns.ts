import type { NodeId } from '../../runtime/index.js'

/**
 * Whose turn it is to give shards away, of several owners that do: by name and round, each after the seal of the one
 * before it. All see the same seals, in the views of the register, and so mostly agree; where they do not, or where one
 * does not come to its seal, its turn is over `turnMs` after the last seal. Two at once are slow, and nothing else.
 */
export class SealTurns {
  readonly #self: NodeId
  readonly #turnMs: number
  /** There are several owners that give. */
  #isShared = false
  #last: NodeId | undefined
  #sinceMs = 0

  constructor(self: NodeId, turnMs: number) {
    this.#self = self
    this.#turnMs = turnMs
  }

  /** A seal of this owner has been seen. */
  sealed(by: NodeId, nowMs: number): void {
    this.#last = by
    this.#sinceMs = nowMs
  }

  /** Milliseconds until it is this node's turn; 0: now. `givers`: the owners that are to give shards away, in order. */
  waitMs(givers: readonly NodeId[], nowMs: number): number {
    const mine = givers.indexOf(this.#self)
    const isShared = givers.length > 1 && mine !== -1
    if (isShared && !this.#isShared) {
      this.#last = undefined
      this.#sinceMs = nowMs
    }
    this.#isShared = isShared
    if (!isShared) return 0
    const last = this.#last
    const after =
      last === undefined
        ? 0
        : Math.max(
            0,
            givers.findIndex((giver) => giver > last),
          )
    const before = (mine - after + givers.length) % givers.length
    return Math.max(0, this.#sinceMs + before * this.#turnMs - nowMs)
  }
}

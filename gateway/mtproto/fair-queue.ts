/**
 * Work that waits, of many groups, taken in turns.
 *
 * 1. Each `take` serves the next group in the round: a group's wait depends on how many others wait, not on how much
 *    each of them has.
 * 2. Bounded in all. When it is full, a group that has less than the fullest one displaces that one's newest.
 */
export class FairQueue<T> {
  readonly #limit: number
  /** In the order of the round; a group without work is not in it. */
  readonly #groups = new Map<string, T[]>()
  #size = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#size
  }

  /** Takes the work in. Returns what there is no room for: nothing, this very work, or work that it displaced. */
  add(group: string, work: T): T | undefined {
    const own = this.#groups.get(group)
    let displaced: T | undefined
    if (this.#size >= this.#limit) {
      const fullest = this.#fullest()
      if (!fullest || fullest.length <= (own?.length ?? 0) + 1) return work
      displaced = fullest.pop()
      this.#size--
    }
    if (own) own.push(work)
    else this.#groups.set(group, [work])
    this.#size++
    return displaced
  }

  take(): T | undefined {
    for (const [group, waiting] of this.#groups) {
      const work = waiting.shift()
      this.#groups.delete(group)
      // To the end of the round.
      if (waiting.length > 0) this.#groups.set(group, waiting)
      this.#size--
      return work
    }
    return undefined
  }

  #fullest(): T[] | undefined {
    let fullest: T[] | undefined
    for (const waiting of this.#groups.values()) if (waiting.length > (fullest?.length ?? 0)) fullest = waiting
    return fullest
  }
}

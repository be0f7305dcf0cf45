import type { Clock, Journal, JournalStore, OpenedJournal } from '../runtime/index.js'
import type { Dice } from './dice.js'

/**
 * A journal store as far away as a server is: each call takes time on its way there and back, on top of what the disk
 * takes. What is read is what the store had at some moment in between; what is written for one actor may overtake what
 * is written for another.
 */
export class SlowJournals implements JournalStore {
  readonly #inner: JournalStore
  readonly #clock: Clock
  readonly #dice: Dice
  readonly #slowestMs: number

  constructor(inner: JournalStore, clock: Clock, dice: Dice, slowestMs: number) {
    this.#inner = inner
    this.#clock = clock
    this.#dice = dice
    this.#slowestMs = slowestMs
  }

  async open(...request: Parameters<JournalStore['open']>): Promise<OpenedJournal> {
    const opened = await this.#slowly(() => this.#inner.open(...request))
    return { ...opened, journal: this.#slowed(opened.journal) }
  }

  #slowed(journal: Journal): Journal {
    return {
      commit: (commit) => this.#slowly(() => journal.commit(commit)),
      checkpoint: (checkpoint) => this.#slowly(() => journal.checkpoint(checkpoint)),
      erase: () => this.#slowly(() => journal.erase()),
      close: () => journal.close(),
      read: (...range) => this.#slowly(() => journal.read(...range)),
      readAt: (...pts) => this.#slowly(() => journal.readAt(...pts)),
      scan: (...scan) => this.#slowly(() => journal.scan(...scan)),
      get: (...row) => this.#slowly(async () => journal.get(...row)),
    }
  }

  async #slowly<T>(call: () => Promise<T>): Promise<T> {
    await this.#pause()
    const result = await call()
    await this.#pause()
    return result
  }

  async #pause(): Promise<void> {
    if (this.#slowestMs === 0 || this.#dice.chance(0.5)) return
    await new Promise<void>((resolve) => this.#clock.setTimer(this.#dice.within(0, this.#slowestMs), resolve))
  }
}

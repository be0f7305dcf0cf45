import type { Clock } from '../../runtime/index.js'

const sayEveryMs = 2_000

export interface Progress {
  readonly actors?: number
  readonly entries?: number
  readonly bytes?: number
}

/** Counts actors, entries and bytes, and says now and then how many there are and how fast they come. */
export class Pace {
  readonly #clock: Clock
  readonly #verb: string
  readonly #say: (line: string) => void
  readonly #sinceMs: number
  #saidMs: number
  #actors = 0
  #entries = 0
  #bytes = 0

  constructor(clock: Clock, verb: string, say: (line: string) => void) {
    this.#clock = clock
    this.#verb = verb
    this.#say = say
    this.#sinceMs = clock.monotonic()
    this.#saidMs = this.#sinceMs
  }

  add({ actors = 0, entries = 0, bytes = 0 }: Progress): void {
    this.#actors += actors
    this.#entries += entries
    this.#bytes += bytes
    if (this.#clock.monotonic() - this.#saidMs >= sayEveryMs) this.end()
  }

  end(): void {
    this.#saidMs = this.#clock.monotonic()
    const seconds = Math.max(0.001, (this.#saidMs - this.#sinceMs) / 1_000)
    const rate = (count: number) => Math.round(count / seconds)
    this.#say(
      `${this.#verb} ${this.#actors} actors, ${this.#entries} entries, ${(this.#bytes / 1e6).toFixed(1)} MB in ` +
        `${seconds.toFixed(1)} s: ${rate(this.#actors)} actors/s, ${rate(this.#entries)} entries/s`,
    )
  }
}

/** Counts what accounts were asked, and says it now and then: one account may have as many answers as pages of messages. */
export class AskedPace {
  readonly #clock: Clock
  readonly #say: (line: string) => void
  #saidMs: number
  accounts = 0
  answers = 0

  constructor(clock: Clock, say: (line: string) => void) {
    this.#clock = clock
    this.#say = say
    this.#saidMs = clock.monotonic()
  }

  answer(): void {
    this.answers++
    if (this.#clock.monotonic() - this.#saidMs >= sayEveryMs) this.say()
  }

  account(): void {
    this.accounts++
  }

  say(): void {
    this.#saidMs = this.#clock.monotonic()
    this.#say(`asked ${this.accounts} accounts on both sides for all that they show, ${this.answers} answers each side`)
  }
}

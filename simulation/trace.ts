/**
 * What happened in a run, in order. Every line goes into the hash, so two runs are the same exactly when their hashes
 * are; the lines themselves are kept only on demand.
 */
export class Trace {
  readonly #keep: boolean
  readonly #now: () => number
  #low = 0xdeadbeef
  #high = 0x41c6ce57
  readonly lines: string[] = []

  constructor(now: () => number, keep: boolean) {
    this.#now = now
    this.#keep = keep
  }

  /** `who` did or saw `what`. */
  note(who: string, what: string): void {
    const line = `${this.#now().toFixed(3).padStart(11)}  ${who.padEnd(9)} ${what}`
    for (let i = 0; i < line.length; i++) {
      const code = line.charCodeAt(i)
      this.#low = Math.imul(this.#low ^ code, 2_654_435_761)
      this.#high = Math.imul(this.#high ^ code, 1_597_334_677)
    }
    if (this.#keep) this.lines.push(line)
  }

  get hash(): string {
    return [this.#high, this.#low].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('')
  }
}

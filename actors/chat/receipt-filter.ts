import type { ChatTurn } from './shape.js'

const BITS_A_KEY = 16
const PROBES = 4
const SMALLEST = 2_048
/** 32 KiB. A chat with more receipts than this in rows looks each new one up. */
const LARGEST = 16_384
const READ_AT_ONCE = 500

/**
 * Keys of the receipts that lie in rows, as a Bloom filter: a key that it has not is in no row, so a new operation of a busy
 * chat is known as new without a look into the store. One key in some hundred that are not there seems to be.
 */
export class ReceiptFilter {
  readonly #bits: Int32Array
  readonly #capacity: number
  #count = 0
  /** All rows that there were when it was made are in it. Until then it says nothing. */
  isWhole = false

  private constructor(capacity: number) {
    this.#capacity = capacity
    this.#bits = new Int32Array((capacity * BITS_A_KEY) / 32)
  }

  /** One with more room than `before`, which is full; undefined when that would be too much. */
  static larger(before: ReceiptFilter | undefined): ReceiptFilter | undefined {
    const capacity = before === undefined ? SMALLEST : before.#capacity * 2
    return capacity > LARGEST ? undefined : new ReceiptFilter(capacity)
  }

  /** It holds as many keys as it is made for: it still says the truth of those, but knows no more. */
  get isFull(): boolean {
    return this.#count >= this.#capacity
  }

  add(key: number): void {
    if (this.isFull) {
      this.isWhole = false
      return
    }
    this.#count++
    const step = stepOf(key)
    for (let i = 0, at = startOf(key); i < PROBES; i++, at += step) {
      const bit = this.#bitAt(at)
      this.#bits[bit >>> 5]! |= 1 << bit
    }
  }

  /** False: the key is in no row. */
  mayHave(key: number): boolean {
    if (!this.isWhole) return true
    const step = stepOf(key)
    for (let i = 0, at = startOf(key); i < PROBES; i++, at += step) {
      const bit = this.#bitAt(at)
      if ((this.#bits[bit >>> 5]! & (1 << bit)) === 0) return false
    }
    return true
  }

  #bitAt(at: number): number {
    return at & (this.#bits.length * 32 - 1)
  }
}

/** A key is 48 bits of a hash and a slot. */
function startOf(key: number): number {
  return Math.imul((key % 0x1_0000_0000) ^ Math.floor(key / 0x1_0000_0000), 0x9e3779b1) >>> 4
}

function stepOf(key: number): number {
  return (Math.imul(Math.floor(key / 0x1_0000), 0x85ebca6b) >>> 8) | 1
}

/** Puts the keys of the rows that there are into a filter, so many a time: nobody waits for all of a large chat's. */
export class Learning {
  readonly filter: ReceiptFilter
  readonly #windows: readonly number[]
  #window = 0
  #from = 0
  #isReading = false

  constructor(filter: ReceiptFilter, windows: readonly number[]) {
    this.filter = filter
    this.#windows = windows
  }

  get isOver(): boolean {
    return this.filter.isWhole || this.filter.isFull
  }

  /** From an effect. Does nothing while an earlier part is being read. */
  async readSome({ own }: Pick<ChatTurn, 'own'>): Promise<void> {
    const window = this.#windows[this.#window]
    if (this.#isReading || this.isOver || window === undefined) return
    this.#isReading = true
    try {
      const range = { from: this.#from, to: Number.MAX_SAFE_INTEGER, limit: READ_AT_ONCE }
      const rows = await own.rows('receipt', String(window), range)
      for (const { order } of rows) this.filter.add(order)
      this.#from = (rows.at(-1)?.order ?? 0) + 1
      if (rows.length < READ_AT_ONCE) this.#endWindow()
    } finally {
      this.#isReading = false
    }
  }

  #endWindow(): void {
    this.#from = 0
    this.#window++
    this.filter.isWhole = this.#window === this.#windows.length && !this.filter.isFull
  }
}

import type { FlushTarget } from '../embedded/flush-queue.js'
import type { KvOperation } from '../ports/ordered-kv.js'

/** Stops a process between any two batches: what comes after is neither written nor answered. */
export class CrashingTarget implements FlushTarget {
  readonly #target: FlushTarget
  readonly #onCrash: () => void
  #batchesLeft = Number.POSITIVE_INFINITY
  #isDead = false
  #running: Promise<void> = Promise.resolve()

  constructor(target: FlushTarget, onCrash: () => void) {
    this.#target = target
    this.#onCrash = onCrash
  }

  /** Lets this many more batches through, then crashes. */
  crashAfter(batches: number): void {
    this.#batchesLeft = batches
  }

  /** Resolves when nothing is being written any more. */
  async crash(): Promise<void> {
    this.#isDead = true
    await this.#running.catch(() => undefined)
  }

  soon(start: () => void): void {
    this.#target.soon(start)
  }

  async flush(batches: readonly (readonly KvOperation[])[]): Promise<void> {
    if (Number.isFinite(this.#batchesLeft)) {
      await this.#flushOneByOne(batches)
    } else {
      await this.#flush(batches)
    }
    if (this.#isDead) await never
  }

  async #flushOneByOne(batches: readonly (readonly KvOperation[])[]): Promise<void> {
    for (const batch of batches) {
      if (this.#batchesLeft === 0 && !this.#isDead) {
        this.#isDead = true
        this.#onCrash()
      }
      await this.#flush([batch])
      this.#batchesLeft--
    }
  }

  #flush(batches: readonly (readonly KvOperation[])[]): Promise<void> {
    if (this.#isDead) return never
    this.#running = this.#target.flush(batches)
    return this.#running
  }
}

const never = new Promise<never>(() => undefined)

import { type Cipher, createCipheriv } from 'node:crypto'
import type { Random } from '../../../runtime/index.js'

const CHUNK_BYTES = 16 * 1024
const RESEED_AFTER_CHUNKS = 64
const SEED_BYTES = 48

const zeros = Buffer.alloc(CHUNK_BYTES)

/**
 * Unpredictable bytes by the handful, for padding: an AES-256-CTR key stream under a key from `Random`, renewed every
 * mebibyte. Asking the system for each packet's padding would cost as much as encrypting the packet.
 */
export class Noise {
  readonly #random: Random
  #cipher: Cipher | undefined
  #chunk: Buffer = Buffer.alloc(0)
  #at = 0
  #chunks = 0

  constructor(random: Random) {
    this.#random = random
  }

  /** Writes noise to `target` from `from` to `to`, at most 1024 bytes. */
  fill(target: Buffer, from: number, to: number): void {
    if (this.#at + to - from > this.#chunk.length) this.#refill()
    const end = this.#at + to - from
    for (let i = this.#at, j = from; i < end; i++, j++) target[j] = this.#chunk[i]!
    this.#at = end
  }

  #refill() {
    if (!this.#cipher || ++this.#chunks > RESEED_AFTER_CHUNKS) {
      const seed = this.#random.bytes(SEED_BYTES)
      this.#cipher = createCipheriv('aes-256-ctr', seed.subarray(0, 32), seed.subarray(32, 48))
      this.#chunks = 1
    }
    this.#chunk = this.#cipher.update(zeros)
    this.#at = 0
  }
}

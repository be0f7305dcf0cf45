import { Worker } from 'node:worker_threads'
import type { ServerKey } from '../server-key.js'
import { dhWorkerSource } from './dh-worker.js'
import { DH_GENERATOR, DH_PRIME } from './diffie-hellman.js'

/** The pool takes no more work just now. */
export class DhOverloaded extends Error {
  constructor() {
    super('too many handshakes at once')
    this.name = 'DhOverloaded'
  }
}

interface Answer {
  readonly id: number
  readonly raw?: Uint8Array
  readonly value?: Uint8Array
}

interface Slot {
  worker: Worker
  readonly jobs: Map<number, (answer: Answer) => void>
}

/** A copy without the rest of the memory that `bytes` is a view of: all of that would be copied to the worker. */
function exact(bytes: Buffer): Uint8Array {
  return new Uint8Array(bytes)
}

export interface OpenedHandshake {
  /** 256 bytes: the RSA block, decrypted, its padding not yet checked. */
  readonly raw: Buffer
  /** 256 bytes: g^exponent. */
  readonly value: Buffer
}

/**
 * RSA and Diffie-Hellman on worker threads: together they cost milliseconds, which the event loop must not stand still
 * for. At most `maxQueued` jobs wait; one that a dying worker held answers undefined.
 */
export class DhPool {
  readonly #workerData: { privatePem: string; prime: Uint8Array; generator: number }
  readonly #maxQueued: number
  readonly #slots: Slot[]
  #nextId = 1
  #queued = 0
  #closed = false

  constructor(serverKey: ServerKey, workers: number, maxQueued: number) {
    const privatePem = serverKey.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString()
    this.#workerData = { privatePem, prime: DH_PRIME, generator: DH_GENERATOR }
    this.#maxQueued = maxQueued
    this.#slots = Array.from({ length: workers }, () => this.#start())
  }

  get queued(): number {
    return this.#queued
  }

  /** Decrypts a client's RSA block and raises the generator to `exponent`. Undefined if the block is out of range. */
  async open(encrypted: Buffer, exponent: Buffer): Promise<OpenedHandshake | undefined> {
    const { raw, value } = await this.#run({ kind: 'open', encrypted: exact(encrypted), exponent: exact(exponent) })
    return raw && value ? { raw: Buffer.from(raw), value: Buffer.from(value) } : undefined
  }

  /** `value` raised to `exponent`, 256 bytes. */
  async agree(value: Buffer, exponent: Buffer): Promise<Buffer | undefined> {
    const answer = await this.#run({ kind: 'agree', value: exact(value), exponent: exact(exponent) })
    return answer.value && Buffer.from(answer.value)
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.all(this.#slots.map((slot) => slot.worker.terminate()))
  }

  #run(job: object): Promise<Answer> {
    if (this.#closed || this.#queued >= this.#maxQueued) return Promise.reject(new DhOverloaded())
    const slot = this.#slots.reduce((least, each) => (each.jobs.size < least.jobs.size ? each : least))
    const id = this.#nextId++
    this.#queued++
    return new Promise((resolve) => {
      slot.jobs.set(id, resolve)
      slot.worker.postMessage({ id, ...job })
    })
  }

  #start(): Slot {
    const slot: Slot = {
      worker: new Worker(dhWorkerSource, { eval: true, workerData: this.#workerData }),
      jobs: new Map(),
    }
    this.#watch(slot)
    return slot
  }

  #watch(slot: Slot) {
    const { worker } = slot
    worker.unref()
    worker.on('message', (answer: Answer) => this.#finish(slot, answer))
    // 'exit' follows, and does what there is to do.
    worker.on('error', () => {})
    worker.on('exit', () => {
      for (const id of [...slot.jobs.keys()]) this.#finish(slot, { id })
      if (this.#closed) return
      slot.worker = new Worker(dhWorkerSource, { eval: true, workerData: this.#workerData })
      this.#watch(slot)
    })
  }

  #finish(slot: Slot, answer: Answer) {
    const resolve = slot.jobs.get(answer.id)
    if (!resolve) return
    slot.jobs.delete(answer.id)
    this.#queued--
    resolve(answer)
  }
}

import { Worker } from 'node:worker_threads'
import { addressGroup } from '../client-address.js'
import { FairQueue } from '../fair-queue.js'
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

interface Job {
  readonly task: object
  resolve(answer: Answer): void
  reject(error: DhOverloaded): void
}

/** Enough that a worker does not wait for the event loop; the rest waits here, where its order can be chosen. */
const JOBS_AT_WORKER = 2

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
 * for. At most `maxQueued` jobs wait, and addresses take turns; one that a dying worker held answers undefined.
 */
export class DhPool {
  readonly #workerData: { privatePem: string; prime: Uint8Array; generator: number }
  readonly #waiting: FairQueue<Job>
  readonly #slots: Slot[]
  #nextId = 1
  #closed = false

  constructor(serverKey: ServerKey, workers: number, maxQueued: number) {
    const privatePem = serverKey.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString()
    this.#workerData = { privatePem, prime: DH_PRIME, generator: DH_GENERATOR }
    this.#waiting = new FairQueue(maxQueued)
    this.#slots = Array.from({ length: workers }, () => this.#start())
  }

  get queued(): number {
    return this.#slots.reduce((jobs, slot) => jobs + slot.jobs.size, this.#waiting.size)
  }

  /** Decrypts a client's RSA block and raises the generator to `exponent`. Undefined if the block is out of range. */
  async open(address: string, encrypted: Buffer, exponent: Buffer): Promise<OpenedHandshake | undefined> {
    const task = { kind: 'open', encrypted: exact(encrypted), exponent: exact(exponent) }
    const { raw, value } = await this.#run(address, task)
    return raw && value ? { raw: Buffer.from(raw), value: Buffer.from(value) } : undefined
  }

  /** `value` raised to `exponent`, 256 bytes. */
  async agree(address: string, value: Buffer, exponent: Buffer): Promise<Buffer | undefined> {
    const answer = await this.#run(address, { kind: 'agree', value: exact(value), exponent: exact(exponent) })
    return answer.value && Buffer.from(answer.value)
  }

  async close(): Promise<void> {
    this.#closed = true
    for (let job = this.#waiting.take(); job; job = this.#waiting.take()) job.reject(new DhOverloaded())
    await Promise.all(this.#slots.map((slot) => slot.worker.terminate()))
  }

  #run(address: string, task: object): Promise<Answer> {
    if (this.#closed) return Promise.reject(new DhOverloaded())
    return new Promise((resolve, reject) => {
      this.#waiting.add(addressGroup(address), { task, resolve, reject })?.reject(new DhOverloaded())
      this.#feed()
    })
  }

  /** Gives workers what they can take. */
  #feed() {
    for (;;) {
      const slot = this.#slots.reduce((least, each) => (each.jobs.size < least.jobs.size ? each : least))
      const job = slot.jobs.size < JOBS_AT_WORKER ? this.#waiting.take() : undefined
      if (!job) return
      const id = this.#nextId++
      slot.jobs.set(id, job.resolve)
      slot.worker.postMessage({ id, ...job.task })
    }
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
      const held = [...slot.jobs.keys()]
      if (!this.#closed) {
        slot.worker = new Worker(dhWorkerSource, { eval: true, workerData: this.#workerData })
        this.#watch(slot)
      }
      for (const id of held) this.#finish(slot, { id })
    })
  }

  #finish(slot: Slot, answer: Answer) {
    const resolve = slot.jobs.get(answer.id)
    if (!resolve) return
    slot.jobs.delete(answer.id)
    resolve(answer)
    if (!this.#closed) this.#feed()
  }
}

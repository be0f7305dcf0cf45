import type { Clock } from '../../../runtime/index.js'
import type { Bus, BusReply } from '../bus.js'

interface Listening {
  readonly connection: MemoryBus
  readonly subject: string
  readonly hear: (payload: Uint8Array, subject: string) => Uint8Array | undefined
}

/** The servers of a bus, in memory and on a given clock: every connection can be cut, all at once too. */
export class MemoryBroker {
  readonly listening = new Set<Listening>()
  readonly clock: Clock
  readonly latencyMs: number
  isUp = true

  constructor(clock: Clock, latencyMs = 1) {
    this.clock = clock
    this.latencyMs = latencyMs
  }

  connect(): MemoryBus {
    return new MemoryBus(this)
  }
}

export class MemoryBus implements Bus {
  readonly #broker: MemoryBroker
  readonly #listeners: ((isConnected: boolean) => void)[] = []
  #isCut = false
  /** Takes what arrives; for a paused process it holds that until it goes on. */
  take: (hear: () => void) => void = (hear) => hear()

  constructor(broker: MemoryBroker) {
    this.#broker = broker
  }

  get isConnected(): boolean {
    return this.#broker.isUp && !this.#isCut
  }

  /** Cuts this connection, or mends it. The servers know at once, as after a killed process. */
  cut(isCut: boolean): void {
    this.#isCut = isCut
    for (const listener of this.#listeners) listener(!isCut)
  }

  publish(subject: string, payload: Uint8Array): boolean {
    if (!this.isConnected) return false
    this.#later(() => {
      if (!this.#broker.isUp) return
      for (const each of this.#heardBy(subject)) each.connection.take(() => each.hear(payload, subject))
    })
    return true
  }

  subscribe(subject: string, hear: (payload: Uint8Array, subject: string) => void) {
    return this.#listen({
      connection: this,
      subject,
      hear: (...message) => {
        hear(...message)
        return undefined
      },
    })
  }

  answer(subject: string, answer: (payload: Uint8Array) => Uint8Array | undefined) {
    return this.#listen({ connection: this, subject, hear: answer })
  }

  request(subject: string, payload: Uint8Array, withinMs: number): Promise<BusReply> {
    return new Promise((resolve) => {
      this.#broker.clock.setTimer(withinMs, () => resolve({ kind: 'silence' }))
      if (!this.isConnected) return resolve({ kind: 'silence' })
      this.#later(() => {
        if (!this.isConnected) return
        const [first] = this.#heardBy(subject)
        if (first === undefined) return resolve({ kind: 'nobody' })
        first.connection.take(() => {
          const answer = first.hear(payload, subject)
          if (answer) this.#later(() => resolve({ kind: 'answer', payload: answer }))
        })
      })
    })
  }

  onChange(listener: (isConnected: boolean) => void): void {
    this.#listeners.push(listener)
  }

  #listen(each: Listening) {
    this.#broker.listening.add(each)
    return { end: () => void this.#broker.listening.delete(each) }
  }

  #heardBy(subject: string): Listening[] {
    const parent = `${subject.slice(0, subject.lastIndexOf('.'))}.*`
    return [...this.#broker.listening].filter(
      (each) => each.connection.isConnected && (each.subject === subject || each.subject === parent),
    )
  }

  #later(run: () => void): void {
    this.#broker.clock.setTimer(this.#broker.latencyMs, run)
  }
}

import type { Bus, BusReply } from '../../cluster/index.js'
import type { VirtualTime } from '../virtual-time.js'
import type { Machine } from './machine.js'

const LATENCY_MS = 1

interface Listening {
  readonly bus: VirtualBus
  readonly subject: string
  readonly hear: (payload: Uint8Array, subject: string) => Uint8Array | undefined
}

/** NATS as a service: always there, forgets everything. */
export class VirtualBroker {
  readonly time: VirtualTime
  readonly #listening = new Set<Listening>()

  constructor(time: VirtualTime) {
    this.time = time
  }

  connect(machine: Machine): VirtualBus {
    return new VirtualBus(this, machine)
  }

  listen(each: Listening): { end(): void } {
    this.#listening.add(each)
    return { end: () => void this.#listening.delete(each) }
  }

  heardBy(subject: string): Listening[] {
    const parent = `${subject.slice(0, subject.lastIndexOf('.'))}.*`
    return [...this.#listening].filter(
      (each) => each.bus.isConnected && (each.subject === subject || each.subject === parent),
    )
  }

  later(run: () => void): void {
    this.time.setTimer(LATENCY_MS, run)
  }
}

/** One process's connection. The servers notice its death at once; what comes for a machine that is halted waits. */
export class VirtualBus implements Bus {
  readonly #broker: VirtualBroker
  readonly #machine: Machine
  #isDead = false

  constructor(broker: VirtualBroker, machine: Machine) {
    this.#broker = broker
    this.#machine = machine
  }

  get isConnected(): boolean {
    return !this.#isDead && !this.#machine.isOffBus
  }

  /** The process is gone. */
  die(): void {
    this.#isDead = true
  }

  publish(subject: string, payload: Uint8Array): boolean {
    if (!this.isConnected) return false
    this.#broker.later(() => {
      for (const each of this.#broker.heardBy(subject)) each.bus.#enter(() => each.hear(payload, subject))
    })
    return true
  }

  subscribe(subject: string, hear: (payload: Uint8Array, subject: string) => void) {
    const heard: Listening['hear'] = (...message) => {
      hear(...message)
      return undefined
    }
    return this.#broker.listen({ bus: this, subject, hear: heard })
  }

  answer(subject: string, answer: (payload: Uint8Array) => Uint8Array | undefined) {
    return this.#broker.listen({ bus: this, subject, hear: answer })
  }

  request(subject: string, payload: Uint8Array, withinMs: number): Promise<BusReply> {
    return new Promise((resolve) => {
      const reply = (said: BusReply) => this.#enter(() => resolve(said))
      this.#broker.time.setTimer(withinMs, () => reply({ kind: 'silence' }))
      this.#broker.later(() => {
        if (!this.isConnected) return
        const [first] = this.#broker.heardBy(subject)
        if (first === undefined) return reply({ kind: 'nobody' })
        first.bus.#enter(() => {
          const said = first.hear(payload, subject)
          if (said) this.#broker.later(() => reply({ kind: 'answer', payload: said }))
        })
      })
    })
  }

  onChange(): void {}

  #enter(run: () => void): void {
    this.#machine.enter(() => {
      if (!this.#isDead) run()
    })
  }
}

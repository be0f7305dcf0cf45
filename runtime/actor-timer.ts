import type { Activation } from './activation.js'
import type { Host } from './host.js'
import type { Method } from './kind.js'
import { Alarm } from './timer-wheel.js'

/** A timer of one activation; it dies with it. */
export class ActorTimer extends Alarm {
  readonly #host: Host
  readonly #activation: Activation
  readonly #name: string
  readonly #method: Method

  constructor(host: Host, activation: Activation, name: string, method: Method) {
    super()
    this.#host = host
    this.#activation = activation
    this.#name = name
    this.#method = method
  }

  override ring(): void {
    const { kind, key, phase, timers } = this.#activation
    timers?.delete(this.#name)
    if (timers?.size === 0) this.#activation.timers = undefined
    if (phase === 'active') void this.#host.dispatcher.runOwn(kind, key, this.#method)
  }
}

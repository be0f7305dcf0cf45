/**
 * Stopping in order: new calls are refused, turns and effects that somebody waits for end, commits become known, checkpoints
 * are written where that is worthwhile, journals are closed. What runs longer than a call may take is given up.
 */
import type { Activation } from './activation.js'
import { Failure } from './call.js'
import type { Host } from './host.js'
import { CallbackAlarm } from './timer-wheel.js'

const CHECKPOINTS_AT_ONCE = 64

export class Shutdown {
  readonly #host: Host
  #running: Promise<void> | undefined

  constructor(host: Host) {
    this.#host = host
  }

  /** The same promise for every call. */
  run(): Promise<void> {
    this.#running ??= this.#stop()
    return this.#running
  }

  async #stop(): Promise<void> {
    const host = this.#host
    host.stopping = true
    await this.#quiet()
    const worth = this.#residents().filter((activation) => host.checkpoints.isWorthwhile(activation))
    for (let i = 0; i < worth.length; i += CHECKPOINTS_AT_ONCE) {
      for (const activation of worth.slice(i, i + CHECKPOINTS_AT_ONCE)) host.checkpoints.take(activation)
      await this.#quiet()
    }
    const failure = new Failure('STOPPED', 'this node has stopped; call again elsewhere')
    host.stopped = true
    for (const activation of this.#residents()) {
      if (activation.phase !== 'dead') host.turns.discard(activation, failure, true)
    }
    host.wheel.stop()
  }

  #residents(): Activation[] {
    return [...this.#host.kinds.values()].flatMap((kind) => [...kind.residents.values()])
  }

  /** Resolves when nothing is under way that anybody waits for, or when it has been for too long. */
  #quiet(): Promise<void> {
    const host = this.#host
    if (this.#isQuiet()) return Promise.resolve()
    return new Promise((resolve) => {
      const done = () => {
        host.onRest = undefined
        host.wheel.cancel(alarm)
        resolve()
      }
      const alarm = new CallbackAlarm(done)
      host.wheel.set(alarm, host.limits.callTimeoutMs)
      host.onRest = () => {
        if (this.#isQuiet()) done()
      }
    })
  }

  #isQuiet(): boolean {
    for (const { running, work } of this.#host.busy) if (running !== undefined || work?.isQuiet === false) return false
    return true
  }
}

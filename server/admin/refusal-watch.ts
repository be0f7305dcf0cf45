import type { ClusterSource } from '../../cluster/index.js'
import type { Clock, Timer } from '../../runtime/index.js'

const lookEveryMs = 5_000
/** What callers are refused because somebody cannot keep up. What moves and deaths cause (NOT_OWNER) is told by those. */
const told = ['gateway', 'OVERLOADED', 'DEADLINE_EXCEEDED', 'STORE_UNAVAILABLE']

/** Tells the cluster that this node refuses calls: one event for all of five seconds. */
export class RefusalWatch {
  readonly #cluster: Pick<ClusterSource, 'self' | 'events'>
  readonly #clock: Clock
  readonly #refused: () => ReadonlyMap<string, number>
  #before: ReadonlyMap<string, number>
  #timer: Timer | undefined

  constructor(
    cluster: Pick<ClusterSource, 'self' | 'events'>,
    clock: Clock,
    refused: () => ReadonlyMap<string, number>,
  ) {
    this.#cluster = cluster
    this.#clock = clock
    this.#refused = refused
    this.#before = refused()
  }

  start(): void {
    this.#timer = this.#clock.setTimer(lookEveryMs, () => {
      this.#look()
      this.start()
    })
  }

  stop(): void {
    this.#timer?.cancel()
  }

  #look(): void {
    const now = this.#refused()
    const grown = told.flatMap((why) => {
      const more = (now.get(why) ?? 0) - (this.#before.get(why) ?? 0)
      return more > 0 ? [why === 'gateway' ? `${more} at the gateway` : `${more} ${why}`] : []
    })
    this.#before = now
    if (grown.length === 0) return
    const { self, events } = this.#cluster
    events.say('refusal', `${self} refused calls within ${lookEveryMs / 1_000} s: ${grown.join(', ')}`, { node: self })
  }
}

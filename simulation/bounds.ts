import type { ActorSystem, RuntimeMetrics } from '../runtime/index.js'
import type { Settings } from './settings.js'

/** Activations that may be over the cap at once because they are busy: those of a world all at once. */
const BUSY_ACTIVATIONS = 40

/** Watches the node's queues and caches against their limits (invariant 7). */
export class Bounds implements RuntimeMetrics {
  readonly #settings: Settings
  readonly broken: string[] = []
  readonly refusals = new Map<string, number>()
  #depth = 0
  #residents = 0
  #system: ActorSystem | undefined
  commits = 0
  turns = 0
  activations = 0

  constructor(settings: Settings) {
    this.#settings = settings
  }

  startsAnew(system: ActorSystem): void {
    this.#system = system
    this.#depth = 0
    this.#residents = 0
  }

  call(): void {}

  turn(): void {
    this.turns++
  }

  queueDepth(_kind: string, change: 1 | -1): void {
    this.#depth += change
    const most = this.#settings.inFlightCalls + BUSY_ACTIVATIONS
    if (this.#depth > most) this.broken.push(`${this.#depth} calls wait on the node, ${most} may`)
    if (this.#depth < 0) this.broken.push(`${this.#depth} calls wait on the node`)
  }

  activation(_kind: string, change: 1 | -1): void {
    this.#residents += change
    if (change === 1) this.activations++
    const most = this.#settings.residentActors + BUSY_ACTIVATIONS
    if (this.#residents > most) this.broken.push(`${this.#residents} actors are in memory, ${most} may be`)
  }

  refusal(kind: string, code: string): void {
    const key = `${kind} ${code}`
    this.refusals.set(key, (this.refusals.get(key) ?? 0) + 1)
  }

  commit(): void {
    this.commits++
  }

  /** To be asked when nothing goes on any more. */
  checkQuiet(): void {
    if (this.#depth !== 0) this.broken.push(`${this.#depth} calls wait though nothing goes on`)
    const waitMs = this.#system?.health.oldestWaitMs() ?? 0
    if (waitMs > 0) this.broken.push(`something has waited for ${waitMs} ms though nothing goes on`)
    const residents = this.#system?.health.residents() ?? 0
    const most = this.#settings.residentActors
    if (residents > most) this.broken.push(`${residents} actors stay in memory, ${most} may`)
  }
}

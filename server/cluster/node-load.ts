import { availableParallelism } from 'node:os'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { NodeLoad } from '../../cluster/index.js'
import type { Clock } from '../../runtime/index.js'

/** What the process counts by itself. */
export interface LoadSums {
  /** API calls and turns so far. */
  calls(): number
  residents(): number
  connections(): number
}

/** The monitor says how long after one look the next one came, which is this much on an idle loop. */
const resolutionMs = 20

/** Figures of this process for its heartbeats, each since the time before. */
export class LoadFigures {
  readonly #clock: Clock
  readonly #weight: number
  readonly #delays = monitorEventLoopDelay({ resolution: resolutionMs })
  #sums: LoadSums = { calls: () => 0, residents: () => 0, connections: () => 0 }
  #atMs: number
  #cpuUs = 0
  #calls = 0
  #last: NodeLoad | undefined

  constructor(clock: Clock, weight: number) {
    this.#clock = clock
    this.#weight = weight
    this.#atMs = clock.monotonic()
    this.#delays.enable()
  }

  /** Where the counts come from, once that is there. */
  from(sums: LoadSums): void {
    this.#sums = sums
  }

  now(): NodeLoad {
    const nowMs = this.#clock.monotonic()
    const tookMs = nowMs - this.#atMs
    // Several ask: figures of a moment would say nothing.
    if (this.#last && tookMs < 100) return this.#last
    const { user, system } = process.cpuUsage()
    const calls = this.#sums.calls()
    const load: NodeLoad = {
      cores: availableParallelism(),
      weight: this.#weight,
      cpu: tookMs > 0 ? Math.max(0, (user + system - this.#cpuUs) / 1_000 / tookMs) : 0,
      loopLagMs: Math.max(0, this.#delays.max / 1e6 - resolutionMs),
      callsPerSecond: tookMs > 0 ? Math.max(0, ((calls - this.#calls) * 1_000) / tookMs) : 0,
      residents: this.#sums.residents(),
      connections: this.#sums.connections(),
    }
    this.#delays.reset()
    this.#atMs = nowMs
    this.#cpuUs = user + system
    this.#calls = calls
    this.#last = load
    return load
  }

  close(): void {
    this.#delays.disable()
  }
}

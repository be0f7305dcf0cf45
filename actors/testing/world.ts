import { inspect } from 'node:util'
import {
  type ActorDefinition,
  type ActorSystem,
  type Clock,
  createActorSystem,
  type Random,
} from '../../runtime/index.js'
import { KeptLog, noMetrics, SeededRandom, VirtualClock } from '../../runtime/testing/index.js'
import { type EmbeddedStorage, openSimulatedStorage, SimulatedDisk } from '../../storage/index.js'
import { ProcessClock } from './process-clock.js'

export interface WorldPorts {
  readonly clock: Clock
  readonly random: Random
  readonly storage: EmbeddedStorage
}

// biome-ignore lint/suspicious/noExplicitAny: definitions of different shapes stand in one list
export type Definitions = (ports: WorldPorts) => readonly ActorDefinition<any>[]

const STEP_MS = 2
const SWEEP_MS = 1_000

/**
 * One node on virtual time and a simulated disk: `crash` ends it as kill -9 does, `start` starts it again on what the disk
 * has. Time passes while something is awaited through `until`.
 */
export class World {
  readonly clock = new VirtualClock()
  readonly random: Random
  readonly disk: SimulatedDisk
  readonly log = new KeptLog()
  readonly #definitions: Definitions
  #process: ProcessClock | undefined
  #system: ActorSystem | undefined
  #storage: EmbeddedStorage | undefined
  crashes = 0

  /** What the node warned of, for the message of a test that fails. */
  get warnings(): string {
    return this.log.lines.map(({ level, message, fields }) => `${level}: ${message} ${inspect(fields)}`).join('\n')
  }

  constructor(definitions: Definitions, seed = 1) {
    this.#definitions = definitions
    this.random = new SeededRandom(seed)
    this.disk = new SimulatedDisk({ clock: this.clock, random: this.random, onCrash: () => this.#end() })
  }

  get isUp(): boolean {
    return this.#system !== undefined
  }

  /** The node that is up. */
  get node(): ActorSystem {
    if (!this.#system) throw new Error('the node is down')
    return this.#system
  }

  /** The node's wall clock. */
  get nowMs(): number {
    return Math.floor(this.clock.now())
  }

  /** Its storage. */
  get storage(): EmbeddedStorage {
    if (!this.#storage) throw new Error('the node is down')
    return this.#storage
  }

  async start(): Promise<ActorSystem> {
    const clock = new ProcessClock(this.clock)
    this.#process = clock
    const storage = await this.until(openSimulatedStorage(this.disk))
    const system = createActorSystem({
      actors: this.#definitions({ clock, random: this.random, storage }),
      clock,
      random: this.random,
      journals: storage.journals,
      agenda: storage.agenda,
      ownership: storage.ownership,
      metrics: noMetrics,
      log: this.log,
      limits: { sweepEveryMs: SWEEP_MS },
      localValues: 'cross',
    })
    this.#system = system
    this.#storage = storage
    await this.until(system.start())
    return system
  }

  crash(): void {
    this.disk.crash()
    this.#end()
  }

  /** Crashes by itself after so many more writes; `start` then brings the node up again. */
  crashAfter(writes: number): void {
    this.disk.crashAfter(writes)
  }

  #end(): void {
    this.crashes++
    this.#process?.kill()
    this.#system = undefined
  }

  /** Lets time pass until the promise settles. Throws when a virtual minute, `withinMs`, is not enough. */
  async until<T>(promise: Promise<T>, withinMs = 60_000): Promise<T> {
    let isSettled = false
    const settle = () => {
      isSettled = true
    }
    promise.then(settle, settle)
    await this.waitFor(() => isSettled, withinMs)
    return promise
  }

  /** Lets time pass until the condition holds. */
  async waitFor(condition: () => boolean | Promise<boolean>, withinMs = 60_000): Promise<void> {
    const endMs = this.clock.monotonic() + withinMs
    let stepMs = STEP_MS
    while (!(await condition())) {
      if (this.clock.monotonic() > endMs) {
        throw new Error(
          `the condition did not hold within ${withinMs} ms; the node says:\n${this.warnings.slice(-4_000)}`,
        )
      }
      await this.clock.advance(stepMs)
      stepMs = Math.min(stepMs * 1.2, 100)
    }
  }

  async stop(): Promise<void> {
    if (this.#system) await this.until(this.#system.stop())
    this.#system = undefined
  }
}

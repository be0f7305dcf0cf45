import { actorDefinitions } from '../actors/index.js'
import { type ActorLog, type ActorSystem, createActorSystem } from '../runtime/index.js'
import { type EmbeddedStorage, openSimulatedStorage, type SimulatedDisk } from '../storage/index.js'
import type { Bounds } from './bounds.js'
import type { Dice } from './dice.js'
import type { Mutation } from './mutation.js'
import { ProcessClock } from './process-clock.js'
import { runtimeLimits, type Settings } from './settings.js'
import { SlowJournals } from './slow-journals.js'
import type { VirtualTime } from './virtual-time.js'

export interface ProcessParts {
  readonly time: VirtualTime
  readonly dice: Dice
  readonly disk: SimulatedDisk
  readonly settings: Settings
  readonly bounds: Bounds
  readonly log: ActorLog
  readonly mutation: Mutation
}

const nobodysNames = { owner: () => Promise.resolve(undefined) }
const nobodyLogsIn = { deliver: () => Promise.reject(new Error('no code is asked for in a simulation')) }

/**
 * One life of the node: the real runtime, the real actors and the real embedded driver, on what the disk kept.
 *
 * Nothing of it runs after `kill`: its timers do not fire, its disk does not answer, and nobody listens to it.
 */
export class NodeProcess {
  readonly clock: ProcessClock
  readonly #parts: ProcessParts
  storage: EmbeddedStorage | undefined
  system: ActorSystem | undefined
  /** The first sweep has ended. */
  hasSwept = false

  constructor(parts: ProcessParts) {
    this.#parts = parts
    this.clock = new ProcessClock(parts.time)
  }

  get isAlive(): boolean {
    return this.clock.isAlive
  }

  kill(): void {
    this.clock.isAlive = false
  }

  /** Opens the storage, then serves; `onSystem` hears of the system before the first sweep. Rejects as the disk does. */
  async start(onSystem: (system: ActorSystem) => void): Promise<void> {
    const { disk, settings, bounds, log, mutation, dice } = this.#parts
    const { stallAfterMs, unflushedBatches } = settings
    const storage = await openSimulatedStorage(disk, { shardCount: 8, limits: { stallAfterMs, unflushedBatches } })
    this.storage = storage
    const journals = mutation.journals?.(storage.journals, this.clock) ?? storage.journals
    const { clock } = this
    const actors = actorDefinitions({
      chat: { clock, random: dice, limits: { appendItems: settings.appendItems, keptEntries: settings.keptEntries } },
      records: storage,
      loginCodes: { names: nobodysNames, delivery: nobodyLogsIn, random: dice, testNumbers: false },
    })
    const system = createActorSystem({
      actors: actors.map((actor) => mutation.actor?.(actor) ?? actor),
      clock,
      random: dice,
      journals: new SlowJournals(journals, clock, dice, settings.slowestStoreMs),
      agenda: mutation.agenda?.(storage.agenda) ?? storage.agenda,
      ownership: storage.ownership,
      metrics: bounds,
      log,
      limits: runtimeLimits(settings),
      localValues: 'cross',
    })
    this.system = system
    bounds.startsAnew(system)
    onSystem(system)
    await system.start()
    this.hasSwept = true
  }
}

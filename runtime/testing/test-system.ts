import { createActorSystem } from '../actor-system.js'
import type { ActorSystem, ActorSystemOptions } from '../system.js'
import { MemoryStore } from './memory-store.js'
import { SeededRandom } from './seeded-random.js'
import { KeptLog, noMetrics } from './silence.js'
import { SoloOwnership } from './solo-ownership.js'
import { VirtualClock } from './virtual-clock.js'

export interface TestSystem {
  readonly system: ActorSystem
  readonly clock: VirtualClock
  readonly store: MemoryStore
  readonly ownership: SoloOwnership
  readonly log: KeptLog
}

type Given = Partial<ActorSystemOptions> & {
  readonly clock?: VirtualClock
  readonly store?: MemoryStore
  readonly ownership?: SoloOwnership
}

/** A system on virtual time and memory; `given` replaces any part. A second one on the same store is a restart. */
export function testSystem(actors: ActorSystemOptions['actors'], given: Given = {}): TestSystem {
  const { store = new MemoryStore(), clock = new VirtualClock(), ownership = new SoloOwnership(), ...options } = given
  const log = new KeptLog()
  const system = createActorSystem({
    actors,
    random: new SeededRandom(1),
    journals: store,
    agenda: store,
    metrics: noMetrics,
    log,
    localValues: 'cross',
    ...options,
    clock,
    ownership,
  })
  return { system, clock, store, ownership, log }
}

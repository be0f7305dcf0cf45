import type { ActorLimits, ActorSystem, Ref, Timer } from '../../../runtime/index.js'
import { createActorSystem } from '../../../runtime/index.js'
import {
  MemoryStore,
  noLog,
  noMetrics,
  SeededRandom,
  SoloOwnership,
  settled,
  VirtualClock,
} from '../../../runtime/testing/index.js'
import { KeptRecords } from '../../testing/kept-records.js'
import { userActor } from '../actor.js'
import { type AttachAnswer, type PushFrame, User } from '../contract.js'

/** A clock that stands still for all but what waits for no time: the pieces of a long read. */
class StillClock extends VirtualClock {
  override setTimer(delayMs: number, fire: () => void): Timer {
    if (delayMs > 0) return super.setTimer(delayMs, fire)
    const immediate = setImmediate(fire)
    return { cancel: () => clearImmediate(immediate) }
  }
}

/** Checkpoints come often, so that most runs read rows and entries from the store as well as from memory. */
const ACTOR_LIMITS: ActorLimits = {
  mailboxCalls: 1_000,
  mailboxBytes: 8_388_608,
  mailboxAgeMs: 60_000,
  idleAfterMs: 3_600_000,
  packAfterMs: 30_000,
  checkpointEntries: 11,
  checkpointBytes: 262_144,
}

/** Processes that own the accounts, one after the other, on one store. */
export class AccountHost {
  readonly clock = new StillClock()
  readonly store: MemoryStore
  readonly records = new KeptRecords()
  readonly pushed: PushFrame[] = []
  readonly broadcast: { sink: string; payload: unknown }[] = []
  #epoch = 1
  #system: ActorSystem

  constructor(store = new MemoryStore()) {
    this.store = store
    this.#system = this.#start()
  }

  account(id: number): Ref<User> {
    return this.#system.ref(User, id)
  }

  get node(): string {
    return this.#system.node
  }

  /** Ends the process in order, so that the next one begins with a snapshot of all. */
  async restart(): Promise<void> {
    await this.#system.stop()
    this.#takeOver()
  }

  /** The process is cut off: what it had stored is all that the next one has. */
  async crash(): Promise<void> {
    await settled()
    this.#takeOver()
  }

  stop(): Promise<void> {
    return this.#system.stop()
  }

  attach(id: number, lastPts: number, lastOrdinal?: number): Promise<AttachAnswer> {
    const position = lastOrdinal === undefined ? { lastPts } : { lastPts, lastOrdinal }
    return this.account(id).attach({ gateway: this.node, authKeys: [], leaseMs: 60_000, ...position })
  }

  #takeOver(): void {
    this.#epoch++
    this.#system = this.#start()
  }

  #start(): ActorSystem {
    const system = createActorSystem({
      actors: [userActor(this.records)],
      clock: this.clock,
      random: new SeededRandom(this.#epoch),
      journals: this.store,
      agenda: this.store,
      ownership: new SoloOwnership(this.#epoch),
      metrics: noMetrics,
      log: noLog,
      localValues: 'cross',
      limits: { actor: ACTOR_LIMITS },
    })
    system.receive('push', (payload) => this.pushed.push(payload as PushFrame))
    for (const sink of ['revoked', 'profile', 'moved']) {
      system.receive(sink, (payload) => this.broadcast.push({ sink, payload }))
    }
    return system
  }
}

/** The same journal without snapshots and rows: whoever opens it replays everything. */
export function onlyJournals(store: MemoryStore): MemoryStore {
  const copy = new MemoryStore()
  for (const [name, { entries }] of store.journals) copy.journal(name).entries.push(...entries)
  return copy
}

/**
 * Checkpoints: derived rows, erasures, then a snapshot.
 *
 * K1. What is written is what is durable (CORE J7): the state is encoded, in one go, only while nothing is undurable.
 *     A busy actor comes to that between two commits; if it does not, its turns wait for it.
 * K2. One checkpoint is in flight an activation. Turns go on meanwhile; rows stay readable until it is durable.
 * K3. What waits for a checkpoint is bounded: while one cannot be written, turns wait beyond the bound.
 * K4. A body that was erased leaves the disk with a checkpoint some seconds later, whether the actor is idle or busy. As
 *     long as the store has it, there is an undelivered row (CORE D2): so after a crash the actor is found and does it.
 * K5. Actors that are equally busy become due at the same moment. Those that can wait take turns, or all others' commits
 *     would wait for the disk behind the checkpoints of hundreds of them.
 */
import type { Activation } from './activation.js'
import { Failure } from './call.js'
import { type ActorError, errorCode } from './errors.js'
import type { Host } from './host.js'
import type { Snapshot } from './journal-store.js'
import type { CollectedRows } from './pending-rows.js'
import { CallbackAlarm } from './timer-wheel.js'

const PAUSE_AFTER_FAILURE_MS = 1_000
/** Deletions that follow one another share a checkpoint. */
const ERASE_AFTER_MS = 5_000
const LOOK_AGAIN_AFTER_MS = 1_000
/** Fewer entries than these are replayed sooner than a snapshot is written. */
const WORTH_ENTRIES = 16
const WORTH_BYTES = 16 * 1024
/** More rows than these are written sooner than they are kept in memory. */
const WORTH_ROWS = 32
/** In flight at once, as long as none is late. */
const MOST_AT_ONCE = 4
/** Of the bounds of a checkpoint: from here on one is late, and half of the way is left until turns have to wait. */
const LATE = 1.5
/** Of no generation: rows that are made while such a checkpoint is in flight are not in it. */
const NO_ROWS: CollectedRows = { rows: [], erased: [], generation: -1 }

export class Checkpoints {
  readonly #host: Host
  #inFlight = 0
  /** Activations whose last checkpoint failed a moment ago. */
  readonly #pausing = new Set<Activation>()
  /** Activations that are to erase bodies in a moment. */
  readonly #erasing = new Set<Activation>()

  constructor(host: Host) {
    this.#host = host
  }

  takeIfDue(activation: Activation): void {
    if (!this.#isBeyond(activation, 1)) return
    if (this.#inFlight < MOST_AT_ONCE || this.#isBeyond(activation, LATE)) this.take(activation)
  }

  /** Turns must not start now: the checkpoint needs a moment at which all is durable, or is too late already. */
  mustWait(activation: Activation): boolean {
    if (this.#isBeyond(activation, 4)) return activation.work?.checkpointing === true || this.#pausing.has(activation)
    return this.#isBeyond(activation, 2) && !activation.isDurable && activation.work?.checkpointing !== true
  }

  /** True when replaying what came since the last checkpoint costs more than a snapshot, and when bodies are to be erased. */
  isWorthwhile(activation: Activation): boolean {
    const { entriesSinceCheckpoint, bytesSinceCheckpoint } = activation
    if (entriesSinceCheckpoint >= WORTH_ENTRIES || bytesSinceCheckpoint >= WORTH_BYTES) return true
    return activation.erases || activation.rowCount >= WORTH_ROWS
  }

  /** Sees to it that what was erased leaves the disk (K4). */
  eraseSoon(activation: Activation): void {
    if (!activation.erases || this.#erasing.has(activation)) return
    this.#erasing.add(activation)
    this.#host.wheel.set(new CallbackAlarm(() => this.#erase(activation)), ERASE_AFTER_MS)
  }

  /** Until it is done: a checkpoint may not be possible now, and may fail. */
  #erase(activation: Activation): void {
    if (!activation.erases || activation.phase === 'dead') {
      this.#erasing.delete(activation)
      return
    }
    this.take(activation)
    this.#host.wheel.set(new CallbackAlarm(() => this.#erase(activation)), LOOK_AGAIN_AFTER_MS)
  }

  /** Begins a checkpoint if one can be taken now; false when not. */
  take(activation: Activation): boolean {
    if (activation.phase !== 'active' || !activation.isDurable || this.#pausing.has(activation)) return false
    if (activation.work?.checkpointing === true || activation.entriesSinceCheckpoint === 0) return false
    const host = this.#host
    if (!host.ownership.holds(activation.shard, activation.epoch)) return false
    let snapshot: Snapshot
    let written: CollectedRows
    try {
      snapshot = activation.snapshot()
      written = activation.rows?.collect() ?? NO_ROWS
    } catch (error) {
      host.log.error({ actor: activation.address, error }, 'the state of an actor cannot be encoded')
      this.#pause(activation)
      return false
    }
    const { entriesSinceCheckpoint, bytesSinceCheckpoint } = activation
    activation.entriesSinceCheckpoint = 0
    activation.bytesSinceCheckpoint = 0
    host.workOf(activation).checkpointing = true
    this.#inFlight++
    activation
      .use((journal) => journal.checkpoint({ snapshot, rows: written.rows, erased: written.erased }))
      .then(
        () => {
          this.#inFlight--
          this.#done(activation, written.generation)
        },
        (error) => {
          this.#inFlight--
          activation.entriesSinceCheckpoint += entriesSinceCheckpoint
          activation.bytesSinceCheckpoint += bytesSinceCheckpoint
          this.#failed(activation, error)
        },
      )
    return true
  }

  #retry(activation: Activation): void {
    this.#pausing.delete(activation)
    if (activation.phase !== 'active') return
    this.takeIfDue(activation)
    this.#host.turns.pump(activation)
  }

  #done(activation: Activation, generation: number): void {
    if (activation.phase === 'dead') return
    const { work, rows, tail, kind } = activation
    if (work !== undefined) work.checkpointing = false
    rows?.written(generation)
    if (rows?.isEmpty) activation.forgetRows()
    tail?.trim(kind.limits.checkpointEntries, kind.limits.checkpointBytes, activation.folded - activation.durable)
    this.takeIfDue(activation)
    this.#host.turns.pump(activation)
    this.#host.residency.checkpointed(activation)
  }

  #failed(activation: Activation, error: unknown): void {
    if (activation.phase === 'dead') return
    if (activation.work !== undefined) activation.work.checkpointing = false
    this.#host.lastErrors.note(activation.address, error)
    this.#host.log.warn({ actor: activation.address, error }, 'a checkpoint failed')
    if (errorCode(error) === 'OVERTAKEN') {
      this.#host.turns.discard(activation, Failure.of(error as ActorError), false)
      return
    }
    this.#host.residency.notCheckpointed(activation)
    this.#pause(activation)
    this.#host.turns.pump(activation)
  }

  #pause(activation: Activation): void {
    this.#pausing.add(activation)
    this.#host.wheel.set(new CallbackAlarm(() => this.#retry(activation)), PAUSE_AFTER_FAILURE_MS)
  }

  #isBeyond({ kind, entriesSinceCheckpoint, bytesSinceCheckpoint }: Activation, times: number): boolean {
    const { checkpointEntries, checkpointBytes } = kind.limits
    return entriesSinceCheckpoint >= checkpointEntries * times || bytesSinceCheckpoint >= checkpointBytes * times
  }
}

import type { Host } from './host.js'
import type { Position } from './journal-store.js'
import type { NodeId } from './ownership.js'
import { shardOf } from './ownership.js'

const MOST_ERRORS = 1_024
const LONGEST_MESSAGE = 500

/** What went wrong last with an actor on this node. */
export interface LastError {
  /** Wall clock, milliseconds. */
  readonly atMs: number
  readonly message: string
}

/** One actor, as this node sees it. */
export interface ActorReport {
  readonly shard: number
  /** Undefined: not known. */
  readonly owner: NodeId | undefined
  readonly lastError: LastError | undefined
  /** Undefined: it is not in memory here. */
  readonly resident: ResidentReport | undefined
}

export interface ResidentReport {
  /** `opening`, `active` or `dying`. */
  readonly phase: string
  readonly epoch: number
  readonly waitingCalls: number
  readonly waitingBytes: number
  /** Of turns and effects that have not ended. */
  readonly underWay: number
  readonly head: Position
  /** Of the encoded state; undefined while it is opened. Encoded for this answer. */
  readonly stateBytes: number | undefined
  readonly idleMs: number
}

/** What operators ask of a node. */
export interface SystemInspection {
  /** Undefined for a kind that this node does not know. */
  actor(kind: string, key: string): ActorReport | undefined
}

/** The last errors of the actors that had one last; of each as much as a screen shows. */
export class LastErrors {
  readonly #host: Host
  readonly #errors = new Map<string, LastError>()

  constructor(host: Host) {
    this.#host = host
  }

  note(address: string, error: unknown): void {
    this.#errors.delete(address)
    const message = String(error).slice(0, LONGEST_MESSAGE)
    this.#errors.set(address, { atMs: this.#host.nowMs(), message })
    if (this.#errors.size <= MOST_ERRORS) return
    for (const oldest of this.#errors.keys()) {
      this.#errors.delete(oldest)
      return
    }
  }

  of(address: string): LastError | undefined {
    return this.#errors.get(address)
  }
}

export class Inspection implements SystemInspection {
  readonly #host: Host

  constructor(host: Host) {
    this.#host = host
  }

  actor(kindName: string, key: string): ActorReport | undefined {
    const { kinds, ownership, lastErrors } = this.#host
    const kind = kinds.get(kindName)
    if (kind === undefined) return undefined
    const shard = shardOf(kindName, key, ownership.shardCount)
    return {
      shard,
      owner: ownership.ownerOf(shard),
      lastError: lastErrors.of(`${kindName}/${key}`),
      resident: this.#resident(kindName, key),
    }
  }

  #resident(kind: string, key: string): ResidentReport | undefined {
    const activation = this.#host.kinds.get(kind)?.residents.get(key)
    if (activation === undefined) return undefined
    const { phase, epoch, work, head, lastUsedMs, running } = activation
    return {
      phase,
      epoch,
      waitingCalls: work?.waiting ?? 0,
      waitingBytes: work?.waitingBytes ?? 0,
      underWay: (running === undefined ? 0 : 1) + (work?.reads ?? 0) + (work?.effects ?? 0),
      head,
      stateBytes: phase === 'active' ? activation.stateBytes() : undefined,
      idleMs: Math.max(0, Math.floor(this.#host.clock.monotonic()) - lastUsedMs),
    }
  }
}

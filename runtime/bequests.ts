/**
 * What is in memory goes along with its shard (CORE O3, J3): the state of actors that the old owner had in memory, so that
 * the next one opens them with one write and without reading.
 *
 * Q1. What is kept of an actor is its activation at its clean end within a drain: all durable, nothing in flight. It is
 *     forgotten when the actor is activated once more, or the drain called off.
 * Q2. It leaves after the register has taken the seal of just this drain, never before: so between what it says and the
 *     next owner's epoch there was nobody who could have written.
 * Q3. It is used by the first activation of its actor under the very next epoch, and only while nothing at all was activated
 *     in the shard under that epoch; else it is dropped, and the journal is read.
 * Q4. It is a shortcut and no truth: bounded in count and bytes, for a short time, lost without harm.
 */
import type { Activation } from './activation.js'
import type { Host } from './host.js'
import type { ShardRange, Snapshot } from './journal-store.js'
import { type NodeId, shardOf } from './ownership.js'
import type { PackedRows } from './pending-rows.js'
import { CallbackAlarm } from './timer-wheel.js'

export const BEQUEST_SINK = 'bequests'

/** An actor as its former owner left it. */
export interface Bequest {
  readonly kind: string
  readonly key: string
  readonly snapshot: Snapshot
  readonly rows: PackedRows | undefined
  readonly entriesSinceCheckpoint: number
  readonly bytesSinceCheckpoint: number
  /** There is an undelivered row of it. */
  readonly owes: boolean
  /** Of the store, about the journal. */
  readonly journal: Uint8Array
}

interface Kept {
  readonly epoch: number
  readonly bequests: Map<string, { readonly bytes: number; readonly bequest: Bequest }>
}

/** What a node sends: of shards that it has sealed, each under the epoch that it gave up. */
type Parcel = readonly (readonly [epoch: number, bequest: Bequest])[]

const MOST_KEPT = 1_024
const MOST_BYTES = 8 * 1024 * 1024
const MOST_PARCEL_BYTES = 256 * 1024
/** Of an actor that nobody has called for so long, the next owner may read the journal when somebody does. */
const USED_WITHIN_MS = 60_000
const FORGOTTEN_AFTER_MS = 5_000

/** A shard that was sealed, and the epoch that ended with it. */
export interface SealedShard {
  readonly shard: number
  readonly epoch: number
}

export class Bequests {
  readonly #host: Host
  /** Of this node's drained shards. */
  readonly #kept = new Map<number, Kept>()
  #keptCount = 0
  #keptBytes = 0
  /** Of other nodes, by actor: with the epoch that ended. */
  readonly #received = new Map<string, { readonly epoch: number; readonly bytes: number; readonly bequest: Bequest }>()
  #receivedBytes = 0
  /** The epoch under which something of each shard was activated here last. */
  readonly #activated: number[] = []

  constructor(host: Host) {
    this.#host = host
  }

  start(): void {
    this.#host.frames.receive(BEQUEST_SINK, (payload) => this.#take(payload as Parcel))
  }

  /** Its activation is about to end within a drain, with nothing under way. */
  keep(activation: Activation): void {
    const { shard, epoch, address } = activation
    if (this.#keptCount >= MOST_KEPT || this.#keptBytes >= MOST_BYTES) return
    if (this.#host.clock.monotonic() - activation.lastUsedMs > USED_WITHIN_MS) return
    const bequest = this.#of(activation)
    if (bequest === undefined) return
    const bytes = bytesOf(bequest)
    if (bytes > MOST_PARCEL_BYTES) return
    let kept = this.#kept.get(shard)
    if (kept !== undefined && kept.epoch !== epoch) {
      this.forget(shard)
      kept = undefined
    }
    if (kept === undefined) {
      kept = { epoch, bequests: new Map() }
      this.#kept.set(shard, kept)
    }
    kept.bequests.set(address, { bytes, bequest })
    this.#keptCount++
    this.#keptBytes += bytes
  }

  #of(activation: Activation): Bequest | undefined {
    if (activation.phase !== 'active' || !activation.isDurable || activation.erases || activation.isErased)
      return undefined
    try {
      const journal = activation.journal?.handOver?.()
      return journal && { ...activation.bequeathed(), kind: activation.kind.name, key: activation.key, journal }
    } catch (error) {
      this.#host.log.error({ actor: activation.address, error }, 'the state of an actor cannot be encoded')
      return undefined
    }
  }

  /** The shard stays, or is lost. */
  forget(shard: number): void {
    const kept = this.#kept.get(shard)
    if (kept === undefined) return
    this.#kept.delete(shard)
    this.#keptCount -= kept.bequests.size
    for (const { bytes } of kept.bequests.values()) this.#keptBytes -= bytes
  }

  #forgetKept(shard: number, address: string): void {
    const kept = this.#kept.get(shard)
    const each = kept?.bequests.get(address)
    if (kept === undefined || each === undefined) return
    kept.bequests.delete(address)
    this.#keptCount--
    this.#keptBytes -= each.bytes
  }

  forgetAll(): void {
    for (const shard of [...this.#kept.keys()]) this.forget(shard)
  }

  /** The register has taken the seal of these shards (Q2). */
  sealed(shards: readonly SealedShard[], to: NodeId): void {
    let parcel: (readonly [number, Bequest])[] = []
    let parcelBytes = 0
    const send = () => {
      if (parcel.length > 0) this.#host.frames.send(to, BEQUEST_SINK, parcel, undefined)
      parcel = []
      parcelBytes = 0
    }
    for (const { shard, epoch } of shards) {
      const kept = this.#kept.get(shard)
      this.forget(shard)
      if (kept?.epoch !== epoch) continue
      // Of one shard all at once: what comes after the first activation is dropped (Q3).
      let bytes = 0
      for (const each of kept.bequests.values()) bytes += each.bytes
      if (parcelBytes + bytes > MOST_PARCEL_BYTES) send()
      for (const { bequest } of kept.bequests.values()) parcel.push([epoch, bequest])
      parcelBytes += bytes
    }
    send()
  }

  /** Another node has sealed, and this one is next; it may know so already, or not yet. */
  #take(parcel: Parcel): void {
    const { kinds, ownership } = this.#host
    const shards = new Set<number>()
    const taken: Bequest[] = []
    for (const [epoch, bequest] of parcel) {
      const kind = kinds.get(bequest.kind)
      // What another version of the program has encoded is read from the journal.
      if (kind === undefined || bequest.snapshot.version !== kind.definition.state.version) continue
      const shard = shardOf(bequest.kind, bequest.key, ownership.shardCount)
      const isLate = ownership.newestEpochOf(shard) > epoch + 1 || this.#activated[shard] === epoch + 1
      const bytes = bytesOf(bequest)
      if (isLate || this.#received.size >= MOST_KEPT || this.#receivedBytes + bytes > MOST_BYTES) continue
      const address = `${bequest.kind}/${bequest.key}`
      this.#drop(address)
      this.#received.set(address, { epoch, bytes, bequest })
      this.#receivedBytes += bytes
      taken.push(bequest)
      shards.add(shard)
    }
    if (taken.length === 0) return
    this.#host.wheel.set(new CallbackAlarm(() => this.#forgetReceived(taken)), FORGOTTEN_AFTER_MS)
    this.open([...shards].map((shard) => ({ from: shard, to: shard })))
  }

  /** Activates what was left to this node in shards that it has open now. */
  open(shards: readonly ShardRange[]): void {
    if (this.#received.size === 0 || this.#host.stopping) return
    const { kinds, ownership, activations } = this.#host
    for (const { epoch, bequest } of [...this.#received.values()]) {
      const shard = shardOf(bequest.kind, bequest.key, ownership.shardCount)
      if (!shards.some(({ from, to }) => from <= shard && shard <= to)) continue
      if (ownership.ownerOf(shard) !== ownership.self || ownership.epochOf(shard) !== epoch + 1) continue
      const kind = kinds.get(bequest.kind)
      if (kind !== undefined && !kind.residents.has(bequest.key)) activations.open(kind, bequest.key, shard)
    }
  }

  /** What the activation that begins now may start from (Q3). */
  claim({ address, shard, epoch }: Activation): Bequest | undefined {
    this.#activated[shard] = epoch
    this.#forgetKept(shard, address)
    if (this.#received.size === 0) return undefined
    const received = this.#received.get(address)
    this.#drop(address)
    return received?.epoch === epoch - 1 ? received.bequest : undefined
  }

  #forgetReceived(taken: readonly Bequest[]): void {
    for (const bequest of taken) {
      const address = `${bequest.kind}/${bequest.key}`
      if (this.#received.get(address)?.bequest === bequest) this.#drop(address)
    }
  }

  #drop(address: string): void {
    const received = this.#received.get(address)
    if (received === undefined) return
    this.#received.delete(address)
    this.#receivedBytes -= received.bytes
  }
}

function bytesOf({ snapshot, rows, journal }: Bequest): number {
  return snapshot.state.length + journal.length + (rows === undefined ? 0 : 64 * rows.tables.length) + 200
}

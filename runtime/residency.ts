/**
 * Which activations stay in memory.
 *
 * Y1. An activation that has anything under way stays. One that has been idle for a moment lets go of its cached entries
 *     and its undelivered row; later it is packed, so many at a time; after `idleAfterMs` it goes, if it may.
 * Y2. Beyond `residentActors` the least recently used go, as long as any is idle; those that may not passivate last.
 * Y3. A use costs a time stamp: an activation that was used since it was queued is queued again instead of going.
 */
import type { Activation } from './activation.js'
import { Failure } from './call.js'
import type { Host } from './host.js'
import type { ActivationList, Kind } from './kind.js'
import { Alarm } from './timer-wheel.js'

const LOOK_EVERY_MS = 1_000
/** Idle this long, an activation lets go of what it can do without. */
const TRIM_AFTER_MS = 3_000
/** Looked at in one go, so that a look never holds up calls. */
const MOST_LOOKED_AT = 2_000
const MOST_PACKED = 500
const MOST_TRIED = 32

export class Residency extends Alarm {
  readonly #host: Host
  /** Activations that go as soon as their checkpoint is durable, with the time of their last use. */
  readonly #leaving = new Map<Activation, number>()
  /** Of each shard the activation that came last; the links are part of the activations. */
  readonly #shards: (Activation | undefined)[] = []
  count = 0

  constructor(host: Host) {
    super()
    this.#host = host
  }

  start(): void {
    this.#host.wheel.set(this, LOOK_EVERY_MS)
  }

  add(activation: Activation): void {
    activation.kind.residents.set(activation.key, activation)
    activation.kind.warm.push(activation)
    this.#linkInShard(activation)
    this.count++
    this.#host.metrics.activation(activation.kind.name, 1)
    if (this.count > this.#host.limits.residentActors) this.#makeRoom()
  }

  /** The activation is dead from now on: nothing finds it any more. */
  remove(activation: Activation): void {
    const { kind, key, timers } = activation
    activation.phase = 'dead'
    if (kind.residents.get(key) === activation) kind.residents.delete(key)
    activation.list?.remove(activation)
    this.#unlinkInShard(activation)
    this.#leaving.delete(activation)
    this.count--
    this.#host.metrics.activation(kind.name, -1)
    for (const timer of timers?.values() ?? []) this.#host.wheel.cancel(timer)
    activation.timers = undefined
    this.#host.dropWork(activation)
    if (this.#host.gates.count > 0) this.#host.releases.gone(activation)
  }

  ofShard(shard: number): Activation[] {
    const found: Activation[] = []
    for (let each = this.#shards[shard]; each !== undefined; each = each.nextInShard) found.push(each)
    return found
  }

  countOf(shard: number): number {
    let count = 0
    for (let each = this.#shards[shard]; each !== undefined; each = each.nextInShard) count++
    return count
  }

  #linkInShard(activation: Activation): void {
    const head = this.#shards[activation.shard]
    activation.nextInShard = head
    if (head !== undefined) head.previousInShard = activation
    this.#shards[activation.shard] = activation
  }

  #unlinkInShard(activation: Activation): void {
    const { shard, nextInShard, previousInShard } = activation
    if (previousInShard !== undefined) previousInShard.nextInShard = nextInShard
    else this.#shards[shard] = nextInShard
    if (nextInShard !== undefined) nextInShard.previousInShard = previousInShard
    activation.nextInShard = undefined
    activation.previousInShard = undefined
  }

  /** The activation has nothing under way any more. */
  rested(activation: Activation): void {
    if (activation.list !== activation.kind.warm && hasMore(activation)) {
      this.#queue(activation, activation.kind.warm, this.#host.clock.monotonic())
    }
  }

  /** Its checkpoint is durable: if it was on its way out, and has not been used since, it goes. */
  checkpointed(activation: Activation): void {
    const usedMs = this.#leaving.get(activation)
    if (usedMs === undefined) return
    this.#leaving.delete(activation)
    if (activation.lastUsedMs === usedMs && isIdle(activation)) this.#close(activation)
  }

  /** Its checkpoint failed: it is no longer on its way out, and may be sent there again. */
  notCheckpointed(activation: Activation): void {
    this.#leaving.delete(activation)
  }

  override ring(): void {
    const host = this.#host
    host.wheel.set(this, LOOK_EVERY_MS)
    const nowMs = host.clock.monotonic()
    for (const kind of host.kinds.values()) {
      const { idleAfterMs, packAfterMs } = kind.limits
      this.#lookAt(kind.warm, nowMs, Math.min(TRIM_AFTER_MS, packAfterMs), MOST_LOOKED_AT, (activation) =>
        this.#trim(activation),
      )
      this.#lookAt(kind.cool, nowMs, Math.min(packAfterMs, idleAfterMs), MOST_PACKED, (activation) => {
        if (nowMs - activation.lastUsedMs < idleAfterMs) this.#pack(activation)
        else this.#passivate(activation, nowMs)
      })
      this.#lookAt(kind.cold, nowMs, idleAfterMs, MOST_LOOKED_AT, (activation) => this.#passivate(activation, nowMs))
    }
    // Those that were busy when room was wanted may be idle now (Y2).
    while (this.count - this.#leaving.size > host.limits.residentActors) if (!this.#makeRoom()) break
  }

  #lookAt(
    list: ActivationList,
    nowMs: number,
    afterMs: number,
    most: number,
    idle: (activation: Activation) => void,
  ): void {
    for (let looked = Math.min(list.length, most); looked > 0; looked--) {
      const activation = list.first
      if (activation === undefined || nowMs - activation.queuedMs < afterMs) return
      const isUsed = activation.lastUsedMs > activation.queuedMs && nowMs - activation.lastUsedMs < afterMs
      if (isUsed || !isIdle(activation)) this.#queue(activation, list, Math.max(activation.lastUsedMs, nowMs - afterMs))
      else idle(activation)
    }
  }

  #trim(activation: Activation): void {
    const { sweeper, checkpoints } = this.#host
    sweeper.removeIfSettled(activation)
    activation.tail = undefined
    if (activation.rowCount > 0 && checkpoints.isWorthwhile(activation)) checkpoints.take(activation)
    this.#queue(activation, activation.kind.cool, activation.lastUsedMs)
  }

  /** One that still owes something is looked at again once it does not. */
  #pack(activation: Activation): void {
    try {
      if (!activation.rowWritten && !activation.rowFound) activation.pack()
    } catch (error) {
      this.#host.log.error({ actor: activation.address, error }, 'the state of an actor cannot be encoded')
    }
    this.#queue(activation, activation.kind.cold, activation.lastUsedMs)
  }

  #passivate(activation: Activation, nowMs: number): void {
    if (this.#mayGo(activation)) this.#leave(activation)
    const { phase, isPacked, kind } = activation
    if (phase !== 'dead') this.#queue(activation, isPacked ? kind.cold : kind.cool, nowMs)
  }

  /** Closes the activation, after a checkpoint if that is worthwhile. */
  #leave(activation: Activation): void {
    const { checkpoints } = this.#host
    if (checkpoints.isWorthwhile(activation) && checkpoints.take(activation)) {
      this.#leaving.set(activation, activation.lastUsedMs)
    } else this.#close(activation)
  }

  #close(activation: Activation): void {
    this.#host.sweeper.removeIfSettled(activation)
    this.#host.turns.discard(activation, new Failure('STOPPED', `${activation.address} was passivated`), true)
  }

  #mayGo(activation: Activation): boolean {
    const { mayPassivate } = activation.kind.definition
    try {
      return mayPassivate === undefined || mayPassivate(this.#host.reading(activation) as never)
    } catch (error) {
      this.#host.log.error({ actor: activation.address, error }, 'mayPassivate failed')
      return true
    }
  }

  #makeRoom(): boolean {
    return this.#evict((activation) => this.#mayGo(activation)) || this.#evict(() => true)
  }

  #evict(mayGo: (activation: Activation) => boolean): boolean {
    const nowMs = this.#host.clock.monotonic()
    for (let tried = 0; tried < MOST_TRIED; tried++) {
      const list = this.#oldestList()
      const activation = list?.first
      if (list === undefined || activation === undefined) return false
      const isUsed = activation.lastUsedMs > activation.queuedMs
      if (isUsed || !isIdle(activation) || this.#leaving.has(activation) || !mayGo(activation)) {
        this.#queue(activation, list, isUsed ? Math.max(activation.lastUsedMs, activation.queuedMs) : nowMs)
        continue
      }
      this.#leave(activation)
      if (activation.phase !== 'dead') this.#queue(activation, list, nowMs)
      return true
    }
    return false
  }

  #oldestList(): ActivationList | undefined {
    let oldest: ActivationList | undefined
    const older = (list: ActivationList) => {
      if (list.first === undefined) return
      if (oldest?.first === undefined || list.first.queuedMs < oldest.first.queuedMs) oldest = list
    }
    for (const kind of this.#host.kinds.values() as Iterable<Kind>) {
      older(kind.cold)
      older(kind.cool)
      older(kind.warm)
    }
    return oldest
  }

  #queue(activation: Activation, list: ActivationList, queuedMs: number): void {
    activation.list?.remove(activation)
    activation.queuedMs = Math.floor(queuedMs)
    list.push(activation)
  }
}

function isIdle({ phase, running, work }: Activation): boolean {
  return phase === 'active' && running === undefined && work === undefined
}

function hasMore({ tail, isPacked, rowWritten, rowFound }: Activation): boolean {
  return tail !== undefined || !isPacked || rowWritten || rowFound
}

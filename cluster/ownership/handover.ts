/**
 * Giving shards away: drain, then seal.
 *
 * V1. At most `drainingShards` drain at once, so that none waits long. Those that are quiet at once do not count, and all
 *     that are drained are sealed together: each view costs every node a read of the register.
 * V3. Beginning to drain takes at most `sliceMs` of a turn of the event loop, whatever lives in the shards.
 * V2. One seal is under way at a time. A shard that was certainly not sealed is sealed again, or opened again when it is
 *     to stay.
 */
import type { ActorLog, ActorSystem, Clock, NodeIncarnation } from '../../runtime/index.js'
import { errorCode } from '../../runtime/index.js'
import type { OwnShard } from './cluster-ownership.js'
import { rangesOf } from './shard-states.js'

/** The runtime, as far as shards come and go. */
export type ShardHost = Pick<ActorSystem, 'release' | 'acquire' | 'abandon'>

export interface HandoverLimits {
  /** A shard that is not quiet after this long is given away all the same; what was under way has an unknown outcome. */
  readonly drainMs: number
  readonly drainingShards: number
  readonly sliceMs: number
  /** How long to wait before a seal that the store did not take is sent again. */
  readonly sealAgainMs: number
}

export interface HandoverPort {
  readonly clock: Clock
  readonly log: ActorLog
  /** This node's shards, by number. */
  shards(): readonly (OwnShard | undefined)[]
  /** Who is to get it: null is nobody, undefined that it stays. */
  targetOf(shard: number): NodeIncarnation | null | undefined
  /** They take calls again. */
  opened(shards: readonly number[]): void
  /** Whether they take calls has changed. */
  changed(shards: readonly number[]): void
  /** Rejects with an ActorError when the store did not take it. */
  seal(shards: readonly number[]): Promise<void>
  host(): ShardHost | undefined
}

export class Handover {
  readonly #port: HandoverPort
  readonly #limits: HandoverLimits
  #drains = 0
  /** When the present slice began. */
  #sliceMs: number | undefined
  #willLook = false
  #isSealing = false
  #isResting = false

  constructor(port: HandoverPort, limits: HandoverLimits) {
    this.#port = port
    this.#limits = limits
  }

  /** Something has changed: begins whatever can begin. */
  look(): void {
    this.#drain()
    this.#stay()
    if (!this.#isSealing && !this.#isResting) void this.#sealAll()
  }

  #drain(): void {
    const { shards, targetOf, changed, host } = this.#port
    const runtime = host()
    if (runtime === undefined) return
    const own = shards()
    if (this.#isSliceOver()) return
    let room = this.#limits.drainingShards - own.filter((each) => each?.phase === 'draining').length
    const begun: { readonly shard: number; readonly own: OwnShard }[] = []
    for (let shard = 0; shard < own.length && room > 0; shard++) {
      const each = own[shard]
      if (each?.phase !== 'open' || targetOf(shard) === undefined) continue
      each.phase = 'draining'
      begun.push({ shard, own: each })
      room--
    }
    if (begun.length === 0) return
    this.#sliceMs ??= this.#newSlice()
    const drain = ++this.#drains
    const of = new Map(begun.map((each) => [each.shard, each.own]))
    for (const each of of.values()) each.drain = drain
    changed([...of.keys()])
    const releasing = runtime.release(rangesOf(of.keys()), this.#limits.drainMs, (shard) => {
      const each = of.get(shard)
      if (each?.phase !== 'draining' || each.drain !== drain) return
      each.phase = 'drained'
      this.#lookSoon()
    })
    releasing.catch((error) => this.#port.log.error({ error }, 'shards could not be released'))
  }

  /** True: others have their turn first; then it is looked at again. */
  #isSliceOver(): boolean {
    return this.#sliceMs !== undefined && this.#port.clock.monotonic() - this.#sliceMs > this.#limits.sliceMs
  }

  #newSlice(): number {
    const { clock } = this.#port
    clock.setTimer(0, () => {
      this.#sliceMs = undefined
      this.look()
    })
    return clock.monotonic()
  }

  /** Shards that are ready at the same moment are sealed together. */
  #lookSoon(): void {
    if (this.#willLook) return
    this.#willLook = true
    queueMicrotask(() => {
      this.#willLook = false
      this.look()
    })
  }

  /** Shards that are to stay after all. */
  #stay(): void {
    const reopened: number[] = []
    for (const [shard, own] of this.#port.shards().entries()) {
      if (own?.phase !== 'drained' && own?.phase !== 'draining') continue
      if (this.#port.targetOf(shard) !== undefined) continue
      own.phase = 'open'
      reopened.push(shard)
    }
    if (reopened.length === 0) return
    this.#port.opened(reopened)
    this.#port.changed(reopened)
  }

  async #sealAll(): Promise<void> {
    const { shards, seal, log, clock } = this.#port
    this.#isSealing = true
    for (;;) {
      const sealing: { readonly shard: number; readonly own: OwnShard }[] = []
      for (const [shard, own] of shards().entries()) if (own?.phase === 'drained') sealing.push({ shard, own })
      if (sealing.length === 0) break
      for (const { own } of sealing) own.phase = 'sealing'
      let isTaken = true
      const sentMs = clock.monotonic()
      try {
        await seal(sealing.map(({ shard }) => shard))
      } catch (error) {
        if (errorCode(error) === undefined || errorCode(error) === 'OUTCOME_UNKNOWN') throw error
        log.warn({ error, shards: sealing.length }, 'shards cannot be sealed now; they are sealed again')
        isTaken = false
      }
      log.debug({ shards: sealing.length, tookMs: clock.monotonic() - sentMs, isTaken }, 'shards are sealed')
      // The register was read: what is still ours was not sealed.
      for (const { shard, own } of sealing) {
        if (shards()[shard] === own && own.phase === 'sealing') own.phase = 'drained'
      }
      if (!isTaken) {
        this.#isResting = true
        clock.setTimer(this.#limits.sealAgainMs, () => {
          this.#isResting = false
          this.look()
        })
        break
      }
      this.#stay()
      this.#drain()
    }
    this.#isSealing = false
  }
}

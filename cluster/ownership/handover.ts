/**
 * Giving shards away, group by group: drain, then seal.
 *
 * V1. What is called in a shard waits from the beginning of its drain until its next owner has opened it. So a group begins
 *     to drain only when its seal can leave next: no other seal is under way then.
 * V2. A group has at most `groupShards` shards, and more of them only as long as `groupActors` actors in memory wait
 *     together. One seal is for all of it that is quiet within `gatherMs`; what takes longer holds up nobody else, and is
 *     sealed as soon as it is quiet, since what it waits for may itself wait for shards that are drained.
 * V3. One seal is under way at a time. A shard that was certainly not sealed is sealed again, or opened again when it is
 *     to stay.
 * V4. After a seal this node rests for as long as that took: the nodes' and the store's time is for calls first.
 * V5. Owners that give shards away at the same time take turns (SealTurns): their seals change the same register, and of two
 *     at once one fails and is sent again, while calls wait.
 */
import type { ActorLog, ActorSystem, Clock, NodeId, NodeIncarnation, Timer } from '../../runtime/index.js'
import { errorCode } from '../../runtime/index.js'
import type { OwnShard } from './cluster-ownership.js'
import { SealTurns } from './seal-turns.js'
import { rangesOf } from './shard-states.js'

/** The runtime, as far as shards come and go. */
export type ShardHost = Pick<ActorSystem, 'release' | 'sealed' | 'acquire' | 'abandon' | 'residentsIn'>

export interface HandoverLimits {
  /** A shard that is not quiet after this long is given away all the same; what was under way has an unknown outcome. */
  readonly drainMs: number
  /** Shards that drain at once, those that take long among them. */
  readonly drainingShards: number
  readonly groupShards: number
  /** Shards beyond `groupShards` join a group as long as it has no more actors in memory than this. */
  readonly groupActors: number
  readonly mostGroupShards: number
  /** How long the quiet shards of a group wait for those that are not. */
  readonly gatherMs: number
  /** The rest after a seal is no longer. */
  readonly restMs: number
  /** An owner's turn is over so long after the seal before it (V5): far more than a drain and a seal take. */
  readonly turnMs: number
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
  /** The owners that are to give shards away, this node among them, in order. */
  givers(): readonly NodeId[]
  readonly self: NodeId
  /** They take calls again. */
  opened(shards: readonly number[]): void
  /** Whether they take calls has changed. */
  changed(shards: readonly number[]): void
  /** Rejects with an ActorError when the store did not take it. */
  seal(shards: readonly number[]): Promise<void>
  host(): ShardHost | undefined
}

interface Group {
  readonly number: number
  readonly shards: ReadonlyMap<number, OwnShard>
  readonly gatheredAtMs: number
}

export class Handover {
  readonly #port: HandoverPort
  readonly #limits: HandoverLimits
  #drains = 0
  /** The one that began last. */
  #group: Group | undefined
  #willLook = false
  #isSealing = false
  /** A seal was not taken a moment ago. */
  #isRefused = false
  /** No group begins. */
  #isResting = false
  readonly #turns: SealTurns
  #turn: Timer | undefined

  constructor(port: HandoverPort, limits: HandoverLimits) {
    this.#port = port
    this.#limits = limits
    this.#turns = new SealTurns(port.self, limits.turnMs)
  }

  /** An owner's seal has been seen (V5). */
  sealed(by: NodeId): void {
    this.#turns.sealed(by, this.#port.clock.monotonic())
  }

  /** Something has changed: begins whatever can begin. */
  look(): void {
    this.#stay()
    if (this.#isSealing || this.#isRefused) return
    const drained = this.#inPhase('drained')
    if (drained.length === 0) this.#beginGroup()
    else if (this.#isGathered()) void this.#seal(drained)
  }

  #beginGroup(): void {
    const { shards, changed, host, clock, log } = this.#port
    const runtime = host()
    if (runtime === undefined || this.#isResting) return
    const own = shards()
    const turnInMs = this.#turns.waitMs(this.#port.givers(), clock.monotonic())
    this.#turn?.cancel()
    if (turnInMs > 0) {
      this.#turn = clock.setTimer(turnInMs, () => this.look())
      return
    }
    const chosen = this.#choose(own, runtime)
    if (chosen.length === 0) return
    const number = ++this.#drains
    const group = new Map(chosen.map((shard) => [shard, own[shard]!]))
    for (const each of group.values()) {
      each.phase = 'draining'
      each.drain = number
    }
    const { gatherMs, drainMs } = this.#limits
    this.#group = { number, shards: group, gatheredAtMs: clock.monotonic() + gatherMs }
    clock.setTimer(gatherMs, () => this.look())
    changed(chosen)
    const releasing = runtime.release(rangesOf(chosen), drainMs, (shard) => {
      const each = group.get(shard)
      if (each?.phase !== 'draining' || each.drain !== number) return
      each.phase = 'drained'
      this.#lookSoon()
    })
    releasing.catch((error) => log.error({ error }, 'shards could not be released'))
  }

  /** The shards of the next group (V2), in order. */
  #choose(own: readonly (OwnShard | undefined)[], runtime: ShardHost): number[] {
    const { drainingShards, groupShards, groupActors, mostGroupShards } = this.#limits
    if (this.#inPhase('draining').length >= drainingShards) return []
    const chosen: number[] = []
    let actors = 0
    for (let shard = 0; shard < own.length && chosen.length < mostGroupShards; shard++) {
      if (own[shard]?.phase !== 'open' || this.#port.targetOf(shard) === undefined) continue
      actors += runtime.residentsIn(shard)
      if (chosen.length >= groupShards && actors > groupActors) break
      chosen.push(shard)
    }
    return chosen
  }

  /** Nothing of the last group is worth waiting for any more. */
  #isGathered(): boolean {
    if (this.#group === undefined || this.#port.clock.monotonic() >= this.#group.gatheredAtMs) return true
    const { number, shards } = this.#group
    for (const { phase, drain } of shards.values()) if (phase === 'draining' && drain === number) return false
    return true
  }

  #inPhase(phase: OwnShard['phase']): number[] {
    const own = this.#port.shards()
    const found: number[] = []
    for (let shard = 0; shard < own.length; shard++) if (own[shard]?.phase === phase) found.push(shard)
    return found
  }

  /** Shards that are ready at the same moment are looked at together. */
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
    const own = this.#port.shards()
    const reopened: number[] = []
    for (let shard = 0; shard < own.length; shard++) {
      const each = own[shard]
      if (each?.phase !== 'drained' && each?.phase !== 'draining') continue
      if (this.#port.targetOf(shard) !== undefined) continue
      each.phase = 'open'
      reopened.push(shard)
    }
    if (reopened.length === 0) return
    this.#port.opened(reopened)
    this.#port.changed(reopened)
  }

  async #seal(drained: readonly number[]): Promise<void> {
    const { shards, seal, log, clock } = this.#port
    const sealing = new Map(drained.map((shard) => [shard, shards()[shard]!]))
    for (const own of sealing.values()) own.phase = 'sealing'
    this.#isSealing = true
    const sentMs = clock.monotonic()
    let isTaken = true
    try {
      await seal(drained)
    } catch (error) {
      if (errorCode(error) === undefined) throw error
      // This node is over, and nobody will know from it what became of the seal.
      if (errorCode(error) === 'OUTCOME_UNKNOWN') return
      log.warn({ error, shards: drained.length }, 'shards cannot be sealed now; they are sealed again')
      isTaken = false
    }
    const tookMs = clock.monotonic() - sentMs
    log.debug({ shards: drained.length, tookMs, isTaken }, 'shards are sealed')
    // The register was read: what is still ours was not sealed.
    for (const [shard, own] of sealing) {
      if (shards()[shard] === own && own.phase === 'sealing') own.phase = 'drained'
    }
    this.#isSealing = false
    this.#rest(isTaken, tookMs)
    this.look()
  }

  #rest(isTaken: boolean, tookMs: number): void {
    const { restMs, sealAgainMs } = this.#limits
    if (isTaken) this.#restFor(Math.min(tookMs, restMs))
    else this.#sealAgainIn(sealAgainMs)
  }

  #restFor(ms: number): void {
    if (ms === 0) return
    this.#isResting = true
    this.#port.clock.setTimer(ms, () => {
      this.#isResting = false
      this.look()
    })
  }

  #sealAgainIn(ms: number): void {
    this.#isRefused = true
    this.#port.clock.setTimer(ms, () => {
      this.#isRefused = false
      this.look()
    })
  }
}

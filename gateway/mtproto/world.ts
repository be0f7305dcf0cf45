import type { Clock, Random } from '../../runtime/index.js'
import { NEWEST_LAYER } from '../tl/index.js'
import type { AuthKey } from './auth-key.js'
import type { AuthKeyStore } from './auth-key-store.js'
import { AuthKeyCache } from './auth-keys.js'
import { ByteBudget } from './byte-budget.js'
import { PacketSealer } from './crypto/packet.js'
import type { MtprotoOptions } from './gateway.js'
import { Holders } from './holders.js'
import { limitsWith, type MtprotoLimits } from './limits.js'
import { type Log, silentLog } from './log.js'
import { type Long, readLong } from './long.js'
import { MessageIds } from './message-id.js'
import { type MtprotoMetrics, silentMetrics } from './metrics.js'
import { PartialPackets } from './partial-packets.js'
import type { RpcHandler } from './rpc.js'
import type { MtprotoSession } from './session.js'
import type { SessionHooks } from './session-view.js'
import { WorkAllowance } from './work.js'

const FLUSHED_AT_ONCE = 256
/** Looking through all sessions costs milliseconds. */
const RELIEVED_AT_MOST_EVERY_MS = 100

/** What all sessions and connections of one gateway share. */
export class World {
  readonly clock: Clock
  readonly random: Random
  readonly limits: MtprotoLimits
  readonly metrics: MtprotoMetrics
  readonly log: Log
  readonly hooks: SessionHooks
  readonly rpc: RpcHandler
  readonly isShared: boolean
  readonly store: AuthKeyStore
  readonly keys: AuthKeyCache
  readonly budget: ByteBudget
  readonly holders: Holders
  readonly partials: PartialPackets
  readonly sealer: PacketSealer
  readonly ids: MessageIds
  readonly newestLayer = NEWEST_LAYER
  /** Frees what sessions hold. */
  onShortOfMemory: () => void = () => {}
  #relievedMs = Number.NEGATIVE_INFINITY
  #toFlush: MtprotoSession[] = []

  constructor(options: MtprotoOptions) {
    this.clock = options.clock
    this.random = options.random
    this.limits = limitsWith(options.limits)
    this.metrics = options.metrics ?? silentMetrics
    this.log = options.log ?? silentLog
    this.hooks = options.hooks ?? {}
    this.rpc = options.rpc
    this.isShared = options.isShared ?? false
    this.store = options.authKeyStore
    this.keys = new AuthKeyCache(options.authKeyStore, options.clock, this.limits, this.isShared)
    this.budget = new ByteBudget(this.limits.bufferedBytes)
    this.holders = new Holders(this.budget, this.limits.bufferedBytesPerAccount)
    this.partials = new PartialPackets(this.limits.partialPacketBytes)
    this.sealer = new PacketSealer(options.random)
    this.ids = new MessageIds(options.clock)
  }

  nowSeconds(): number {
    return Math.floor(this.clock.now() / 1000)
  }

  /** More is held for clients than may be: frees some of it at once, though not for every message anew. */
  relieve(): void {
    const nowMs = this.clock.monotonic()
    if (nowMs - this.#relievedMs < RELIEVED_AT_MOST_EVERY_MS) return
    this.#relievedMs = nowMs
    this.onShortOfMemory()
  }

  /** Charges the clients of a key for work done for them. */
  spend(key: AuthKey, units: number): void {
    this.#workOf(key).spend(units)
  }

  /** How long a client of the key has to wait before more of its messages are taken. */
  workRestMs(key: AuthKey): number {
    return key.owner.work?.restMs(this.clock.monotonic()) ?? 0
  }

  /** Whether the key owes so much work that no packet of it is taken. */
  isOverdrawn(key: AuthKey): boolean {
    return key.owner.work?.isOverdrawn(this.clock.monotonic()) ?? false
  }

  #workOf({ owner }: AuthKey): WorkAllowance {
    owner.work ??= new WorkAllowance(this.limits, this.clock.monotonic())
    return owner.work
  }

  uniqueId(): Long {
    return readLong(this.random.bytes(8), 0)
  }

  /** Resolves when everybody else has had their turn. */
  othersFirst(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve))
  }

  /** Has the session write its messages once the current work is done, so that what it produces shares a packet. */
  flushSoon(session: MtprotoSession): void {
    if (session.flushing) return
    session.flushing = true
    if (this.#toFlush.push(session) === 1) setImmediate(this.#flushSlice)
  }

  /** Writes all that `flushSoon` put off. */
  flush(): void {
    const sessions = this.#toFlush
    this.#toFlush = []
    this.#flush(sessions)
  }

  /** A push to very many sessions must not keep the others' packets waiting: some at a time. */
  readonly #flushSlice = (): void => {
    const sessions = this.#toFlush
    this.#toFlush = sessions.length > FLUSHED_AT_ONCE ? sessions.splice(FLUSHED_AT_ONCE) : []
    if (this.#toFlush.length > 0) setImmediate(this.#flushSlice)
    this.#flush(sessions)
  }

  #flush(sessions: readonly MtprotoSession[]): void {
    for (const session of sessions) {
      try {
        session.flush()
      } catch (error) {
        // One session's trouble must not keep the others from being served.
        this.log.error({ err: error }, 'a session could not be written')
        session.link?.close('a session could not be written')
      }
    }
  }
}

import { User } from '../../actors/user/contract.js'
import type { Clock, Timer } from '../../runtime/index.js'
import type { ActorCalls } from '../api/index.js'
import type { Log } from '../mtproto/index.js'

export interface DeliveryAckLimits {
  readonly flushEveryMs: number
  /** Accounts noted between two flushes; what others acknowledge meanwhile is told with their next one. */
  readonly accounts: number
  readonly callTimeoutMs: number
  /** Calls to actors under way at once. */
  readonly inFlight: number
}

const defaultDeliveryAckLimits: DeliveryAckLimits = {
  flushEveryMs: 5000,
  accounts: 100_000,
  callTimeoutMs: 5000,
  inFlight: 64,
}

/** What devices acknowledged of pushes, gathered and told to their accounts in batches: an internal figure. */
export class DeliveryAcks {
  readonly #actors: ActorCalls
  readonly #clock: Clock
  readonly #log: Log
  readonly #limits: DeliveryAckLimits
  #noted = new Map<number, Map<string, number>>()
  #timer: Timer | undefined
  #flushing = false

  constructor(actors: ActorCalls, clock: Clock, log: Log, limits: Partial<DeliveryAckLimits> = {}) {
    this.#actors = actors
    this.#clock = clock
    this.#log = log
    this.#limits = { ...defaultDeliveryAckLimits, ...limits }
  }

  note(user: number, authKey: string, pts: number): void {
    let devices = this.#noted.get(user)
    if (!devices) {
      if (this.#noted.size >= this.#limits.accounts) return
      devices = new Map()
      this.#noted.set(user, devices)
    }
    devices.set(authKey, Math.max(devices.get(authKey) ?? 0, pts))
    this.#timer ??= this.#clock.setTimer(this.#limits.flushEveryMs, () => {
      this.#timer = undefined
      void this.flush()
    })
  }

  /** Tells at once what was noted of an account whose last session goes: another gateway may have it next. */
  async flushOf(user: number): Promise<void> {
    const devices = this.#noted.get(user)
    if (!devices) return
    this.#noted.delete(user)
    await this.#tell(user, devices)
  }

  /** Resolves when all that was noted has been told, or could not be. */
  async flush(): Promise<void> {
    if (this.#flushing) return
    this.#flushing = true
    const noted = this.#noted.entries()
    this.#noted = new Map()
    const tellNext = async (): Promise<void> => {
      for (const [user, devices] of noted) await this.#tell(user, devices)
    }
    await Promise.all(Array.from({ length: this.#limits.inFlight }, tellNext))
    this.#flushing = false
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  async #tell(user: number, devices: ReadonlyMap<string, number>): Promise<void> {
    const deadlineMs = this.#clock.now() + this.#limits.callTimeoutMs
    try {
      await this.#actors
        .ref(User, user, { deadlineMs, traceId: 'delivery-acks' })
        .acknowledged({ devices: [...devices].map(([authKey, pts]) => ({ authKey, pts })) })
    } catch (error) {
      this.#log.debug({ err: error, user }, 'delivery acknowledgements were not told')
    }
  }
}

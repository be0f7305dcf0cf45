import {
  type Clock,
  errorCode,
  type NodeIncarnation,
  type OwnershipRegister,
  type NodeLease as StoredLease,
  type Timer,
} from '../../runtime/index.js'

/** The relations between them are asserted at start (CORE O4). */
export interface LeaseLimits {
  /** How long a node may act after the moment before its last renewal was sent. */
  readonly lengthMs: number
  readonly renewEveryMs: number
  /** How far the wall clock may part from the monotonic one between two renewals before the lease is not believed. */
  readonly maxClockJumpMs: number
  /** Bound of each clock's rate against true time: 0.01 says at most one percent fast or slow. */
  readonly maxClockDrift: number
}

export const defaultLeaseLimits: LeaseLimits = {
  lengthMs: 1_500,
  renewEveryMs: 500,
  maxClockJumpMs: 500,
  maxClockDrift: 0.01,
}

/**
 * How long after reading a revocation nobody who had that lease acts any more, by one's own clock: a whole length, with
 * the former owner's clock as slow and one's own as fast as they may be (CORE O3).
 */
export function waitAfterRevocationMs(lengthMs: number, { maxClockDrift }: LeaseLimits): number {
  return Math.ceil((lengthMs * (1 + maxClockDrift)) / (1 - maxClockDrift))
}

export function checkLeaseLimits(limits: LeaseLimits): void {
  const { lengthMs, renewEveryMs, maxClockJumpMs, maxClockDrift } = limits
  const refuse = (cure: string) => {
    throw new TypeError(`lease limits ${JSON.stringify(limits)}: ${cure}`)
  }
  if (!(renewEveryMs > 0 && renewEveryMs * 3 <= lengthMs)) refuse('renewEveryMs is above 0 and at most lengthMs / 3')
  if (!(maxClockJumpMs > 0 && maxClockJumpMs < lengthMs)) refuse('maxClockJumpMs is above 0 and below lengthMs')
  if (!(maxClockDrift >= 0 && maxClockDrift < 0.5)) refuse('maxClockDrift is from 0 to below 0.5')
}

/**
 * The lease of this incarnation (CORE O2).
 *
 * N1. It ends its length after the moment before the renewal was sent, on the monotonic clock, or on the wall clock where
 *     that has gone on further.
 * N2. Every look compares both clocks itself; no timer decides. A wall clock that jumps against the monotonic one (a
 *     suspended machine) ends it at once, as does an event loop that stalls for too long.
 * N3. A lease that has ended is good again after a renewal that succeeds: nobody has what this node owns without revoking
 *     it first. One that was revoked is lost for good.
 */
export class NodeLease {
  readonly #register: OwnershipRegister
  readonly #clock: Clock
  readonly #limits: LeaseLimits
  readonly #self: NodeIncarnation
  readonly #lost: () => void
  #renewals = 0
  #endsMs = Number.NEGATIVE_INFINITY
  /** Since when it has held without a break. */
  #sinceMs = 0
  /** Wall clock minus monotonic clock when the lease was last renewed. */
  #offsetMs = 0
  #isLost = false
  #isStopped = false
  #timer: Timer | undefined

  constructor(register: OwnershipRegister, clock: Clock, limits: LeaseLimits, self: NodeIncarnation, lost: () => void) {
    this.#register = register
    this.#clock = clock
    this.#limits = limits
    this.#self = self
    this.#lost = lost
  }

  /** True while what this node does counts. */
  get holds(): boolean {
    const monotonicMs = this.#clock.monotonic()
    if (this.#isLost || monotonicMs >= this.#endsMs) return false
    const jumpMs = this.#clock.now() - monotonicMs - this.#offsetMs
    // A machine that was suspended for less than that has a monotonic clock that lacks as much.
    if (Math.abs(jumpMs) <= this.#limits.maxClockJumpMs) return monotonicMs + Math.max(0, jumpMs) < this.#endsMs
    this.#endsMs = Number.NEGATIVE_INFINITY
    return false
  }

  /** For how long it has held without a break; undefined: it does not. */
  get heldForMs(): number | undefined {
    return this.holds ? this.#clock.monotonic() - this.#sinceMs : undefined
  }

  /** Takes the lease in the place of `former`; false when that does not stand there any more. */
  async take(former: StoredLease | undefined): Promise<boolean> {
    const sent = this.#moment()
    if (!(await this.#register.takeLease(this.#stored(0), former))) return false
    this.#extend(sent)
    this.#renewLater()
    return true
  }

  /** No renewal is sent any more; one under way may still end. */
  stop(): void {
    this.#isStopped = true
    this.#endsMs = Number.NEGATIVE_INFINITY
    this.#timer?.cancel()
  }

  #renewLater(): void {
    if (this.#isStopped) return
    this.#timer = this.#clock.setTimer(this.#limits.renewEveryMs, () => void this.#renew())
  }

  async #renew(): Promise<void> {
    const sent = this.#moment()
    try {
      const isRenewed = await this.#register.renewLease(this.#stored(++this.#renewals))
      if (this.#isStopped) return
      if (isRenewed) this.#extend(sent)
      else this.#lose()
    } catch (error) {
      if (errorCode(error) === undefined) throw error
      // The store does not answer: the lease runs out unless a later renewal comes through.
    }
    if (!this.#isLost) this.#renewLater()
  }

  #moment(): { monotonicMs: number; offsetMs: number } {
    const monotonicMs = this.#clock.monotonic()
    return { monotonicMs, offsetMs: this.#clock.now() - monotonicMs }
  }

  #extend({ monotonicMs, offsetMs }: { monotonicMs: number; offsetMs: number }): void {
    if (!this.holds) this.#sinceMs = this.#clock.monotonic()
    this.#endsMs = monotonicMs + this.#limits.lengthMs
    this.#offsetMs = offsetMs
  }

  #lose(): void {
    this.#isLost = true
    this.#lost()
  }

  #stored(renewals: number): StoredLease {
    return { ...this.#self, lengthMs: this.#limits.lengthMs, renewals, isRevoked: false }
  }
}

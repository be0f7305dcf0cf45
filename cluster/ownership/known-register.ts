/**
 * The register as this node knows it.
 *
 * F1. It goes by the newest view that was read; a view is read whole, and views never go back.
 * F2. A change that the store may or may not have taken is sent again until it is known: nothing can be applied on a view
 *     that has passed.
 * F3. Whoever follows others glances, and reads only what a glance does not show. After a change that was not taken nothing
 *     counts that is older than what it was to be.
 * F4. However often others say that there is a newer view, one reading goes after it at a time.
 */
import {
  ActorError,
  type ActorLog,
  type Clock,
  errorCode,
  type OwnershipRegister,
  type OwnershipView,
  type Random,
} from '../../runtime/index.js'
import { pause } from './pause.js'
import { emptyView } from './views.js'

export interface RegisterLimits {
  /** The register is read at least so often, whoever says that it has changed. */
  readonly readEveryMs: number
  /** Longest wait for a view that another node knows. */
  readonly refreshMs: number
}

export interface RegisterPort {
  readonly register: OwnershipRegister
  readonly clock: Clock
  readonly random: Random
  readonly log: ActorLog
  /** Goes by a newer view from now on. */
  adopt(adopted: Adopted): void
}

export interface Adopted {
  readonly view: OwnershipView
  /** What this node went by until now. */
  readonly before: OwnershipView | undefined
  /** This node has made the change from the one to the other. */
  readonly isOwn: boolean
}

/** As the register has it, or what of it can be had in nobody's way. */
type Reading = 'read' | 'glance'

const mostTries = 50

export class KnownRegister {
  readonly #port: RegisterPort
  readonly #limits: RegisterLimits
  readonly #shardCount: number
  #view: OwnershipView | undefined
  /** What is under way, to be shared. */
  readonly #reading: Record<Reading, Promise<void> | undefined> = { read: undefined, glance: undefined }
  #lastChange: Promise<unknown> = Promise.resolve()
  /** The newest view that others have spoken of. */
  #seen = 0
  #isChasing = false
  #isStopped = false

  constructor(port: RegisterPort, limits: RegisterLimits, shardCount: number) {
    this.#port = port
    this.#limits = limits
    this.#shardCount = shardCount
  }

  get view(): OwnershipView | undefined {
    return this.#view
  }

  /** Makes the first view where there is none, and reads from now on. */
  async start(): Promise<void> {
    await this.#readAfresh()
    if (this.#view === undefined) {
      await this.#port.register.change(emptyView(this.#shardCount))
      await this.#readAfresh()
    }
  }

  /** Reads the register again and again. */
  follow(): void {
    this.#port.clock.setTimer(this.#limits.readEveryMs, () => {
      if (this.#isStopped) return
      void this.#read('glance')
        .catch((error) => this.#notRead(error))
        .then(() => this.follow())
    })
  }

  stop(): void {
    this.#isStopped = true
  }

  /** Resolves once this node goes by this view or a newer one. Rejects with STORE_UNAVAILABLE when it cannot. */
  async refresh(atLeast: number): Promise<void> {
    const { clock } = this.#port
    const untilMs = clock.monotonic() + this.#limits.refreshMs
    for (let how: Reading = 'glance'; !this.#knows(atLeast); how = 'read') {
      if (this.#isStopped || clock.monotonic() >= untilMs) {
        throw new ActorError('STORE_UNAVAILABLE', `view ${atLeast} cannot be read`, { retryAfterMs: 200 })
      }
      await this.#readAfresh(how).catch((error) => this.#notRead(error))
      if (!this.#knows(atLeast)) await pause(clock, 50)
    }
  }

  /** Another node says that there is this view. */
  saw(view: number): void {
    this.#seen = Math.max(this.#seen, view)
    if (this.#isChasing || this.#knows(this.#seen)) return
    this.#isChasing = true
    void this.#chase().finally(() => {
      this.#isChasing = false
    })
  }

  async #chase(): Promise<void> {
    try {
      while (!this.#knows(this.#seen)) await this.refresh(this.#seen)
    } catch (error) {
      this.#notRead(error)
    }
  }

  /**
   * Changes the register: `next` makes a view from the present one, or gives undefined when nothing is to be done; it is
   * asked again when another change was first. Rejects with STORE_UNAVAILABLE when the store does not answer: nothing was
   * changed then.
   */
  change(next: (view: OwnershipView) => OwnershipView | undefined): Promise<void> {
    const changing = this.#lastChange.then(() => this.#change(next))
    this.#lastChange = changing.catch(() => undefined)
    return changing
  }

  async #change(next: (view: OwnershipView) => OwnershipView | undefined): Promise<void> {
    for (let tries = 0; tries < mostTries; tries++) {
      if (this.#view === undefined) throw new ActorError('STORE_UNAVAILABLE', 'there is no register yet')
      const wanted = next(this.#view)
      if (wanted === undefined) return
      if (await this.#decide(wanted)) {
        this.#adopt(wanted, true)
        return
      }
      await this.#readAfresh('glance')
      if (!this.#knows(wanted.view)) await this.#readAfresh('read')
    }
    throw new ActorError('STORE_UNAVAILABLE', 'others change the register all the time', { retryAfterMs: 1_000 })
  }

  /** False: it was not applied, and never will be, or another change came on top of it. */
  async #decide(next: OwnershipView): Promise<boolean> {
    const { register, clock, random } = this.#port
    for (;;) {
      try {
        return await register.change(next)
      } catch (error) {
        if (errorCode(error) !== 'OUTCOME_UNKNOWN' || this.#isStopped) throw error
      }
      await pause(clock, 20 + random.int(80))
    }
  }

  /** A read that began after this call. */
  async #readAfresh(how: Reading = 'read'): Promise<void> {
    await this.#reading[how]?.catch(() => undefined)
    await this.#read(how)
  }

  /** Shares one that is under way. */
  #read(how: Reading): Promise<void> {
    this.#reading[how] ??= this.#readNow(how).finally(() => {
      this.#reading[how] = undefined
    })
    return this.#reading[how]
  }

  async #readNow(how: Reading): Promise<void> {
    const view = await this.#port.register[how]()
    if (view !== undefined) this.#adopt(view, false)
  }

  #notRead(error: unknown): void {
    if (errorCode(error) === undefined) throw error
    this.#port.log.warn({ error }, 'the register cannot be read; what is known of it stands')
  }

  #adopt(view: OwnershipView, isOwn: boolean): void {
    if (this.#isStopped || this.#knows(view.view)) return
    if (view.shardCount !== this.#shardCount) throw otherShardCount(view.shardCount, this.#shardCount)
    const before = this.#view
    this.#view = view
    this.#port.adopt({ view, before, isOwn })
  }

  #knows(view: number): boolean {
    return this.#view !== undefined && this.#view.view >= view
  }
}

function otherShardCount(stored: number, given: number): ActorError {
  return new ActorError('REFUSED', `The data has ${stored} shards and cannot have ${given}. Start with ${stored}.`, {
    reason: 'SHARD_COUNT_CHANGED',
  })
}

/**
 * Whoever coordinates: writes into the register what should be so. Any node may; the first by name among those that can does.
 *
 * B1. It decides nothing: what it writes goes through compare-and-set (O1), what it takes away through revocation (O3).
 *     Two of them at once plan the same, and the second finds nothing to do.
 * B2. A member that is suspected is revoked before it is taken out. The others wait their turn, so that one acts where all
 *     of them suspect.
 */
import {
  type ActorLog,
  type Clock,
  errorCode,
  type NodeId,
  type NodeIncarnation,
  type OwnershipRegister,
  type OwnershipView,
  type Timer,
} from '../../runtime/index.js'
import type { Adopted } from './known-register.js'
import { planned } from './plan.js'
import { isSameNode } from './shard-states.js'

/** What the coordinator asks of this node's ownership. */
export interface Registered {
  readonly self: NodeId
  readonly view: OwnershipView | undefined
  readonly isMember: boolean
  change(next: (view: OwnershipView) => OwnershipView | undefined): Promise<void>
  onView(listener: (adopted: Adopted) => void): void
}

export interface CoordinatorOptions {
  readonly ownership: Registered
  readonly register: Pick<OwnershipRegister, 'revokeLease'>
  readonly clock: Clock
  readonly log: ActorLog
  /** As far as this node knows, it is alive and has its lease: one without cannot change the register. */
  isFit(node: NodeId): boolean
  readonly limits?: Partial<CoordinatorLimits>
}

export interface CoordinatorLimits {
  readonly lookEveryMs: number
  /** How much longer each next node in order waits before it acts on a suspicion. */
  readonly turnMs: number
  /** Several members that come at nearly the same moment are planned for together. */
  readonly settleMs: number
}

const defaultLimits: CoordinatorLimits = { lookEveryMs: 500, turnMs: 300, settleMs: 50 }

export class Coordinator {
  readonly #options: CoordinatorOptions
  readonly #limits: CoordinatorLimits
  /** Incarnations whose lease this node has seen revoked. */
  readonly #gone = new Set<string>()
  #timer: Timer | undefined
  #soon: Timer | undefined
  #isLooking = false
  #isStopped = false

  constructor(options: CoordinatorOptions) {
    this.#options = options
    this.#limits = { ...defaultLimits, ...options.limits }
  }

  start(): void {
    this.#options.ownership.onView(({ view }) => {
      for (const incarnation of this.#gone) {
        if (!view.members.some((member) => member.incarnation === incarnation)) this.#gone.delete(incarnation)
      }
      this.#lookSoon()
    })
    this.#lookSoon()
    this.#lookLater()
  }

  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
    this.#soon?.cancel()
  }

  /** It answers nobody, or has no lease, and says so; `of` is for the log. */
  suspected(member: NodeIncarnation, of?: string): void {
    const { clock } = this.#options
    clock.setTimer(this.#rank() * this.#limits.turnMs, () => {
      this.#takeOut(member, of).catch((error) => this.#failed(error))
    })
  }

  async #takeOut(member: NodeIncarnation, of: string | undefined): Promise<void> {
    const { ownership, register, log } = this.#options
    const isStill = () => ownership.view?.members.some((each) => isSameNode(each, member)) === true
    if (this.#isStopped || !isStill() || this.#gone.has(member.incarnation)) return
    log.warn({ ...member, ...(of && { of }) }, 'a node answers nobody, or cannot renew its lease: it is revoked')
    while (!(await register.revokeLease(member)));
    this.#gone.add(member.incarnation)
    await this.plan()
  }

  /** How many nodes that can coordinate come before this one. */
  #rank(): number {
    const { ownership, isFit } = this.#options
    const before = ownership.view?.members.filter(({ node }) => node < ownership.self && isFit(node))
    return before?.length ?? 0
  }

  #lookSoon(): void {
    if (this.#isStopped) return
    this.#soon ??= this.#options.clock.setTimer(this.#limits.settleMs, () => {
      this.#soon = undefined
      this.#look()
    })
  }

  #lookLater(): void {
    this.#timer = this.#options.clock.setTimer(this.#limits.lookEveryMs, () => {
      this.#look()
      this.#lookLater()
    })
  }

  #look(): void {
    if (this.#isLooking || this.#isStopped || !this.#options.ownership.isMember || this.#rank() > 0) return
    this.#isLooking = true
    this.plan()
      .catch((error) => this.#failed(error))
      .finally(() => {
        this.#isLooking = false
      })
  }

  /** Writes what should be so, if that is not so already. */
  async plan(): Promise<void> {
    await this.#options.ownership.change((view) => planned(view, ({ incarnation }) => this.#gone.has(incarnation)))
  }

  #failed(error: unknown): void {
    if (errorCode(error) === undefined) throw error
    this.#options.log.warn({ error }, 'the register could not be changed; it is looked at again')
  }
}

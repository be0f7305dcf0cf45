/**
 * What this node owns, as one of several (CORE O1-O3).
 *
 * W1. It learns owners and epochs from the register alone. A shard is its own only if the register names this
 *     incarnation; whatever was under another epoch is over.
 * W2. A shard that was taken from a revoked owner opens a whole lease with both drifts after the moment at which this
 *     node had read so, and cannot be given away before.
 * W3. From the moment a seal is sent, nothing counts any more that this node does for the shard under that epoch, unless
 *     the register shows that the seal was not and can no longer be applied.
 * W4. A node whose lease was revoked abandons everything and joins again as a new incarnation.
 * W5. While its process lives, a node that is to give its shards away stays so, also when it joins again.
 */
import {
  ActorError,
  type ActorLog,
  type Clock,
  DEFAULT_SHARD_COUNT,
  errorCode,
  type NodeId,
  type NodeIncarnation,
  type NodeMember,
  type Ownership,
  type OwnershipRegister,
  type OwnershipView,
  type Random,
  type SealedShard,
  type ShardRange,
} from '../../runtime/index.js'
import { Handover, type HandoverLimits, type ShardHost } from './handover.js'
import { type Adopted, KnownRegister, type RegisterLimits } from './known-register.js'
import {
  checkLeaseLimits,
  defaultLeaseLimits,
  type LeaseLimits,
  NodeLease,
  waitAfterRevocationMs,
} from './node-lease.js'
import { pause } from './pause.js'
import { isPlace } from './plan.js'
import { isSameNode, rangesOf, runsOf, type ShardState, statesOf } from './shard-states.js'
import { giversOf, withDraining, withMember, withoutMember } from './views.js'

export interface ClusterOwnershipOptions {
  readonly register: OwnershipRegister
  readonly clock: Clock
  readonly random: Random
  readonly log: ActorLog
  readonly self: Pick<NodeMember, 'node' | 'roles' | 'weight'>
  /** Fixed once data is stored. Default: DEFAULT_SHARD_COUNT. */
  readonly shardCount?: number
  /** The same on every node. */
  readonly lease?: Partial<LeaseLimits>
  readonly limits?: Partial<OwnershipLimits>
  /** Rejects with REFUSED when this node must not become a member beside those of the view; asked before it first does. */
  readonly admit?: (view: OwnershipView) => Promise<void>
  /** Asked just before that, when the members are known. Rejects with REFUSED when they do not reach it at this address. */
  readonly introduce?: (address: string) => Promise<void>
}

export interface OwnershipLimits extends HandoverLimits, RegisterLimits {
  /** How long a node that starts asks a store that does not answer. */
  readonly joinMs: number
}

const defaultOwnershipLimits: OwnershipLimits = {
  joinMs: 60_000,
  readEveryMs: 1_000,
  refreshMs: 2_000,
  drainMs: 5_000,
  drainingShards: 64,
  groupShards: 64,
  groupActors: 64,
  mostGroupShards: 4_096,
  gatherMs: 60,
  restMs: 250,
  turnMs: 300,
  sealAgainMs: 200,
}

/**
 * `waiting`: for the end of a revoked owner's lease. `open`: takes calls. `draining`: takes no new ones. `drained`: nothing
 * is under way. `sealing`: a seal was sent, and it is not known what became of it.
 */
export type Phase = 'waiting' | 'open' | 'draining' | 'drained' | 'sealing'

export interface OwnShard {
  readonly epoch: number
  phase: Phase
  /** Which drain of this node it is in, or was in last. */
  drain?: number
}

export class ClusterOwnership implements Ownership {
  readonly self: NodeId
  readonly shardCount: number
  readonly #options: ClusterOwnershipOptions
  readonly #lease: LeaseLimits
  readonly #limits: OwnershipLimits
  readonly #register: KnownRegister
  readonly #handover: Handover
  readonly #changeListeners: ((shards: readonly ShardRange[]) => void)[] = []
  readonly #viewListeners: ((adopted: Adopted) => void)[] = []
  #me: NodeIncarnation
  #address = ''
  #nodeLease: NodeLease | undefined
  #host: ShardHost | undefined
  #states: readonly ShardState[] = []
  #own: (OwnShard | undefined)[] = []
  #justOpened: number[] = []
  readonly #waiters: (() => void)[] = []
  #isLeaving = false
  /** An operator has it give its shards away; remembered while a lost lease has it be no member. */
  #isDrained = false
  #isOver = false

  constructor(options: ClusterOwnershipOptions) {
    this.#options = options
    this.#lease = { ...defaultLeaseLimits, ...options.lease }
    checkLeaseLimits(this.#lease)
    this.#limits = { ...defaultOwnershipLimits, ...options.limits }
    this.self = options.self.node
    this.shardCount = options.shardCount ?? DEFAULT_SHARD_COUNT
    this.#me = this.#newIncarnation()
    const { register, clock, random, log } = options
    this.#register = new KnownRegister(
      { register, clock, random, log, adopt: (adopted) => this.#adopt(adopted) },
      this.#limits,
      this.shardCount,
    )
    this.#handover = new Handover(
      {
        clock,
        log,
        shards: () => this.#own,
        opened: (shards) => this.#opened(shards),
        targetOf: (shard) => this.#targetOf(shard),
        changed: (shards) => this.#tell(shards),
        seal: (shards) => this.#seal(shards),
        host: () => this.#host,
        self: this.self,
        givers: () => giversOf(this.view),
      },
      this.#limits,
    )
  }

  // What the runtime asks.

  ownerOf(shard: number): NodeId | undefined {
    const owner = this.#states[shard]?.owner
    if (owner === undefined) return undefined
    return owner.node !== this.self || owner.incarnation === this.#me.incarnation ? owner.node : undefined
  }

  epochOf(shard: number): number | undefined {
    const own = this.#own[shard]
    return own !== undefined && own.phase === 'open' ? own.epoch : undefined
  }

  holds(shard: number, epoch: number): boolean {
    const own = this.#own[shard]
    if (own === undefined || own.epoch !== epoch) return false
    if (own.phase !== 'open' && own.phase !== 'draining') return false
    return this.#nodeLease?.holds === true
  }

  newestEpochOf(shard: number): number {
    return this.#states[shard]?.epoch ?? 0
  }

  onChange(listener: (shards: readonly ShardRange[]) => void): void {
    this.#changeListeners.push(listener)
  }

  // What the rest of the node asks.

  get incarnation(): string {
    return this.#me.incarnation
  }

  /** The newest view that was read. */
  get view(): OwnershipView | undefined {
    return this.#register.view
  }

  /** True while this node is a member and its lease holds. */
  get isMember(): boolean {
    return this.#nodeLease?.holds === true && this.#memberOf(this.self)?.incarnation === this.#me.incarnation
  }

  /** For how long this node has had its lease without a break; undefined: it has none, and nothing that it does counts. */
  get heldForMs(): number | undefined {
    return this.#nodeLease?.heldForMs
  }

  /** How many shards of this node are in each phase. */
  phases(): Readonly<Record<Phase, number>> {
    const phases = { waiting: 0, open: 0, draining: 0, drained: 0, sealing: 0 }
    for (const own of this.#own) if (own !== undefined) phases[own.phase]++
    return phases
  }

  /** Told of each newer view, once this node goes by it. */
  onView(listener: (adopted: Adopted) => void): void {
    this.#viewListeners.push(listener)
  }

  /**
   * Becomes a member, reached at `address`, under a lease and a new incarnation; shards of a former incarnation of this
   * node are waited for. A store that does not answer is asked again for `joinMs`. Rejects with REFUSED (reasons
   * ALREADY_OWNED, SHARD_COUNT_CHANGED, and those of `admit`), STORE_UNAVAILABLE and OUTCOME_UNKNOWN.
   */
  async join(address: string, host: ShardHost): Promise<void> {
    this.#address = address
    this.#host = host
    const giveUpMs = this.#options.clock.monotonic() + this.#limits.joinMs
    try {
      while (!(await this.#triedToJoin(true, giveUpMs)));
    } catch (error) {
      this.seal()
      throw error
    }
    this.#register.follow()
  }

  /** Gives every shard away, or seals it where nobody could take it, and is no member any more. False: not in time. */
  async leave(withinMs: number): Promise<boolean> {
    const { clock } = this.#options
    const untilMs = clock.monotonic() + withinMs
    this.#isLeaving = true
    try {
      await this.setDraining(this.self, true)
      while (clock.monotonic() < untilMs) {
        if (!this.#own.some((own) => own !== undefined)) {
          // Where nobody else can take them, a coordinator may have given it others meanwhile.
          await this.change((view) => withoutMember(view, this.#me))
          if (this.#memberOf(this.self)?.incarnation !== this.#me.incarnation) return true
        }
        this.#handover.look()
        await this.#changedOr(50)
      }
      return false
    } catch (error) {
      if (errorCode(error) === undefined) throw error
      return false
    } finally {
      this.seal()
    }
  }

  /** Ends at once, as a crash would: nothing that this process does counts any more, and others wait for the lease. */
  seal(): void {
    this.#isOver = true
    this.#register.stop()
    this.#nodeLease?.stop()
    this.#own = []
  }

  /** A draining member gives its shards away and gets none. */
  setDraining(node: NodeId, isDraining: boolean): Promise<void> {
    return this.change((view) => withDraining(view, node, isDraining))
  }

  /** Resolves once this node goes by this view or a newer one. Rejects with STORE_UNAVAILABLE when it cannot. */
  refresh(atLeast: number): Promise<void> {
    return this.#register.refresh(atLeast)
  }

  /** Another node says that there is this view. */
  saw(view: number): void {
    this.#register.saw(view)
  }

  /** Changes the register: see KnownRegister.change. */
  change(next: (view: OwnershipView) => OwnershipView | undefined): Promise<void> {
    return this.#register.change(next)
  }

  #adopt(adopted: Adopted): void {
    const { view } = adopted
    const own = this.#memberOf(this.self)
    if (own?.incarnation === this.#me.incarnation) this.#isDrained = own.isDraining
    const former = this.#states
    this.#states = statesOf(view)
    const changed: number[] = []
    const waiting: number[] = []
    let giver: NodeId | undefined
    for (let shard = 0; shard < this.shardCount; shard++) {
      const state = this.#states[shard]!
      const isGiven = !isSameNode(former[shard]?.owner, state.owner)
      if (isGiven && !state.mustWait) giver = former[shard]?.owner?.node ?? giver
      if (this.#settle(shard, state, waiting) || isGiven) changed.push(shard)
    }
    if (giver !== undefined) this.#handover.sealed(giver)
    this.#options.log.debug({ view: view.view, changed: changed.length }, 'goes by a newer view')
    this.#openAfterWait(waiting)
    this.#tell(changed)
    this.#handover.look()
    for (const listener of this.#viewListeners) listener(adopted)
  }

  /** Takes in what the register says of a shard; true when what this node does with it has changed. */
  #settle(shard: number, { owner, epoch, mustWait }: ShardState, waiting: number[]): boolean {
    const own = this.#own[shard]
    if (!isSameNode(owner, this.#me)) {
      if (own !== undefined) this.#own[shard] = undefined
      return own !== undefined
    }
    if (own?.epoch === epoch) return false
    this.#own[shard] = { epoch, phase: mustWait ? 'waiting' : 'open' }
    if (mustWait) waiting.push(shard)
    else this.#opened([shard])
    return true
  }

  #openAfterWait(shards: readonly number[]): void {
    if (shards.length === 0) return
    const { clock, log } = this.#options
    const waitMs = waitAfterRevocationMs(this.#lease.lengthMs, this.#lease)
    const waiting = shards.map((shard) => this.#own[shard])
    log.info({ shards: shards.length, waitMs }, 'shards of a revoked owner: its lease is waited out')
    const open = () => {
      const opened = shards.filter((shard, index) => {
        const own = this.#own[shard]
        return own !== undefined && own === waiting[index] && own.phase === 'waiting'
      })
      for (const shard of opened) this.#own[shard]!.phase = 'open'
      this.#opened(opened)
      this.#tell(opened)
      this.#handover.look()
    }
    this.#at(clock.monotonic() + waitMs, open)
  }

  /** A timer may fire a moment early. */
  #at(atMs: number, run: () => void): void {
    const { clock } = this.#options
    clock.setTimer(atMs - clock.monotonic(), () => {
      if (clock.monotonic() >= atMs) run()
      else this.#at(atMs, run)
    })
  }

  /** Told once those that open together are known. */
  #opened(shards: readonly number[]): void {
    if (this.#justOpened.length === 0) queueMicrotask(() => this.#acquire())
    this.#justOpened.push(...shards)
  }

  #acquire(): void {
    const shards = this.#justOpened.filter((shard) => this.epochOf(shard) !== undefined)
    this.#justOpened = []
    if (shards.length > 0) this.#host?.acquire(rangesOf(shards))
  }

  #tell(shards: readonly number[]): void {
    if (shards.length === 0) return
    const ranges = rangesOf(shards)
    for (const listener of this.#changeListeners) listener(ranges)
    for (const wake of this.#waiters.splice(0)) wake()
  }

  #changedOr(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#waiters.push(resolve)
      this.#options.clock.setTimer(ms, resolve)
    })
  }

  // Giving shards away.

  /** Who is to get a shard of this node: null is nobody, undefined that it stays. */
  #targetOf(shard: number): NodeIncarnation | null | undefined {
    const next = this.#states[shard]?.next
    if (next !== undefined) return next
    return this.#isLeaving && this.view?.members.some(isPlace) !== true ? null : undefined
  }

  /** Seals drained shards; those that it still owns afterwards were certainly not sealed. */
  async #seal(shards: readonly number[]): Promise<void> {
    const me = this.#me
    const sealed = new Map<NodeId, SealedShard[]>()
    await this.change((view) => {
      sealed.clear()
      const states = statesOf(view)
      let isChanged = false
      for (const shard of shards) {
        const state = states[shard]!
        const target = this.#targetOf(shard)
        const own = this.#own[shard]
        if (target === undefined || own?.phase !== 'sealing') continue
        if (!isSameNode(state.owner, me) || state.epoch !== own.epoch) continue
        states[shard] = { epoch: state.epoch + 1, owner: target ?? undefined, next: undefined, mustWait: false }
        isChanged = true
        if (target === null) continue
        const others = sealed.get(target.node) ?? []
        sealed.set(target.node, others)
        others.push({ shard, epoch: own.epoch })
      }
      return isChanged ? { ...view, view: view.view + 1, shards: runsOf(states) } : undefined
    })
    for (const [node, shards] of sealed) this.#host?.sealed(shards, node)
  }

  // Membership.

  async #join(isFirst: boolean): Promise<void> {
    const { register, clock, log, admit } = this.#options
    const me = this.#me
    if (isFirst && admit !== undefined) {
      const view = await register.read()
      if (view !== undefined) await admit(view)
    }
    const former = await register.readLease(this.self)
    if (isFirst && former !== undefined && !former.isRevoked) await this.#refuseIfAlive(former.incarnation)
    const lease = new NodeLease(register, clock, this.#lease, me, () => this.#revoked(me))
    if (!(await lease.take(await register.readLease(this.self)))) {
      lease.stop()
      throw alreadyOwned(this.self)
    }
    this.#nodeLease = lease
    await this.#register.start()
    if (isFirst) await this.#options.introduce?.(this.#address)
    await this.change((view) => withMember(view, this.#member()))
    log.info({ ...me, view: this.view?.view }, 'this node is a member')
  }

  #member(): NodeMember {
    const { roles, weight } = this.#options.self
    return { ...this.#me, address: this.#address, roles, weight, isDraining: this.#isLeaving || this.#isDrained }
  }

  /** A node that renews its lease is alive: two of one name would take it from each other for ever. */
  async #refuseIfAlive(incarnation: string): Promise<void> {
    const { register, clock } = this.#options
    const seen = await register.readLease(this.self)
    // An orderly end leaves no member.
    const view = await register.read()
    if (view?.members.some((member) => member.incarnation === incarnation) !== true || seen === undefined) return
    await pause(clock, this.#lease.renewEveryMs * 2)
    const later = await register.readLease(this.self)
    if (later?.incarnation === incarnation && later.renewals !== seen.renewals) throw alreadyOwned(this.self)
  }

  #revoked(me: NodeIncarnation): void {
    if (this.#isOver || this.#me.incarnation !== me.incarnation) return
    const { log } = this.#options
    log.error({ ...me }, 'the lease of this node was revoked: it abandons what it had and joins again')
    this.#abandon()
    void this.#joinAgain()
  }

  #abandon(): void {
    const had = [...this.#own.keys()].filter((shard) => this.#own[shard] !== undefined)
    this.#nodeLease?.stop()
    this.#own = []
    this.#me = this.#newIncarnation()
    this.#host?.abandon()
    this.#tell(had)
  }

  async #joinAgain(): Promise<void> {
    while (!this.#isOver && !(await this.#triedToJoin(false, Number.POSITIVE_INFINITY)));
  }

  /** False: the store does not answer, or another incarnation was quicker; it is to be tried again. */
  async #triedToJoin(isFirst: boolean, giveUpMs: number): Promise<boolean> {
    const { clock, log } = this.#options
    try {
      await this.#join(isFirst)
      return true
    } catch (error) {
      const code = errorCode(error)
      const isFinal = code === undefined || (isFirst && code === 'REFUSED')
      if (isFinal || clock.monotonic() >= giveUpMs) throw error
      log.warn({ error }, 'this node cannot join; it tries again')
      this.#nodeLease?.stop()
      this.#me = this.#newIncarnation()
      await pause(clock, this.#lease.renewEveryMs)
      return false
    }
  }

  #newIncarnation(): NodeIncarnation {
    return { node: this.#options.self.node, incarnation: this.#options.random.bytes(8).toString('hex') }
  }

  #memberOf(node: NodeId): NodeMember | undefined {
    return this.view?.members.find((member) => member.node === node)
  }
}

function alreadyOwned(node: NodeId): ActorError {
  return new ActorError(
    'REFUSED',
    `Another process that calls itself ${node} is a member and alive. Stop it first, or give this one a name of its own.`,
    { reason: 'ALREADY_OWNED' },
  )
}

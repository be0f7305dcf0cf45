import {
  ActorError,
  type ActorLog,
  type Clock,
  DEFAULT_SHARD_COUNT,
  type NodeId,
  type NodeIncarnation,
  type Ownership,
  type OwnershipRegister,
  type OwnershipView,
  type Random,
  type NodeLease as StoredLease,
} from '../../runtime/index.js'
import {
  checkLeaseLimits,
  defaultLeaseLimits,
  type LeaseLimits,
  NodeLease,
  waitAfterRevocationMs,
} from './node-lease.js'
import { pause } from './pause.js'

export interface SoleOwnershipOptions {
  readonly register: OwnershipRegister
  readonly clock: Clock
  readonly random: Random
  readonly log: ActorLog
  /** This node's name; two that run at once must not share one. Default: `local`. */
  readonly self?: NodeId
  /** Fixed once data is stored. Default: DEFAULT_SHARD_COUNT. */
  readonly shardCount?: number
  readonly lease?: Partial<LeaseLimits>
}

/** The ownership of a node that is alone on servers: every shard, under one epoch a start. */
export interface SoleOwnership extends Ownership {
  /** This start's epoch. */
  readonly epoch: number
  /** Resolves when the lease was revoked: this process can own nothing any more and has to be started again. */
  readonly lost: Promise<void>
  /** From here on nothing counts any more that this process does. */
  seal(): void
  /** Seals, and says so in the register: the next start need not wait. Nothing may be in flight any more. */
  close(): Promise<void>
}

const mostTries = 10
/** Of a member that is no node: nobody reaches a process that is alone. */
export const soleAddress = ''

/**
 * Takes all shards for this process.
 *
 * 1. A former owner that has sealed is over. Another one's lease is revoked, and then a whole lease with both clocks' drift
 *    is waited out from the moment the revocation was read, before the epochs rise (CORE O3).
 * 2. An owner that renews its lease is alive: REFUSED, reason ALREADY_OWNED. It is looked at for one lease, so a start
 *    after a crash takes two leases and what the store takes.
 * 3. The epoch is above every epoch of the register, which never falls.
 *
 * Rejects also with REFUSED (reason SHARD_COUNT_CHANGED), STORE_UNAVAILABLE and OUTCOME_UNKNOWN.
 */
export async function openSoleOwnership(options: SoleOwnershipOptions): Promise<SoleOwnership> {
  const limits = { ...defaultLeaseLimits, ...options.lease }
  checkLeaseLimits(limits)
  const { register, random, self = 'local', shardCount = DEFAULT_SHARD_COUNT } = options
  const me = { node: self, incarnation: random.bytes(8).toString('hex') }
  for (let tries = 0; tries < mostTries; tries++) {
    const view = await register.read()
    if (view && view.shardCount !== shardCount) throw otherShardCount(view.shardCount, shardCount)
    const owners = ownersOf(view)
    await Promise.all(owners.map((owner) => endOf(owner, options, limits)))
    const owner = new SoleOwner(options, limits, me)
    if (!(await owner.lease.take(await register.readLease(self)))) continue
    if (await owner.takeAll(view, shardCount)) return owner
    owner.lease.stop()
  }
  throw new ActorError('STORE_UNAVAILABLE', 'Another process changes the register all the time.', {
    retryAfterMs: 1_000,
  })
}

class SoleOwner implements SoleOwnership {
  readonly self: NodeId
  readonly lease: NodeLease
  readonly lost: Promise<void>
  readonly #register: OwnershipRegister
  readonly #me: NodeIncarnation
  #view: OwnershipView | undefined
  #isSealed = false

  constructor({ register, clock, log }: SoleOwnershipOptions, limits: LeaseLimits, me: NodeIncarnation) {
    this.self = me.node
    this.#register = register
    this.#me = me
    let lose = () => {}
    this.lost = new Promise((resolve) => {
      lose = resolve
    })
    this.lease = new NodeLease(register, clock, limits, me, () => {
      log.error({ ...me }, 'the lease of this node was revoked: it owns nothing any more')
      lose()
    })
  }

  get shardCount(): number {
    return this.#view?.shardCount ?? 0
  }

  get epoch(): number {
    return this.#view?.shards[0]?.epoch ?? 0
  }

  async takeAll(former: OwnershipView | undefined, shardCount: number): Promise<boolean> {
    const epoch = Math.max(0, ...(former?.shards ?? []).map((run) => run.epoch)) + 1
    const view: OwnershipView = {
      view: (former?.view ?? 0) + 1,
      shardCount,
      members: [{ ...this.#me, address: soleAddress, roles: ['gateway', 'actors'], weight: 1, isDraining: false }],
      shards: [{ from: 0, to: shardCount - 1, epoch, owner: this.#me, next: undefined, mustWait: false }],
    }
    if (!(await this.#register.change(view))) return false
    this.#view = view
    return true
  }

  seal(): void {
    this.#isSealed = true
    this.lease.stop()
  }

  async close(): Promise<void> {
    this.seal()
    const view = this.#view
    if (view === undefined) return
    const shards = view.shards.map((run) => ({ ...run, owner: undefined }))
    await this.#register.change({ ...view, view: view.view + 1, members: [], shards })
  }

  ownerOf(shard: number): NodeId | undefined {
    return this.#has(shard) ? this.self : undefined
  }

  epochOf(shard: number): number | undefined {
    return this.#has(shard) ? this.epoch : undefined
  }

  holds(shard: number, epoch: number): boolean {
    return epoch === this.epoch && this.#has(shard) && this.lease.holds
  }

  newestEpochOf(): number {
    return this.epoch
  }

  #has(shard: number): boolean {
    return !this.#isSealed && shard >= 0 && shard < this.shardCount
  }
}

function ownersOf(view: OwnershipView | undefined): NodeIncarnation[] {
  const owners = new Map<string, NodeIncarnation>()
  for (const { owner } of view?.shards ?? []) if (owner) owners.set(`${owner.incarnation}/${owner.node}`, owner)
  return [...owners.values()]
}

/**
 * For a node of a cluster that is to join: rejects with REFUSED (ALREADY_OWNED) while a process that is alone has the data and
 * renews its lease, for which it is looked at for one. It would not give its shards away, and be ended by the others.
 */
export async function refuseBesideSole(
  { members }: OwnershipView,
  { register, clock }: Pick<SoleOwnershipOptions, 'register' | 'clock'>,
): Promise<void> {
  const sole = members.filter(({ address }) => address === soleAddress)
  await Promise.all(
    sole.map(async (owner) => {
      const seen = await register.readLease(owner.node)
      if (await isRenewed(owner, seen, register, clock)) throw alreadyOwned(owner)
    }),
  )
}

async function isRenewed(
  { node, incarnation }: NodeIncarnation,
  seen: StoredLease | undefined,
  register: OwnershipRegister,
  clock: Clock,
): Promise<boolean> {
  if (seen?.incarnation !== incarnation || seen.isRevoked) return false
  await pause(clock, seen.lengthMs)
  const later = await register.readLease(node)
  return later?.incarnation === incarnation && later.renewals !== seen.renewals
}

/** Resolves when the owner certainly acts no more. */
async function endOf(owner: NodeIncarnation, options: SoleOwnershipOptions, limits: LeaseLimits): Promise<void> {
  const { register, clock, log } = options
  const seen = await register.readLease(owner.node)
  if (await isRenewed(owner, seen, register, clock)) throw alreadyOwned(owner)
  while (!(await register.revokeLease(owner)));
  const waitMs = waitAfterRevocationMs(Math.max(limits.lengthMs, seen?.lengthMs ?? 0), limits)
  log.info({ ...owner, waitMs }, 'the former owner has not sealed: its lease is revoked and waited out')
  await pause(clock, waitMs)
}

function alreadyOwned({ node }: NodeIncarnation): ActorError {
  return new ActorError(
    'REFUSED',
    `Another process that calls itself ${node} owns the data and is alive. Stop it first, or give this one a keyspace of its own.`,
    { reason: 'ALREADY_OWNED' },
  )
}

function otherShardCount(stored: number, given: number): ActorError {
  return new ActorError('REFUSED', `The data has ${stored} shards and cannot have ${given}. Start with ${stored}.`, {
    reason: 'SHARD_COUNT_CHANGED',
  })
}

/**
 * The port through which nodes agree who owns what (CORE O1, O2): a row for all shards and a row a node, in a store where
 * a compare-and-set is decided once for everybody.
 *
 * It stands here because both sides import the runtime only: cluster/ decides by it, storage/ drives it.
 *
 * W1. `read` and `readLease` see every change that was acknowledged before they began.
 * W2. A change is applied once, and only on what it names as its former state. When it is not known whether it was, the
 *     driver finds out; where it cannot, it rejects with OUTCOME_UNKNOWN, and the caller reads before it tries again.
 * W3. A lease that was revoked, or taken by another incarnation, is never renewed again by this one.
 * W4. `glance` gives a view that was decided, perhaps not the newest, or nothing where there is one already. It gets in the
 *     way of no change, as a `read` does, for which a store has to agree as well.
 */
import type { ShardRange } from './journal-store.js'
import type { NodeId } from './ownership.js'

/** A node from one start of its process to the next. */
export interface NodeIncarnation {
  readonly node: NodeId
  /** New and random at each start. */
  readonly incarnation: string
}

/** `gateway`: takes clients. `actors`: owns shards. */
export type NodeRole = 'gateway' | 'actors'

export interface NodeMember extends NodeIncarnation {
  /** Where other nodes reach it, as `host:port`; empty when it is alone. */
  readonly address: string
  readonly roles: readonly NodeRole[]
  /** Its share of the shards beside other members; above 0. */
  readonly weight: number
  /** It gives its shards away and gets none. */
  readonly isDraining: boolean
}

/** Shards that lie side by side and have the same owner and epoch. */
export interface ShardRun extends ShardRange {
  /** Rises with every change of owner, and never falls. */
  readonly epoch: number
  /** Undefined: the last owner has sealed the epoch, and nobody owns them now. */
  readonly owner: NodeIncarnation | undefined
  /** Who is to own them once the owner has sealed. */
  readonly next: NodeIncarnation | undefined
  /** The former owner has not sealed but was revoked: this one waits its lease out before it opens (CORE O3). */
  readonly mustWait: boolean
}

export interface OwnershipView {
  /** 1, 2, 3, ...: one more with every change. */
  readonly view: number
  readonly shardCount: number
  readonly members: readonly NodeMember[]
  /** From shard 0 to the last, without a gap. Every owner and every next one is a member. */
  readonly shards: readonly ShardRun[]
}

export interface NodeLease extends NodeIncarnation {
  readonly lengthMs: number
  /** Counts the renewals of this incarnation: whoever sees it stand still may suspect the node. */
  readonly renewals: number
  readonly isRevoked: boolean
}

export interface OwnershipRegister {
  /** Undefined: nothing was ever stored. */
  read(): Promise<OwnershipView | undefined>
  /** For those who follow what others change: see W4. */
  glance(): Promise<OwnershipView | undefined>
  /** Puts `next` in the place of the view before it (`next.view - 1`; 0: of nothing). False: another change was first. */
  change(next: OwnershipView): Promise<boolean>
  readLease(node: NodeId): Promise<NodeLease | undefined>
  /** Puts a lease of a new incarnation in the place of what was read. False: something else stands there by now. */
  takeLease(lease: NodeLease, former: NodeLease | undefined): Promise<boolean>
  /** False: this incarnation's lease was revoked or taken. */
  renewLease(lease: NodeLease): Promise<boolean>
  /** True when the lease of this incarnation is revoked or gone now, whoever did it. */
  revokeLease(of: NodeIncarnation): Promise<boolean>
}

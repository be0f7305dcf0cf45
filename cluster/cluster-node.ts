/**
 * One node of a cluster: transport, ownership, membership and coordination, put together.
 *
 * N1. It takes calls of others from `join` on, and says NOT_OWNER of all that it does not own.
 * N2. Nothing but the register decides: what is heard on the bus, or in the headers of batches, makes this node read it.
 * N3. It works without the bus, only slower to hear of changes.
 * N4. It does not become a member beside one whose protocol it does not speak: calls between the two could only fail.
 * N5. It does not become a member that others do not reach: it would be given shards, and calls to them would wait for ever.
 */
import {
  ActorError,
  type ActorLog,
  type ActorSystem,
  type Clock,
  decode,
  encode,
  type NodeId,
  type NodeIncarnation,
  type NodeMember,
  type OwnershipRegister,
  type OwnershipView,
  type Random,
} from '../runtime/index.js'
import { Announcements } from './membership/announcements.js'
import type { Bus } from './membership/bus.js'
import type { ClusterEventKind } from './membership/cluster-event.js'
import { checkRecoveryTime, type DetectionLimits, defaultDetectionLimits } from './membership/detection-limits.js'
import { type DirectProbes, directProbes } from './membership/direct-probes.js'
import { FailureDetector, type Suspicion } from './membership/failure-detector.js'
import type { NodeLoad } from './membership/heartbeat.js'
import { Heartbeats } from './membership/heartbeats.js'
import { ClusterOwnership, type OwnershipLimits } from './ownership/cluster-ownership.js'
import { Coordinator } from './ownership/coordinator.js'
import type { Adopted } from './ownership/known-register.js'
import { defaultLeaseLimits, type LeaseLimits } from './ownership/node-lease.js'
import { isSameNode, statesOf } from './ownership/shard-states.js'
import { refuseBesideSole, soleAddress } from './ownership/sole-owner.js'
import { changesBetween, type ViewChange } from './ownership/view-change.js'
import type { NodeTransport, Peers } from './transport/node-transport.js'

export interface ClusterNodeOptions {
  readonly cluster: string
  readonly self: Pick<NodeMember, 'node' | 'roles' | 'weight'>
  readonly register: OwnershipRegister
  readonly bus: Bus
  readonly clock: Clock
  readonly random: Random
  readonly log: ActorLog
  /** What this node does at the moment, for its heartbeats. */
  readonly load: () => NodeLoad
  /** The way to the other nodes, for this node's name and peers. */
  readonly transport: (self: NodeIncarnation, peers: Peers) => ClusterTransport
  /** Fixed once data is stored. Default: DEFAULT_SHARD_COUNT. */
  readonly shardCount?: number
  /** These two are the same on every node, and their relations are asserted (CORE O4). */
  readonly lease?: Partial<LeaseLimits>
  readonly detection?: Partial<DetectionLimits>
  readonly ownership?: Partial<OwnershipLimits>
}

export type ClusterTransport = Pick<
  NodeTransport,
  | 'call'
  | 'send'
  | 'broadcast'
  | 'reach'
  | 'serve'
  | 'answer'
  | 'ask'
  | 'listen'
  | 'refusalBy'
  | 'reaches'
  | 'forget'
  | 'retire'
  | 'idle'
  | 'close'
  | 'traffic'
  | 'streamsOf'
>

/** How long a node that has left still answers those who have not seen it. */
const goodbyeMs = 1_000

/** Asks a member whether it reaches a node at an address. */
const REACH = 'reach'
const mostAsked = 3
/** Longer than dialling may take. */
const reachMs = 3_000

/** How long one suspicion of a node is news enough. */
const quietMs = 5_000

export class ClusterNode {
  readonly ownership: ClusterOwnership
  readonly transport: ClusterTransport
  readonly announcements: Announcements
  readonly heartbeats: Heartbeats
  readonly #options: ClusterNodeOptions
  readonly #detection: DetectionLimits
  readonly #coordinator: Coordinator
  readonly #probes: DirectProbes
  #detector: FailureDetector | undefined
  #incarnation: string | undefined
  #hasLeft = false

  constructor(options: ClusterNodeOptions) {
    this.#options = options
    const { cluster, self, register, bus, clock, random, log } = options
    const lease = { ...defaultLeaseLimits, ...options.lease }
    this.#detection = { ...defaultDetectionLimits, ...options.detection }
    checkRecoveryTime(this.#detection, lease)
    const { shardCount, ownership: limits } = options
    this.ownership = new ClusterOwnership({
      register,
      clock,
      random,
      log,
      self,
      lease,
      ...(shardCount !== undefined && { shardCount }),
      ...(limits && { limits }),
      admit: (view) => this.#meet(view),
      introduce: (address) => this.#introduce(address),
    })
    const view = () => this.ownership.view?.view ?? 0
    const me = this.#me()
    this.transport = options.transport(me, this.#peers())
    this.announcements = new Announcements({ cluster, self: me, bus, clock, view })
    const { heartbeatEveryMs: everyMs } = this.#detection
    const isHalted = () => this.ownership.heldForMs === undefined
    this.heartbeats = new Heartbeats({ cluster, self: me, bus, clock, everyMs, view, load: options.load, isHalted })
    this.#probes = directProbes(this.transport, me, isHalted)
    this.#coordinator = new Coordinator({
      ownership: this.ownership,
      register,
      clock,
      log,
      isFit: (node) => this.#detector?.isFit(node) ?? node === self.node,
    })
  }

  /**
   * Listens for other nodes and becomes a member, reached at `advertised` (a host; the port is the one that it listens on).
   * Rejects with what `ClusterOwnership.join` and the transport reject with, and with REFUSED (OTHER_VERSION: N4;
   * NOT_REACHED: N5; ALREADY_OWNED).
   */
  async join(
    system: Pick<ActorSystem, 'handle' | 'deliver' | 'release' | 'sealed' | 'residentsIn' | 'acquire' | 'abandon'>,
    at: { readonly host: string; readonly port: number; readonly advertised: string },
  ): Promise<void> {
    const { clock, register } = this.#options
    this.transport.serve(system)
    const port = await this.transport.listen(at.host, at.port)
    this.#detector = new FailureDetector({
      self: this.#me(),
      clock,
      limits: this.#detection,
      heartbeats: this.heartbeats,
      probe: this.#probes.probe,
      askWitness: this.#probes.askWitness,
      readLease: (node) => register.readLease(node),
      heldForMs: () => this.ownership.heldForMs,
      suspect: (member, of) => this.#suspected(member, of),
    })
    const detector = this.#detector
    this.#probes.serve((member) => detector.witness(member))
    this.transport.answer(REACH, (question) => this.#isReached(question))
    this.ownership.onView((adopted) => this.#adopted(adopted))
    this.heartbeats.onHeartbeat(({ view }) => this.ownership.saw(view))
    this.announcements.onEvent(({ view }) => this.ownership.saw(view))
    this.announcements.start()
    await this.ownership.join(`${at.advertised}:${port}`, system)
    this.heartbeats.start()
    this.#coordinator.start()
  }

  /** N4; a member that does not say who it is may be gone, and is not waited for. */
  async #meet(view: OwnershipView): Promise<void> {
    await refuseBesideSole(view, this.#options)
    const others = view.members.filter(({ node, address }) => node !== this.ownership.self && address !== soleAddress)
    const refusals = await Promise.all(others.map(({ address }) => this.transport.refusalBy(address)))
    const refusal = refusals.find((why) => why !== undefined)
    if (refusal !== undefined) throw new ActorError('REFUSED', refusal, { reason: 'OTHER_VERSION' })
  }

  /** N5. Some members dial it; who does not say counts for nothing, and one that reaches it is enough. */
  async #introduce(address: string): Promise<void> {
    const { self, view } = this.ownership
    const others = (view?.members ?? []).filter(({ node }) => node !== self).slice(0, mostAsked)
    const question = encode([self, address])
    const notReached: NodeId[] = []
    const answers = others.map(async (other) => {
      const isReached = decode(await this.transport.ask(other.node, REACH, question, reachMs))
      if (isReached === true) return
      notReached.push(other.node)
      throw new Error(`${other.node} does not reach it`)
    })
    const isReached = await Promise.any(answers).then(
      () => true,
      () => false,
    )
    if (isReached || notReached.length === 0) return
    throw new ActorError(
      'REFUSED',
      `Others (${notReached.join(', ')}) do not reach this node at ${address}. Give it an address that they reach, and open its port.`,
      { reason: 'NOT_REACHED' },
    )
  }

  async #isReached(question: Uint8Array): Promise<Uint8Array> {
    const asked = decode(question)
    const [node, address] = Array.isArray(asked) ? asked : []
    if (typeof node !== 'string' || typeof address !== 'string') throw new ActorError('CORRUPT', 'no node and address')
    return encode(await this.transport.reaches({ node, address }))
  }

  /** Gives its shards away and is no member any more; it still takes calls and passes them on. False: not in time. */
  async leave(withinMs: number): Promise<boolean> {
    this.#hasLeft = await this.ownership.leave(withinMs)
    return this.#hasLeft
  }

  /** After `leave`, once the actor system has stopped. Waits a moment for the others to see that it has left. */
  async close(): Promise<void> {
    if (this.#hasLeft) await this.transport.idle(goodbyeMs)
    this.#coordinator.stop()
    this.#detector?.stop()
    this.heartbeats.stop()
    this.announcements.stop()
    await this.transport.close()
  }

  isAlive(node: NodeId): boolean {
    return this.#detector?.isAlive(node) ?? false
  }

  /** An operator wants the node to give its shards away, or to get its share again. */
  async setDraining(node: NodeId, isDraining: boolean): Promise<void> {
    await this.ownership.setDraining(node, isDraining)
  }

  /** An operator does not want to wait until the coordinator looks. */
  rebalance(): Promise<void> {
    return this.#coordinator.plan()
  }

  /** Incarnations come and go while the node stays: whoever asks gets the present one. */
  #me(): NodeIncarnation {
    const { ownership } = this
    return {
      node: ownership.self,
      get incarnation() {
        return ownership.incarnation
      },
    }
  }

  #peers(): Peers {
    const { ownership } = this
    const members = () => ownership.view?.members ?? []
    return {
      addressOf: (node) => members().find((each) => each.node === node && each.address !== soleAddress)?.address,
      *others() {
        for (const { node } of members()) if (node !== ownership.self) yield node
      },
      view: () => ownership.view?.view ?? 0,
      saw: (view) => ownership.saw(view),
      refresh: (view) => ownership.refresh(view),
      lost: (node) => this.#detector?.doubt(node),
    }
  }

  #adopted({ view, before, isOwn }: Adopted): void {
    this.#noteHalt()
    this.#detector?.watch(view.members)
    if (before !== undefined) this.#partFrom(before, view)
    this.#reachNewcomers(before, view)
    if (isOwn && before !== undefined) this.#announce(before, view)
  }

  /** One that left has sealed all that it had; of one that was revoked nothing more is to be expected. */
  #partFrom(before: OwnershipView, view: OwnershipView): void {
    for (const former of before.members) {
      if (view.members.some((member) => isSameNode(member, former))) continue
      if (former.isDraining && !isTakenOver(former, before, view)) this.transport.retire(former.node)
      else this.transport.forget(former.node)
    }
  }

  /** A connection takes its time: it stands before the newcomer owns anything. */
  #reachNewcomers(before: OwnershipView | undefined, view: OwnershipView): void {
    for (const member of view.members) {
      const isKnown = before?.members.some((each) => isSameNode(each, member)) === true
      if (!isKnown && member.node !== this.ownership.self && member.roles.includes('actors')) {
        this.transport.reach(member.node)
      }
    }
  }

  /** The lease was revoked: the node has stopped answering since, and is back under another incarnation. */
  #noteHalt(): void {
    const { incarnation, self } = this.ownership
    const isBack = this.#incarnation !== undefined && this.#incarnation !== incarnation
    this.#incarnation = incarnation
    if (!isBack) return
    this.announcements.say('halt', `${self} lost its lease, gave up what it had and joins again`, { node: self })
  }

  #announce(before: OwnershipView, view: OwnershipView): void {
    const changes = changesBetween(before, view)
    if (changes.length === 0) this.announcements.say('view', `view ${view.view}`)
    for (const change of changes) {
      const { kind, text, ...about } = told(change)
      this.announcements.say(kind, text, about)
    }
  }

  /** Every node may suspect it, again and again: who has heard so of late does not say it as well. */
  #suspected(member: NodeIncarnation, of: Suspicion): void {
    const sinceMs = this.#options.clock.now() - quietMs
    const isSaid = this.announcements
      .recent()
      .some(({ kind, node, atMs }) => kind === 'suspicion' && node === member.node && atMs > sinceMs)
    const what = of === 'silence' ? 'answers nobody' : 'cannot renew its lease'
    if (!isSaid) this.announcements.say('suspicion', `${member.node} ${what}`, { node: member.node })
    this.#coordinator.suspected(member, of)
  }
}

/** Somebody must wait for the end of its lease. */
function isTakenOver(former: NodeIncarnation, before: OwnershipView, view: OwnershipView): boolean {
  const states = statesOf(view)
  return statesOf(before).some(({ owner }, shard) => isSameNode(owner, former) && states[shard]?.mustWait === true)
}

interface Told {
  readonly kind: ClusterEventKind
  readonly text: string
  readonly node: NodeId
  readonly shards?: number
}

function told(change: ViewChange): Told {
  switch (change.kind) {
    case 'joined':
      return { kind: 'join', text: `${change.node} is a member`, node: change.node }
    case 'left':
      return { kind: 'leave', text: `${change.node} is no member any more`, node: change.node }
    case 'draining':
      return { kind: 'drain', text: `${change.node} gives its shards away`, node: change.node }
  }
  const { kind, from = 'nobody', to = 'nobody', shards } = change
  const what = `${shards} ${shards === 1 ? 'shard' : 'shards'} from ${from} to ${to}`
  if (kind === 'taken-over') return { kind: 'takeover', text: `${what}, after a revocation`, node: to, shards }
  return { kind: 'move', text: kind === 'planned' ? `${what}, to come` : what, node: to, shards }
}

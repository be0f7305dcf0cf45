/**
 * Who of the members does not answer any more.
 *
 * F1. Nobody is suspected without silence: no sign of life for `silenceMs`, or the bus says that he listens no more. A
 *     heartbeat, an answered probe, or a witness who reached him are signs of life.
 * F2. Nobody is suspected without failed direct probes of two witnesses: this node, and another one. Where no other one
 *     answers, or this node hears less than half of the members and so may be the one that is cut off, the member's lease
 *     stands in: it was not renewed for its whole length.
 * F3. One who is reached by any witness that was asked is not suspected.
 * F4. A node that was paused itself knows nothing of the others: it forgets what it held against them, answers no
 *     witness's question from before, and listens anew. Every step compares both clocks.
 * F5. Bounded: one examination a member, `mostAtOnce` at the same time, one probe under way to a member, whoever asks.
 * F6. Whoever is dead is suspected within `suspicionMs` of its last sign of life, or `suspicionByLeaseMs` without a third
 *     node, as long as this node itself is not paused and hears at least half of the members or reads the leases.
 * F7. One who says himself that he has no lease, for `haltMs`, and says so once more when he is asked, or whom no second
 *     witness reaches either, is suspected of that: who owns shards and is cut off from the store keeps them from everybody,
 *     however well he is heard. But only by a node that reads the store then, quickly, and has had its own lease for
 *     `steadyMs`: so when the store is away or slow nobody suspects anybody, and when it is back all have time to renew. And
 *     only where somebody else has a lease who could take the shards.
 */
import type { Clock, NodeId, NodeIncarnation, NodeLease, NodeMember, Timer } from '../../runtime/index.js'
import { isPlace } from '../ownership/plan.js'
import { checkDetectionLimits, type DetectionLimits } from './detection-limits.js'
import type { Probed } from './direct-probes.js'
import type { Heartbeat } from './heartbeat.js'

export interface FailureDetectorOptions {
  readonly self: NodeIncarnation
  readonly clock: Clock
  readonly limits: DetectionLimits
  readonly heartbeats: {
    onHeartbeat(listener: (heartbeat: Heartbeat) => void): void
    /** Whether the bus knows that this incarnation listens to it no more. */
    isGone(member: NodeIncarnation, withinMs: number): Promise<boolean>
  }
  /** Asks the member directly. Rejects: nobody answered. */
  readonly probe: (member: NodeIncarnation, leftMs: number) => Promise<Probed>
  /** Asks another member to probe; undefined or a rejection: it cannot say. */
  readonly askWitness: (witness: NodeId, member: NodeIncarnation, leftMs: number) => Promise<boolean | undefined>
  readonly readLease: (node: NodeId) => Promise<NodeLease | undefined>
  /** For how long this node has had its lease without a break; undefined: it has none. */
  readonly heldForMs: () => number | undefined
  /** Called again, at most once each `restMs`, for as long as the member is watched and this is so. */
  readonly suspect: (member: NodeIncarnation, of: Suspicion) => void
}

/** `silence`: he answers nobody. `halt`: he has no lease, as he says himself. */
export type Suspicion = 'silence' | 'halt'

interface Watched extends NodeIncarnation {
  /** The last sign of life, on this node's monotonic clock. */
  heardMs: number
  /** It may own shards. */
  readonly isOfActors: boolean
  /** It may be given shards. */
  isPlace: boolean
  /** Since when it has said that it has no lease; undefined: it has one. */
  haltedMs: number | undefined
  /** The bus says that it is gone. */
  isGone: boolean
  /** The bus was asked just now, since the last sign of life. */
  isPinged: boolean
  isExamined: boolean
  isSuspected: boolean
  /** No examination before. */
  restsUntilMs: number
  /** Under way: whoever wants one takes this (F5). */
  probing: Promise<Probed | undefined> | undefined
}

type Verdict = 'alive' | 'dead' | 'unknown'

export class FailureDetector {
  readonly #options: FailureDetectorOptions
  readonly #limits: DetectionLimits
  readonly #watched = new Map<NodeId, Watched>()
  /** Rises with each pause of this node: what began before it does not count. */
  #era = 0
  #lookedMs: number
  #lookedWallMs: number
  #examined = 0
  /** This node may be given shards. */
  #isPlace = false
  #turn = 0
  #timer: Timer | undefined
  #isStopped = false
  /** How often this node found that it had been paused itself. */
  ownPauses = 0

  constructor(options: FailureDetectorOptions) {
    checkDetectionLimits(options.limits)
    this.#options = options
    this.#limits = options.limits
    this.#lookedMs = options.clock.monotonic()
    this.#lookedWallMs = options.clock.now()
    options.heartbeats.onHeartbeat((heartbeat) => this.#hear(heartbeat))
    this.#lookLater()
  }

  /** The members of the newest view: from now on these are watched. A new incarnation is heard as of now. */
  watch(members: readonly NodeMember[]): void {
    const former = new Map(this.#watched)
    this.#watched.clear()
    for (const member of members) {
      const { node, incarnation } = member
      if (node === this.#options.self.node) continue
      const known = former.get(node)
      const watched = known?.incarnation === incarnation ? known : this.#newly(member)
      watched.isPlace = isPlace(member)
      this.#watched.set(node, watched)
    }
    const own = members.find(({ node }) => node === this.#options.self.node)
    this.#isPlace = own !== undefined && isPlace(own)
  }

  /** False for those who are suspected, or are no members. */
  isAlive(node: NodeId): boolean {
    return node === this.#options.self.node || this.#watched.get(node)?.isSuspected === false
  }

  /** Alive, and has a lease as far as it has said: what it is to do, it can do. */
  isFit(node: NodeId): boolean {
    return this.isAlive(node) && this.#watched.get(node)?.haltedMs === undefined
  }

  /** Something failed that says the member may be dead, such as its stream: it is looked at now, not after its silence. */
  doubt(node: NodeId): void {
    const member = this.#watched.get(node)
    if (member && !this.#wasPaused() && !this.#isStopped && !member.isPinged) this.#ping(member)
  }

  /** Answers another node: whether this one reaches the member; undefined: it cannot say. */
  async witness({ node, incarnation }: NodeIncarnation): Promise<boolean | undefined> {
    const member = this.#watched.get(node)
    this.#wasPaused()
    if (this.#isStopped || member?.incarnation !== incarnation) return undefined
    const era = this.#era
    const isReached = isOfIt(await this.#probed(member))
    return this.#wasPaused() || era !== this.#era ? undefined : isReached
  }

  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
  }

  #newly({ node, incarnation, roles }: NodeMember): Watched {
    return {
      node,
      incarnation,
      isOfActors: roles.includes('actors'),
      isPlace: false,
      heardMs: this.#now(),
      haltedMs: undefined,
      isGone: false,
      isPinged: false,
      isExamined: false,
      isSuspected: false,
      restsUntilMs: 0,
      probing: undefined,
    }
  }

  #lookLater(): void {
    this.#timer = this.#options.clock.setTimer(this.#limits.lookEveryMs, () => this.#look())
  }

  #look(): void {
    if (this.#isStopped) return
    if (!this.#wasPaused()) {
      for (const member of this.#watched.values()) {
        if (this.#isHaltOver(member)) this.#examine(member, (each) => this.#haltExamination(each))
      }
      const silent = [...this.#watched.values()].filter((each) => this.#silentMs(each) >= this.#limits.pingAfterMs)
      // Whoever is silent longest comes first, so that nobody waits for ever behind others.
      for (const member of silent.sort((one, other) => one.heardMs - other.heardMs)) this.#consider(member)
    }
    this.#lookLater()
  }

  #consider(member: Watched): void {
    if (!member.isPinged) this.#ping(member)
    if (this.#silentMs(member) >= this.#limits.doubtAfterMs || member.isGone) this.#examineSilence(member)
  }

  /** What is asked in the moment of a death is lost with it: whoever stays silent is asked again. */
  #ping(member: Watched): void {
    member.isPinged = true
    const { heardMs } = member
    this.#options.clock.setTimer(this.#limits.pingMs, () => {
      if (member.heardMs === heardMs) member.isPinged = false
    })
    void this.#options.heartbeats.isGone(member, this.#limits.pingMs).then((isGone) => {
      if (!isGone || this.#wasPaused() || member.heardMs !== heardMs || !this.#isWatched(member)) return
      member.isGone = true
      this.#examineSilence(member)
    })
  }

  #examineSilence(member: Watched): void {
    this.#examine(member, (each) => this.#examination(each))
  }

  #examine(member: Watched, examination: (member: Watched) => Promise<void>): void {
    if (member.isExamined || this.#examined >= this.#limits.mostAtOnce || this.#now() < member.restsUntilMs) return
    member.isExamined = true
    this.#examined++
    void examination(member).finally(() => {
      this.#examined--
      member.isExamined = false
      member.restsUntilMs = this.#now() + this.#limits.restMs
    })
  }

  async #examination(member: Watched): Promise<void> {
    const era = this.#era
    const { heardMs } = member
    const isOver = () =>
      this.#wasPaused() ||
      this.#isStopped ||
      era !== this.#era ||
      member.heardMs !== heardMs ||
      !this.#isWatched(member)
    if (isOfIt(await this.#probed(member)) || isOver()) return
    const askedMs = this.#now()
    const verdict = await this.#verdict(member)
    if (isOver()) return
    if (verdict === 'alive') this.#seen(member, askedMs)
    if (verdict !== 'dead') return
    if (!member.isGone) await this.#pause(this.#limits.silenceMs - this.#silentMs(member))
    if (!isOver()) this.#suspect(member, 'silence')
  }

  /** F7. He has been halted for long enough to be asked, and this node may judge. */
  #isHaltOver({ isOfActors, haltedMs }: Watched): boolean {
    const { haltMs, steadyMs } = this.#limits
    if (!isOfActors || haltedMs === undefined || this.#now() - haltedMs < haltMs) return false
    const heldForMs = this.#options.heldForMs()
    return heldForMs !== undefined && heldForMs >= steadyMs && this.#hasPlace()
  }

  /** Somebody who has a lease could take shards: this node, or one that it hears. */
  #hasPlace(): boolean {
    if (this.#isPlace) return true
    const isFit = (each: Watched) =>
      each.isPlace && each.haltedMs === undefined && this.#silentMs(each) < this.#limits.doubtAfterMs
    return [...this.#watched.values()].some(isFit)
  }

  /** F7. */
  async #haltExamination(member: Watched): Promise<void> {
    const era = this.#era
    const probed = await this.#probed(member)
    if (probed === 'alive') return
    // Whoever reaches it asks it himself.
    if (probed === undefined && (await this.#verdict(member)) !== 'dead') return
    // What answers late here may answer too late there.
    if ((await this.#within(this.#limits.probeMs, this.#options.readLease(member.node))) === undefined) return
    const isOver = this.#wasPaused() || this.#isStopped || era !== this.#era || !this.#isWatched(member)
    if (!isOver && this.#isHaltOver(member)) this.#suspect(member, 'halt')
  }

  #suspect(member: Watched, of: Suspicion): void {
    member.isSuspected = true
    this.#options.suspect({ node: member.node, incarnation: member.incarnation }, of)
  }

  /** F2, F3. The own probe has failed. */
  async #verdict(member: Watched): Promise<Verdict> {
    const witnesses = this.#witnessesFor(member)
    const isLeaseNeeded =
      this.#hearsTooFew() || !witnesses.some((each) => this.#silentMs(each) < this.#limits.doubtAfterMs)
    const lease = isLeaseNeeded ? this.#leaseVerdict(member) : undefined
    const testimony = await this.#testimony(witnesses, member)
    // Looked at only now: of those who fell silent together each is late by as much as it takes to ask.
    if (testimony === 'alive' || (testimony === 'dead' && !this.#hearsTooFew())) return testimony
    return lease ?? this.#leaseVerdict(member)
  }

  async #testimony(witnesses: readonly Watched[], member: Watched): Promise<Verdict> {
    const { witnessMs } = this.#limits
    const asked = witnesses.map((each) =>
      this.#within(witnessMs, this.#options.askWitness(each.node, member, witnessMs)),
    )
    return new Promise((resolve) => {
      let hasFailed = false
      const all = asked.map(async (answer) => {
        const isReached = await answer
        if (isReached === true) resolve('alive')
        if (isReached === false) hasFailed = true
      })
      void Promise.all(all).then(() => resolve(hasFailed ? 'dead' : 'unknown'))
    })
  }

  /** Those who were heard last come first; who follows whom changes from time to time, so that all are asked in turn. */
  #witnessesFor(member: Watched): Watched[] {
    const others = [...this.#watched.values()].filter((each) => each !== member && !each.isSuspected)
    const turn = this.#turn++
    const turned = others.map((_, index) => others[(index + turn) % others.length] as Watched)
    const isFresh = (each: Watched) => (this.#silentMs(each) < this.#limits.doubtAfterMs ? 0 : 1)
    return turned.sort((one, other) => isFresh(one) - isFresh(other)).slice(0, this.#limits.mostWitnesses)
  }

  /** While the bus is down a member is heard by probes alone, each time it is doubted. */
  #hearsTooFew(): boolean {
    const { doubtAfterMs, lookEveryMs, probeMs } = this.#limits
    const heardWithinMs = doubtAfterMs + lookEveryMs + probeMs / 2
    let heard = 1
    for (const each of this.#watched.values()) if (this.#silentMs(each) < heardWithinMs) heard++
    return heard * 2 < this.#watched.size + 1
  }

  /** Two looks at the lease, its length apart. */
  async #leaseVerdict(member: Watched): Promise<Verdict> {
    try {
      const first = await this.#options.readLease(member.node)
      if (!isOf(first, member)) return 'dead'
      await this.#pause(first.lengthMs)
      const later = await this.#options.readLease(member.node)
      if (!isOf(later, member)) return 'dead'
      return later.renewals === first.renewals ? 'dead' : 'alive'
    } catch {
      return 'unknown' // the store does not answer: it says nothing of the member
    }
  }

  /** Undefined: nobody answers. */
  #probed(member: Watched): Promise<Probed | undefined> {
    member.probing ??= this.#probe(member).finally(() => {
      member.probing = undefined
    })
    return member.probing
  }

  /** A stream that ended makes a probe fail at once, of a node that lives too: so it is tried again. */
  async #probe(member: Watched): Promise<Probed | undefined> {
    const { probeMs, probeTries, probeAgainAfterMs } = this.#limits
    const giveUpMs = this.#now() + probeMs
    for (let tries = 1; ; tries++) {
      const sentMs = this.#now()
      const probed = await this.#within(giveUpMs - sentMs, this.#options.probe(member, giveUpMs - sentMs))
      if (isOfIt(probed)) {
        if (!this.#wasPaused()) this.#said(member, sentMs, probed === 'halted')
        return probed
      }
      const againMs = sentMs + probeAgainAfterMs
      if (tries >= probeTries || againMs >= giveUpMs || this.#isStopped) return probed
      await this.#pause(againMs - this.#now())
    }
  }

  #hear({ node, incarnation, isHalted }: Heartbeat): void {
    this.#wasPaused()
    const member = this.#watched.get(node)
    if (member === undefined) return
    if (member.incarnation === incarnation) this.#said(member, this.#now(), isHalted)
    else member.isGone = true // another process has its name
  }

  /** Its own word, of a moment at or after `atMs`. */
  #said(member: Watched, atMs: number, isHalted: boolean): void {
    if (atMs < member.heardMs) return
    member.haltedMs = isHalted ? (member.haltedMs ?? atMs) : undefined
    this.#seen(member, atMs)
  }

  #seen(member: Watched, atMs: number): void {
    if (atMs <= member.heardMs) return
    member.heardMs = atMs
    member.isGone = false
    member.isPinged = false
    if (member.haltedMs === undefined) member.isSuspected = false
  }

  /** F4. True when this node was paused since the last look; whatever it knew is forgotten by then. */
  #wasPaused(): boolean {
    const nowMs = this.#now()
    const wallMs = this.#options.clock.now()
    const passedMs = nowMs - this.#lookedMs
    const jumpMs = Math.abs(wallMs - this.#lookedWallMs - passedMs)
    this.#lookedMs = nowMs
    this.#lookedWallMs = wallMs
    const { lookEveryMs, mostOwnPauseMs } = this.#limits
    if (passedMs <= lookEveryMs + mostOwnPauseMs && jumpMs <= mostOwnPauseMs) return false
    this.#era++
    this.ownPauses++
    for (const member of this.#watched.values()) {
      member.haltedMs = undefined
      this.#seen(member, nowMs)
    }
    return true
  }

  #isWatched(member: Watched): boolean {
    return this.#watched.get(member.node) === member
  }

  #silentMs(member: Watched): number {
    return this.#now() - member.heardMs
  }

  #now(): number {
    return this.#options.clock.monotonic()
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      if (ms <= 0) resolve()
      else this.#options.clock.setTimer(ms, resolve)
    })
  }

  /** What rejects, or is late, is undefined. */
  #within<T>(ms: number, answer: Promise<T>): Promise<T | undefined> {
    return new Promise((resolve) => {
      const late = this.#options.clock.setTimer(ms, () => resolve(undefined))
      answer.then(resolve, () => resolve(undefined)).finally(() => late.cancel())
    })
  }
}

/** This incarnation has answered. */
function isOfIt(probed: Probed | undefined): boolean {
  return probed === 'alive' || probed === 'halted'
}

function isOf(lease: NodeLease | undefined, { incarnation }: NodeIncarnation): lease is NodeLease {
  return lease?.incarnation === incarnation && !lease.isRevoked
}

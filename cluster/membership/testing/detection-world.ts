import type { Clock, NodeIncarnation, NodeLease, NodeMember, Timer } from '../../../runtime/index.js'
import { VirtualClock } from '../../../runtime/testing/index.js'
import { type DetectionLimits, defaultDetectionLimits } from '../detection-limits.js'
import { FailureDetector, type Suspicion } from '../failure-detector.js'
import { Heartbeats } from '../heartbeats.js'
import { MemoryBroker } from './memory-bus.js'

const load = { cores: 1, weight: 1, cpu: 0, loopLagMs: 0, callsPerSecond: 0, residents: 0, connections: 0 }
const leaseMs = 1_500
const renewEveryMs = 500
const latencyMs = 2
const never = new Promise<never>(() => undefined)

export interface Suspected {
  readonly by: string
  readonly of: string
  readonly reason: Suspicion
  readonly atMs: number
}

/** Members with their detectors on one virtual clock; who reaches whom, and how, is said by the test. */
export class DetectionWorld {
  readonly clock = new VirtualClock()
  readonly broker = new MemoryBroker(this.clock)
  readonly nodes: DetectingNode[]
  readonly suspicions: Suspected[] = []
  readonly members: NodeMember[]
  /** Pairs `from>to` whose questions are lost. */
  readonly lost = new Set<string>()
  storeAnswers = true
  storeTakesMs = latencyMs
  /** Members that do not reach the store. */
  readonly awayFromStore = new Set<string>()
  probes = 0

  constructor(count: number, limits: Partial<DetectionLimits> = {}) {
    const names = Array.from({ length: count }, (_, index) => `n${index}`)
    this.members = names.map((node) => {
      return { node, incarnation: `${node}-1`, address: '', roles: ['actors'], weight: 1, isDraining: false }
    })
    this.nodes = this.members.map((member) => new DetectingNode(this, member, { ...defaultDetectionLimits, ...limits }))
    for (const node of this.nodes) node.detector.watch(this.members)
  }

  node(name: string): DetectingNode {
    return this.nodes.find(({ self }) => self.node === name)!
  }

  /** Both ways. */
  cut(one: string, other: string): void {
    this.lost.add(`${one}>${other}`)
    this.lost.add(`${other}>${one}`)
  }

  suspectedBy(name: string): string[] {
    return this.suspicions.filter(({ by }) => by === name).map(({ of }) => of)
  }

  /** A question on the nodes' own streams; a dead process refuses at once, a paused or cut off one is silent. */
  async asked<T>(from: string, to: string, answer: (node: DetectingNode) => Promise<T>): Promise<T> {
    await this.pause(latencyMs)
    const node = this.node(to)
    if (this.lost.has(`${from}>${to}`)) return never
    if (node.isDead) throw new Error('refused')
    await node.resumed()
    const said = await answer(node)
    await this.pause(latencyMs)
    if (this.lost.has(`${to}>${from}`) || node.isDead) return never
    await this.node(from).resumed()
    return said
  }

  async lease(by: string, of: string): Promise<NodeLease> {
    await this.pause(this.storeTakesMs)
    if (!this.reachesStore(by)) throw new Error('no answer')
    const { self, renewals } = this.node(of)
    return { ...self, lengthMs: leaseMs, renewals, isRevoked: false }
  }

  reachesStore(node: string): boolean {
    return this.storeAnswers && !this.awayFromStore.has(node)
  }

  pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.clock.setTimer(ms, resolve)
    })
  }
}

export class DetectingNode implements Clock {
  readonly self: NodeIncarnation
  readonly bus
  readonly detector: FailureDetector
  readonly heartbeats: Heartbeats
  readonly #world: DetectionWorld
  readonly #held: (() => void)[] = []
  #isPaused = false
  isDead = false
  renewals = 0
  #renewedMs = 0
  #heldSinceMs = Number.NEGATIVE_INFINITY

  constructor(world: DetectionWorld, { node, incarnation }: NodeMember, limits: DetectionLimits) {
    this.#world = world
    this.self = { node, incarnation }
    this.bus = world.broker.connect()
    this.bus.take = (hear) => this.#take(hear)
    const everyMs = limits.heartbeatEveryMs
    const { self, bus } = this
    const said = { view: () => 1, load: () => load, isHalted: () => this.heldForMs === undefined }
    this.heartbeats = new Heartbeats({ cluster: 'c', self, bus, clock: this, everyMs, ...said })
    this.detector = new FailureDetector({
      self,
      clock: this,
      limits,
      heartbeats: this.heartbeats,
      probe: (member) => {
        world.probes++
        return world.asked(node, member.node, async (asked) => {
          if (asked.self.incarnation !== member.incarnation) return 'gone'
          return asked.heldForMs === undefined ? 'halted' : 'alive'
        })
      },
      askWitness: (witness, member) => world.asked(node, witness, (asked) => asked.detector.witness(member)),
      readLease: (of) => world.lease(node, of),
      heldForMs: () => this.heldForMs,
      suspect: ({ node: of }, reason) => {
        if (!this.isDead) world.suspicions.push({ by: node, of, reason, atMs: world.clock.monotonic() })
      },
    })
    this.heartbeats.start()
    this.#renew()
  }

  get heldForMs(): number | undefined {
    const nowMs = this.monotonic()
    return nowMs - this.#renewedMs < leaseMs ? nowMs - this.#heldSinceMs : undefined
  }

  kill(): void {
    this.isDead = true
    this.bus.cut(true)
    this.heartbeats.stop()
    this.detector.stop()
  }

  /** As SIGSTOP and SIGCONT do: timers and what arrives wait. */
  set isPaused(isPaused: boolean) {
    this.#isPaused = isPaused
    if (!isPaused) for (const fire of this.#held.splice(0)) fire()
  }

  async resumed(): Promise<void> {
    if (this.#isPaused) await new Promise<void>((resolve) => this.#held.push(resolve))
  }

  now(): number {
    return this.#world.clock.now()
  }

  monotonic(): number {
    return this.#world.clock.monotonic()
  }

  setTimer(delayMs: number, fire: () => void): Timer {
    return this.#world.clock.setTimer(delayMs, () => {
      if (!this.isDead) this.#take(fire)
    })
  }

  #take(run: () => void): void {
    if (this.#isPaused) this.#held.push(run)
    else run()
  }

  #renew(): void {
    if (this.#world.reachesStore(this.self.node)) {
      this.renewals++
      if (this.heldForMs === undefined) this.#heldSinceMs = this.monotonic()
      this.#renewedMs = this.monotonic()
    }
    this.setTimer(renewEveryMs, () => this.#renew())
  }
}

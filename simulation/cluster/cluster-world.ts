import type { ActorSystem } from '../../runtime/index.js'
import {
  cassandraStorageOn,
  type EmbeddedStorage,
  openSimulatedStorage,
  SimulatedCassandra,
  SimulatedDisk,
  SimulatedSession,
} from '../../storage/index.js'
import { Bounds } from '../bounds.js'
import type { Device } from '../device.js'
import type { Dice } from '../dice.js'
import type { Faults } from '../faults.js'
import type { Front } from '../front.js'
import type { Settings } from '../settings.js'
import type { StoredJournals } from '../stored-journals.js'
import { World, type WorldOptions } from '../world.js'
import { clusterFaults } from './cluster-faults.js'
import type { ClusterSettings } from './cluster-settings.js'
import { Machine } from './machine.js'
import { VirtualNetwork } from './network.js'
import { isPassing, NodeLife } from './node-life.js'
import { OwnershipWatch } from './ownership-watch.js'
import { VirtualBroker } from './virtual-bus.js'

/** Above all epochs that a world comes to, and as high as the simulated ring counts. */
const LAST_EPOCH = 8_000
const calmRing = { torn: 0, unanswered: 0, late: 0, undecided: 0, failedRead: 0, slow: 0, hopMs: 1 }

/** Several nodes with a clock each, a network between them, and one ring of Cassandra. */
export class ClusterWorld extends World {
  readonly machines: readonly Machine[]
  readonly network: VirtualNetwork
  readonly ring: SimulatedCassandra
  readonly nodes = new Map<string, NodeLife>()
  readonly watch: OwnershipWatch
  protected readonly mostEvents = 400_000
  readonly quietMs = 14_000
  readonly #broker: VirtualBroker
  readonly #settings: Settings & { readonly cluster: ClusterSettings }
  readonly #dice: Dice
  readonly #bounds: Bounds[] = []
  #records: EmbeddedStorage | undefined
  #starts = 0
  /** Nodes that end are not started again. */
  #isOver = false

  constructor(options: WorldOptions) {
    super(options)
    const { cluster } = options.settings
    if (cluster === undefined) throw new TypeError('a world of several nodes has settings of its own')
    this.#settings = { ...options.settings, cluster }
    this.#dice = this.diceFor('world')
    const { clockDrift, nodes } = cluster
    this.machines = Array.from({ length: nodes }, (_, index) => {
      const rate = 1 + this.#dice.within(-clockDrift, clockDrift)
      return new Machine(`n${index + 1}`, this.time, rate, this.#dice.between(-30, 30))
    })
    this.network = new VirtualNetwork(this.time, this.diceFor('network'), options.settings.slowestHopMs)
    this.ring = new SimulatedCassandra({ clock: this.time, random: this.diceFor('ring') })
    this.#broker = new VirtualBroker(this.time)
    this.watch = new OwnershipWatch(this)
  }

  get clusterSettings(): ClusterSettings {
    return this.#settings.cluster
  }

  get brokenBounds(): readonly string[] {
    return this.#bounds.flatMap(({ broken }) => broken)
  }

  get figures() {
    return { commits: this.#bounds.reduce((sum, { commits }) => sum + commits, 0), writes: this.ring.writes }
  }

  get living(): NodeLife[] {
    return [...this.nodes.values()].filter(({ isAlive }) => isAlive)
  }

  gatewayFor({ name }: Device): Front | undefined {
    const serving = this.living.filter(({ isServing }) => isServing)
    if (serving.length === 0) return undefined
    const { front, name: node } = this.#dice.pick(serving)
    this.trace.note(name, `dials ${node}`)
    return front
  }

  randomFaults(): Faults {
    return clusterFaults(this)
  }

  begin(): void {
    this.ring.luck = { ...this.ring.luck, ...this.#settings.cluster.ring }
    this.spawn(
      openSimulatedStorage(new SimulatedDisk({ clock: this.time, random: this.diceFor('records') }), {
        shardCount: 1,
      }).then((records) => {
        this.#records = records
        for (const machine of this.machines) this.time.setTimer(this.#dice.within(0, 300), () => this.start(machine))
      }),
    )
  }

  start(machine: Machine): void {
    const records = this.#records
    if (this.#isOver || records === undefined || this.nodes.get(machine.name)?.isAlive) return
    const dice = this.diceFor(`process ${++this.#starts}`)
    const bounds = new Bounds(this.settings)
    this.#bounds.push(bounds)
    const { time, ring, network, mutation } = this
    const log = this.logOf(machine.name, () => node.isAlive)
    const bus = this.#broker.connect(machine)
    const settings = this.#settings
    const node: NodeLife = new NodeLife({
      machine,
      time,
      dice,
      ring,
      network,
      bus,
      records,
      settings,
      bounds,
      log,
      mutation,
    })
    this.nodes.set(machine.name, node)
    node.session.isCut = machine.isOffStorage
    this.trace.note(machine.name, 'starts')
    node.cluster.announcements.onEvent(({ kind, text, by }) => {
      if (by === machine.name && node.isAlive) this.trace.note(machine.name, `says: ${kind}, ${text}`)
    })
    node.start().then(
      () => node.isAlive && this.trace.note(machine.name, 'has joined and swept'),
      (error) => {
        if (!node.isAlive) return
        if (!isPassing(error)) throw error
        this.trace.note(machine.name, `cannot join: ${String(error)}`)
        this.kill(node, 'as it cannot join')
      },
    )
  }

  /** A machine does not reach Cassandra, or does again. */
  cutStorage(machine: Machine, isCut: boolean): void {
    machine.isOffStorage = isCut
    const node = this.nodes.get(machine.name)
    if (node) node.session.isCut = isCut
  }

  /** Its process dies, and is started again after a while. */
  kill(node: NodeLife, why: string): void {
    if (!node.isAlive) return
    node.kill()
    this.crashes++
    this.trace.note(node.name, `crashes ${why}`)
    this.#startLater(node, this.#dice.pick([20, 300, 6_000]))
  }

  /** Is ended in order, and started again. */
  async restart(node: NodeLife): Promise<void> {
    this.trace.note(node.name, 'leaves')
    const isEmpty = await node.leave()
    if (!node.isAlive) return
    this.trace.note(node.name, isEmpty ? 'has left' : 'could not leave in time')
    node.kill()
    this.#startLater(node, this.#dice.pick([20, 1_000]))
  }

  crash(why: string): void {
    const node = this.#dice.pick([...this.nodes.values()])
    this.kill(node, why)
  }

  /** From here on the ring serves everybody well. */
  calm(): void {
    this.ring.luck = { ...this.ring.luck, ...calmRing }
  }

  protected override look(): void {
    this.watch.look()
  }

  askingSystem(): ActorSystem {
    const node = this.living.find(({ isServing }) => isServing)
    if (node === undefined) throw new Error('no node comes back')
    return node.system
  }

  async stop(): Promise<void> {
    this.#isOver = true
    for (const node of this.living) node.bounds.checkQuiet()
    for (const node of this.living) await node.leave()
    for (const node of this.living) node.kill()
  }

  async openStored(): Promise<StoredJournals> {
    const session = new SimulatedSession(this.ring)
    const { journals } = cassandraStorageOn(session, { bucketBytes: 1_000_000, bucketPts: 1_000 })
    return { journals, shardCount: this.#settings.cluster.shardCount, epoch: LAST_EPOCH }
  }

  protected override isExpected(message: string): boolean {
    // Other nodes revoke the lease of one that they do not reach.
    return message.startsWith('the lease of this node was revoked')
  }

  #startLater({ name }: NodeLife, afterMs: number): void {
    const machine = this.machines.find((each) => each.name === name)!
    this.time.setTimer(this.#dice.within(1, afterMs), () => this.start(machine))
  }
}

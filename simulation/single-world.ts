import type { ActorSystem } from '../runtime/index.js'
import { openSimulatedStorage, SimulatedDisk } from '../storage/index.js'
import { Bounds } from './bounds.js'
import type { Dice } from './dice.js'
import { type Faults, randomFaults } from './faults.js'
import { Front } from './front.js'
import { NodeProcess } from './node-process.js'
import { RemoteSystem } from './remote-system.js'
import type { StoredJournals } from './stored-journals.js'
import { World, type WorldOptions } from './world.js'

/** One node on one disk, the gateway before it, and the devices. */
export class SingleWorld extends World {
  readonly bounds: Bounds
  readonly disk: SimulatedDisk
  process: NodeProcess | undefined
  protected readonly mostEvents = 100_000
  readonly quietMs = 14_000
  readonly #dice: Dice
  readonly #remote: RemoteSystem | undefined
  #front: Front | undefined
  #starts = 0

  constructor(options: WorldOptions) {
    super(options)
    const { settings } = options
    this.#dice = this.diceFor('world')
    this.bounds = new Bounds(settings)
    this.disk = new SimulatedDisk({
      clock: this.time,
      random: this.diceFor('disk'),
      onCrash: () => this.#died('between two writes'),
    })
    if (!settings.gatewayDiesWithNode) {
      const remote = new RemoteSystem(this.time, this.diceFor('remote'), settings.slowestHopMs)
      this.#remote = remote
      this.#front = new Front(remote as unknown as ActorSystem, this.time, this.diceFor('front'), settings)
    }
  }

  get brokenBounds(): readonly string[] {
    return this.bounds.broken
  }

  get figures() {
    return { commits: this.bounds.commits, writes: this.process?.storage?.counters.batches ?? 0 }
  }

  gatewayFor(): Front | undefined {
    return this.#front
  }

  randomFaults(): Faults {
    return randomFaults(this)
  }

  begin(): void {
    const dice = this.diceFor(`process ${++this.#starts}`)
    const { time, disk, settings, bounds, mutation } = this
    const isHeard = () => process.isAlive
    const log = this.logOf('log', isHeard)
    const process: NodeProcess = new NodeProcess({ time, dice, disk, settings, bounds, mutation, log })
    this.process = process
    this.trace.note('node', `starts for the ${this.#starts}. time`)
    const serve = (system: ActorSystem) => this.#serve(process, system, dice)
    process
      .start((system) => settings.servesBeforeSweep && serve(system))
      .then(
        () => {
          if (!process.isAlive) return
          this.trace.note('node', 'has swept')
          if (!settings.servesBeforeSweep) serve(process.system!)
        },
        (error) => {
          if (!process.isAlive) return
          this.trace.note('node', `cannot start: ${String(error)}`)
          this.crash('as it cannot start')
        },
      )
  }

  crash(why: string): void {
    if (this.process?.isAlive !== true) return
    this.disk.crash()
    this.#died(why)
  }

  askingSystem(): ActorSystem {
    const system = this.process?.system
    if (!this.process?.hasSwept || system === undefined) throw new Error('the node does not come back')
    return system
  }

  async stop(): Promise<void> {
    const { process } = this
    this.bounds.checkQuiet()
    await process?.system?.stop()
    await process?.storage?.close()
  }

  async openStored(): Promise<StoredJournals> {
    const { journals, ownership } = await openSimulatedStorage(this.disk, { shardCount: 8 })
    return { journals, shardCount: ownership.shardCount, epoch: ownership.epoch }
  }

  #serve(process: NodeProcess, system: ActorSystem, dice: Dice): void {
    if (this.#remote === undefined) this.#front = new Front(system, process.clock, dice, this.settings)
    const front = this.#front
    system.receive('push', (frame) => {
      if (this.#remote === undefined) front?.receive(frame)
      else this.time.setTimer(dice.within(0.01, this.settings.slowestHopMs), () => front?.receive(frame))
    })
    for (const sink of ['profile', 'revoked']) system.receive(sink, () => undefined)
    this.#remote?.reaches(system)
    if (this.#remote !== undefined) front?.ownersChanged()
    this.trace.note('node', 'serves')
  }

  #died(why: string): void {
    const process = this.process
    if (process?.isAlive !== true) return
    process.kill()
    this.crashes++
    this.trace.note('node', `crashes ${why} (event ${this.time.events})`)
    if (this.#remote === undefined) {
      this.#front?.die()
      this.#front = undefined
    }
    this.#remote?.dies()
    this.time.setTimer(this.#dice.within(1, 40), () => this.begin())
  }
}

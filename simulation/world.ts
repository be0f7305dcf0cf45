import type { Peer } from '../actors/chat/chat-id.js'
import type { ActorLog, ActorSystem } from '../runtime/index.js'
import { SimulatedDisk } from '../storage/index.js'
import { Bounds } from './bounds.js'
import { Device } from './device.js'
import { Dice } from './dice.js'
import { Front } from './front.js'
import { Ledger } from './ledger.js'
import { type Mutation, NodeProcess } from './node-process.js'
import { RemoteSystem } from './remote-system.js'
import type { Settings } from './settings.js'
import { Trace } from './trace.js'
import { VirtualTime } from './virtual-time.js'

export interface WorldOptions {
  readonly seed: number
  readonly settings: Settings
  readonly mutation?: Mutation
  readonly trace?: boolean
}

/** A run that goes on for longer than this is stuck. */
const MOST_EVENTS = 100_000

/**
 * One node on one disk, the gateway before it, and the devices: all on virtual time, all luck from one seed.
 *
 * A crash falls between two events. Between two events a process only computes: what it writes and sends leaves with
 * later events, each of which may still be lost. So a crash at an await inside of an event is a crash after it.
 */
export class World {
  readonly time = new VirtualTime()
  readonly settings: Settings
  readonly trace: Trace
  readonly ledger = new Ledger()
  readonly bounds: Bounds
  readonly disk: SimulatedDisk
  readonly devices: Device[] = []
  front: Front | undefined
  process: NodeProcess | undefined
  crashes = 0
  /** Called before each event; may crash the node. */
  beforeEvent: (() => void) | undefined
  readonly #seed: number
  readonly #dice: Dice
  readonly #mutation: Mutation
  readonly #remote: RemoteSystem | undefined
  #starts = 0
  #failure: unknown

  constructor({ seed, settings, mutation = {}, trace = false }: WorldOptions) {
    this.#seed = seed
    this.settings = settings
    this.#mutation = mutation
    this.#dice = this.diceFor('world')
    this.trace = new Trace(() => this.time.monotonic(), trace)
    this.bounds = new Bounds(settings)
    this.disk = new SimulatedDisk({
      clock: this.time,
      random: this.diceFor('disk'),
      onCrash: () => this.#died('between two writes'),
    })
    if (!settings.gatewayDiesWithNode) {
      const remote = new RemoteSystem(this.time, this.diceFor('remote'), settings.slowestHopMs)
      this.#remote = remote
      this.front = new Front(remote as unknown as ActorSystem, this.time, this.diceFor('front'), settings)
    }
  }

  /** All whom anybody may talk to. */
  get peers(): Peer[] {
    const { users, groups } = this.settings
    const all = (kind: Peer['kind'], count: number) =>
      Array.from({ length: count }, (_, index) => ({ kind, id: index + 1 }))
    return [...all('user', users), ...all('chat', groups)]
  }

  diceFor(name: string): Dice {
    return new Dice(this.#seed, name)
  }

  addDevice(user: number, index: number): Device {
    const device = new Device(this, user, index)
    this.devices.push(device)
    return device
  }

  startNode(): void {
    const dice = this.diceFor(`process ${++this.#starts}`)
    const { time, disk, settings, bounds } = this
    const process: NodeProcess = new NodeProcess({
      time,
      dice,
      disk,
      settings,
      bounds,
      mutation: this.#mutation,
      // What a process that is gone says to itself, to the end of the event in which it died, nobody hears.
      log: this.#log(() => process.isAlive),
    })
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

  /** Lets time pass until `isDone`. Throws what a script threw, and when nothing comes of it any more. */
  async run(isDone: () => boolean, forMs = Number.POSITIVE_INFINITY): Promise<void> {
    const untilMs = this.time.monotonic() + forMs
    while (!isDone()) {
      this.beforeEvent?.()
      if (!(await this.time.step(untilMs))) return
      if (this.#failure !== undefined) throw this.#failure
      if (this.time.events > MOST_EVENTS) throw new Error('the run does not end')
    }
  }

  /** Runs something that takes time, to its end. */
  async until<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false
    const settle = () => {
      isSettled = true
    }
    promise.then(settle, settle)
    await this.run(() => isSettled)
    if (!isSettled) throw new Error('something waits for ever')
    return promise
  }

  /** Something that goes on beside the rest; what it throws ends the run. */
  spawn(script: Promise<unknown>): void {
    script.catch((error) => {
      this.#failure ??= error
    })
  }

  #serve(process: NodeProcess, system: ActorSystem, dice: Dice): void {
    if (this.#remote === undefined) this.front = new Front(system, process.clock, dice, this.settings)
    const front = this.front
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
      this.front?.die()
      this.front = undefined
    }
    this.#remote?.dies()
    this.time.setTimer(this.#dice.within(1, 40), () => this.startNode())
  }

  #log(isHeard: () => boolean): ActorLog {
    const note = (level: string) => (fields: Record<string, unknown>, message: string) => {
      if (!isHeard()) return
      const { error, code, actor, user } = fields
      const told = [actor, user, code, error].filter((each) => each !== undefined).map((each) => textOf(each))
      this.trace.note('log', `${level}: ${message} ${told.join(' ')}`)
      if (level === 'error') this.ledger.violated('no fault of ours', `the log says: ${message} ${told.join(' ')}`)
    }
    return { debug: () => undefined, info: () => undefined, warn: note('warn'), error: note('error') }
  }
}

function textOf(value: unknown): string {
  if (value instanceof Error) return value.stack?.split('\n').slice(0, 3).join(' | ') ?? String(value)
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

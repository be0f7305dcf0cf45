import type { Peer } from '../actors/chat/chat-id.js'
import type { ActorLog, ActorSystem } from '../runtime/index.js'
import { Device } from './device.js'
import { Dice } from './dice.js'
import type { Faults } from './faults.js'
import type { Front } from './front.js'
import { Ledger } from './ledger.js'
import type { Mutation } from './mutation.js'
import type { Settings } from './settings.js'
import type { StoredJournals } from './stored-journals.js'
import { Trace } from './trace.js'
import { VirtualTime } from './virtual-time.js'

export interface WorldOptions {
  readonly seed: number
  readonly settings: Settings
  readonly mutation?: Mutation
  readonly trace?: boolean
}

/**
 * What every world has: virtual time, devices and what they were told. All luck is from one seed.
 *
 * A crash falls between two events. Between two events a process only computes: what it writes and sends leaves with
 * later events, each of which may still be lost. So a crash at an await inside of an event is a crash after it.
 */
export abstract class World {
  readonly time = new VirtualTime()
  readonly settings: Settings
  readonly trace: Trace
  readonly ledger = new Ledger()
  readonly devices: Device[] = []
  crashes = 0
  /** Called before each event; may crash a node. */
  beforeEvent: (() => void) | undefined
  protected readonly mutation: Mutation
  readonly #seed: number
  #failure: unknown

  constructor({ seed, settings, mutation = {}, trace = false }: WorldOptions) {
    this.#seed = seed
    this.settings = settings
    this.mutation = mutation
    this.trace = new Trace(() => this.time.monotonic(), trace)
  }

  /** A run with more events is stuck. */
  protected abstract readonly mostEvents: number
  /** After the last trouble everything is done within this long: lanes, sweeps, takeovers. */
  abstract readonly quietMs: number

  abstract begin(): void
  /** What goes wrong, unless somebody else decides. */
  abstract randomFaults(): Faults
  /** The gateway to which a device connects now, if there is one. */
  abstract gatewayFor(device: Device): Front | undefined
  /** Some node dies. */
  abstract crash(why: string): void
  /** Asks every actor; everything is quiet. Throws when no node has come back. */
  abstract askingSystem(): ActorSystem
  /** Notes what is left of queues, then ends all nodes. */
  abstract stop(): Promise<void>
  /** The journals once nobody runs. */
  abstract openStored(): Promise<StoredJournals>
  abstract readonly brokenBounds: readonly string[]
  abstract readonly figures: { readonly commits: number; readonly writes: number }

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

  /** Lets time pass until `isDone`. Throws what a script threw, and when nothing comes of it any more. */
  async run(isDone: () => boolean, forMs = Number.POSITIVE_INFINITY): Promise<void> {
    const untilMs = this.time.monotonic() + forMs
    while (!isDone()) {
      this.beforeEvent?.()
      this.look()
      if (!(await this.time.step(untilMs))) return
      if (this.#failure !== undefined) throw this.#failure
      if (this.time.events > this.mostEvents) throw new Error('the run does not end')
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

  /** Before each event: what must hold all the time. */
  protected look(): void {}

  /** Something that goes on beside the rest; what it throws ends the run. */
  spawn(script: Promise<unknown>): void {
    script.catch((error) => {
      this.#failure ??= error
    })
  }

  /** What a process says to itself; once it is gone, to the end of the event in which it died, nobody hears. */
  protected logOf(who: string, isHeard: () => boolean): ActorLog {
    const note = (level: string) => (fields: Record<string, unknown>, message: string) => {
      if (!isHeard()) return
      const { error, code, actor, user } = fields
      const told = [actor, user, code, error].filter((each) => each !== undefined).map((each) => textOf(each))
      this.trace.note(who, `${level}: ${message} ${told.join(' ')}`)
      if (level === 'error' && !this.isExpected(message)) {
        this.ledger.violated('no fault of ours', `the log of ${who} says: ${message} ${told.join(' ')}`)
      }
    }
    return { debug: () => undefined, info: () => undefined, warn: note('warn'), error: note('error') }
  }

  /** An error in a log that this world brings about. */
  protected isExpected(_message: string): boolean {
    return false
  }
}

function textOf(value: unknown): string {
  if (value instanceof Error) return value.stack?.split('\n').slice(0, 3).join(' | ') ?? String(value)
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

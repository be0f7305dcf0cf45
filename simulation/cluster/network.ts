import type { Stream, StreamEvents, StreamLayer } from '../../cluster/index.js'
import type { Dice } from '../dice.js'
import type { VirtualTime } from '../virtual-time.js'
import type { Machine } from './machine.js'

/** What is not acknowledged for so long ends a connection; so does a peer of which nothing is heard. */
const SLOWEST_BREAK_MS = 6_000
const PORT = 1

type Accept = (stream: Stream) => StreamEvents

/**
 * Connections between machines, as TCP gives them.
 *
 * V1. What is sent on one arrives in order and once, each after a time of its own, or the connection breaks; then what was
 *     under way is lost from some message on, and each end hears of it at a time of its own.
 * V2. While the way from one machine to another is blocked, nothing goes that way. What waits arrives when the way is free
 *     again, unless the connection broke before.
 * V3. When a process dies, its peers hear of it at once, or, as when a machine vanishes, only after a while.
 */
export class VirtualNetwork {
  slowestHopMs: number
  readonly time: VirtualTime
  readonly dice: Dice
  readonly #listeners = new Map<
    string,
    { readonly process: object; readonly machine: Machine; readonly accept: Accept }
  >()
  readonly #blocked = new Set<string>()
  readonly #connections = new Set<VirtualConnection>()

  constructor(time: VirtualTime, dice: Dice, slowestHopMs: number) {
    this.time = time
    this.dice = dice
    this.slowestHopMs = slowestHopMs
  }

  /** A process's way to the network. */
  layerOf(process: object, machine: Machine): StreamLayer {
    return {
      dial: (address, _options, events) => {
        const connection = new VirtualConnection(this, { process, machine }, hostOf(address))
        this.#connections.add(connection)
        return connection.begin(events)
      },
      listen: async (_at, _options, accept) => {
        this.#listeners.set(machine.name, { process, machine, accept })
        return { port: PORT, close: async () => this.#unlisten(machine.name, process) }
      },
    }
  }

  listenerAt(host: string) {
    return this.#listeners.get(host)
  }

  isBlocked(from: string, to: string): boolean {
    return this.#blocked.has(`${from} ${to}`)
  }

  block(from: string, to: string): void {
    this.#blocked.add(`${from} ${to}`)
    for (const connection of this.#connections) connection.blocked()
  }

  free(from: string, to: string): void {
    this.#blocked.delete(`${from} ${to}`)
    for (const connection of this.#connections) connection.freed()
  }

  /** The process is gone, and with it its ends. */
  died(process: object, machine: Machine): void {
    this.#unlisten(machine.name, process)
    for (const connection of [...this.#connections]) connection.diedWith(process)
  }

  forget(connection: VirtualConnection): void {
    this.#connections.delete(connection)
  }

  #unlisten(host: string, process: object): void {
    if (this.#listeners.get(host)?.process === process) this.#listeners.delete(host)
  }
}

interface Side {
  readonly process: object
  readonly machine: Machine
}

/** One end, and what is on its way to it. */
interface End {
  /** undefined: the other side has not heard of the connection yet. */
  side: Side | undefined
  readonly host: string
  events: StreamEvents | undefined
  isOver: boolean
  /** Of what is on its way here, how many messages more arrive. */
  left: number
  readonly inbound: { readonly bytes: Buffer; readonly atMs: number }[]
  /** The next of them is under way. */
  isMoving: boolean
  lastMs: number
}

class VirtualConnection {
  readonly #network: VirtualNetwork
  readonly #dialling: End
  readonly #called: End
  #isWatched = false

  constructor(network: VirtualNetwork, side: Side, host: string) {
    this.#network = network
    this.#dialling = newEnd(side.machine.name, side)
    this.#called = newEnd(host, undefined)
  }

  begin(events: StreamEvents): Stream {
    this.#dialling.events = events
    return this.#streamAt(this.#dialling)
  }

  blocked(): void {
    if (this.#isStuck()) this.#watch()
  }

  freed(): void {
    this.#move(this.#dialling)
    this.#move(this.#called)
  }

  diedWith(process: object): void {
    for (const end of [this.#dialling, this.#called]) {
      if (end.side?.process !== process || end.isOver) continue
      end.isOver = true
      this.#tellOther(end, 'the other process died')
    }
  }

  #streamAt(end: End): Stream {
    const other = this.#otherOf(end)
    return {
      write: (message) => {
        if (end.isOver) return
        const { time, dice, slowestHopMs } = this.#network
        const atMs = time.monotonic() + dice.within(0.01, slowestHopMs)
        other.inbound.push({ bytes: Buffer.from(message), atMs })
        this.#move(other)
      },
      end: (why) => {
        if (end.isOver) return
        this.#over(end, why)
        this.#tellOther(end, why)
      },
    }
  }

  /** Sends on the next message that waits for `to`. */
  #move(to: End): void {
    const { time } = this.#network
    const [next] = to.inbound
    if (to.isMoving || to.isOver || next === undefined) return
    if (this.#isBlockedTo(to)) {
      this.#watch()
      return
    }
    to.isMoving = true
    to.lastMs = Math.max(to.lastMs, next.atMs)
    time.at(to.lastMs, () => {
      to.isMoving = false
      if (to.isOver) return
      // Cut off while it was under way: it is sent again later.
      if (!this.#isBlockedTo(to)) this.#arrive(to)
      this.#move(to)
    })
  }

  /** The next message has come. */
  #arrive(to: End): void {
    const next = to.inbound.shift()
    if (next === undefined || to.left <= 0) return
    to.left--
    const side = to.side ?? this.#accepted(to)
    if (side === undefined) return
    side.machine.enter(() => {
      if (!to.isOver) to.events?.message(next.bytes)
    })
  }

  #accepted(to: End): Side | undefined {
    const listener = this.#network.listenerAt(to.host)
    if (listener === undefined) {
      to.isOver = true
      this.#tellOther(to, 'nobody listens there')
      return undefined
    }
    to.side = listener
    listener.machine.enter(() => {
      if (!to.isOver) to.events = listener.accept(this.#streamAt(to))
    })
    return listener
  }

  /** `end` is over: the other one hears of it, sooner or later. What is on its way there may be lost. */
  #tellOther(end: End, why: string): void {
    const { time, dice, slowestHopMs } = this.#network
    const other = this.#otherOf(end)
    if (other.isOver) {
      this.#network.forget(this)
      return
    }
    other.left = dice.int(other.inbound.length + 1)
    const isHeardSoon = !this.#isBlockedTo(other) && dice.chance(0.7)
    const afterMs = isHeardSoon ? dice.within(0.01, slowestHopMs) : dice.within(500, SLOWEST_BREAK_MS)
    time.at(Math.max(other.lastMs, time.monotonic() + afterMs), () => {
      if (other.side === undefined) other.isOver = true
      else other.side.machine.enter(() => this.#over(other, why))
      this.#network.forget(this)
    })
  }

  #over(end: End, why: string): void {
    if (end.isOver) return
    end.isOver = true
    end.events?.ended(why)
  }

  /** A way that stays blocked breaks the connection, at each end by itself. */
  #watch(): void {
    const { time, dice } = this.#network
    if (this.#isWatched) return
    this.#isWatched = true
    time.setTimer(dice.within(1_000, SLOWEST_BREAK_MS), () => {
      this.#isWatched = false
      if (!this.#isStuck()) return
      const end = dice.chance(0.5) ? this.#dialling : this.#called
      const first = end.isOver || end.side === undefined ? this.#dialling : end
      first.side?.machine.enter(() => {
        this.#over(first, 'nothing came back')
        this.#tellOther(first, 'nothing came back')
      })
    })
  }

  #isStuck(): boolean {
    const ends = [this.#dialling, this.#called]
    return ends.some((end) => !end.isOver && this.#isBlockedTo(end) && end.inbound.length > 0)
  }

  #isBlockedTo(to: End): boolean {
    return this.#network.isBlocked(this.#otherOf(to).host, to.host)
  }

  #otherOf(end: End): End {
    return end === this.#dialling ? this.#called : this.#dialling
  }
}

function newEnd(host: string, side: Side | undefined): End {
  return {
    side,
    host,
    events: undefined,
    isOver: false,
    left: Number.POSITIVE_INFINITY,
    inbound: [],
    isMoving: false,
    lastMs: 0,
  }
}

function hostOf(address: string): string {
  return address.split(':')[0] ?? ''
}

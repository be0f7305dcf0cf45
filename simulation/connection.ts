import type { Dice } from './dice.js'
import type { VirtualTime } from './virtual-time.js'

/**
 * What a device and the gateway have between them: messages each way, in order, each after some time.
 *
 * Q1. Once one side has closed, the other is told of it by nothing but the end of its messages.
 * Q2. When the gateway's process dies, what it had sent already may still arrive, up to some message.
 */
export class Connection {
  readonly #time: VirtualTime
  readonly #dice: Dice
  readonly #slowestHopMs: number
  readonly #down: Lane = { lastMs: 0, inFlight: 0, left: Number.POSITIVE_INFINITY }
  readonly #up: Lane = { lastMs: 0, inFlight: 0, left: Number.POSITIVE_INFINITY }
  isOpen = true
  /** The device hears that the connection is over. */
  onClosed: (() => void) | undefined
  /** The gateway hears that the device is gone. */
  onGone: (() => void) | undefined

  constructor(time: VirtualTime, dice: Dice, slowestHopMs: number) {
    this.#time = time
    this.#dice = dice
    this.#slowestHopMs = slowestHopMs
  }

  toDevice(deliver: () => void): void {
    if (this.isOpen) this.#send(this.#down, deliver)
  }

  toGateway(deliver: () => void): void {
    if (this.isOpen) this.#send(this.#up, deliver)
  }

  /** The device closes it, or loses it. The gateway notices at some time. */
  closeByDevice(): void {
    if (!this.isOpen) return
    this.isOpen = false
    this.#down.left = 0
    this.#up.left = this.#dice.int(this.#up.inFlight + 1)
    const noticedMs = this.#dice.chance(0.5) ? 1 : 300
    this.#time.setTimer(noticedMs, () => this.onGone?.())
  }

  /** The gateway dies, or closes it. */
  closeByGateway(): void {
    if (!this.isOpen) return
    this.isOpen = false
    this.#up.left = 0
    this.#down.left = this.#dice.int(this.#down.inFlight + 1)
    this.#time.at(Math.max(this.#down.lastMs, this.#time.monotonic()) + 0.1, () => this.onClosed?.())
  }

  #send(lane: Lane, deliver: () => void): void {
    const dueMs = this.#time.monotonic() + this.#dice.within(0.01, this.#slowestHopMs)
    lane.lastMs = Math.max(lane.lastMs, dueMs)
    lane.inFlight++
    this.#time.at(lane.lastMs, () => {
      lane.inFlight--
      if (lane.left <= 0) return
      lane.left--
      deliver()
    })
  }
}

interface Lane {
  lastMs: number
  inFlight: number
  /** How many more arrive. */
  left: number
}

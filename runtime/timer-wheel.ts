/**
 * One timer wheel a process: every deadline, timer, reminder and pause of the runtime hangs in it.
 *
 * W1. An alarm that is set rings once, and never before its delay has passed on the monotonic clock, unless it is cancelled.
 * W2. At most one timer of the clock is armed, for the earliest slot that holds an alarm; none when the wheel is empty.
 * W3. Setting and cancelling take constant time and allocate nothing but the clock's own timer, which is kept when it
 *     already comes early enough.
 */
import type { Clock, Timer } from './clock.js'

const TICK_MS = 10
const SLOTS = 1024
/** The list of alarms that are due in the present turn of the wheel. */
const DUE = SLOTS

/** Something that can wait in the wheel: the links are part of it, so that waiting allocates nothing. */
export abstract class Alarm {
  /** The tick at which it rings; 0 when it is not set. */
  dueTick = 0
  slot = 0
  earlier: Alarm | undefined = undefined
  later: Alarm | undefined = undefined

  /** Called once when the time has come. */
  abstract ring(): void

  /** Called instead of `ring` when the wheel stops. */
  drop(): void {}
}

/** Calls back when its time has come. */
export class CallbackAlarm extends Alarm {
  readonly #then: () => void

  constructor(then: () => void) {
    super()
    this.#then = then
  }

  override ring(): void {
    this.#then()
  }
}

export class TimerWheel {
  readonly #clock: Clock
  readonly #failed: (error: unknown) => void
  readonly #slots: (Alarm | undefined)[] = new Array(SLOTS + 1).fill(undefined)
  readonly #originMs: number
  #count = 0
  #passedTick = 0
  #armed: Timer | undefined = undefined
  #armedTick = 0
  #isStopped = false

  /** `failed` hears of alarms whose `ring` throws. */
  constructor(clock: Clock, failed: (error: unknown) => void) {
    this.#clock = clock
    this.#failed = failed
    this.#originMs = clock.monotonic()
  }

  /** Rings `alarm` after `delayMs`; one that is already set is moved. `nowMs`: the monotonic time, where it is known. */
  set(alarm: Alarm, delayMs: number, nowMs = this.#clock.monotonic()): void {
    if (this.#isStopped) {
      alarm.drop()
      return
    }
    if (alarm.dueTick !== 0) this.#unlink(alarm)
    const nowTicks = (nowMs - this.#originMs) / TICK_MS
    const dueTick = Math.ceil(nowTicks + Math.max(0, delayMs) / TICK_MS)
    alarm.dueTick = Math.max(dueTick, this.#passedTick + 1)
    this.#link(alarm, alarm.dueTick % SLOTS)
    if (this.#armed === undefined || alarm.dueTick < this.#armedTick) this.#arm(alarm.dueTick)
  }

  cancel(alarm: Alarm): void {
    if (alarm.dueTick !== 0) this.#unlink(alarm)
  }

  /** Every alarm that is set, in no order; none may be set or cancelled meanwhile. */
  visit(look: (alarm: Alarm) => void): void {
    for (const first of this.#slots) for (let alarm = first; alarm !== undefined; alarm = alarm.later) look(alarm)
  }

  /** Drops every alarm, and from now on each that is set. */
  stop(): void {
    this.#isStopped = true
    this.#armed?.cancel()
    this.#armed = undefined
    for (let slot = 0; slot <= SLOTS; slot++) {
      for (let alarm = this.#slots[slot]; alarm !== undefined; alarm = this.#slots[slot]) {
        this.#unlink(alarm)
        alarm.drop()
      }
    }
  }

  #link(alarm: Alarm, slot: number): void {
    const head = this.#slots[slot]
    alarm.slot = slot
    alarm.later = head
    alarm.earlier = undefined
    if (head !== undefined) head.earlier = alarm
    this.#slots[slot] = alarm
    this.#count++
  }

  #unlink(alarm: Alarm): void {
    if (alarm.earlier !== undefined) alarm.earlier.later = alarm.later
    else this.#slots[alarm.slot] = alarm.later
    if (alarm.later !== undefined) alarm.later.earlier = alarm.earlier
    alarm.earlier = undefined
    alarm.later = undefined
    alarm.dueTick = 0
    this.#count--
  }

  #arm(tick: number): void {
    this.#armed?.cancel()
    this.#armedTick = tick
    const delayMs = Math.max(0, this.#timeOf(tick) - this.#clock.monotonic())
    this.#armed = this.#clock.setTimer(delayMs, () => this.#elapsed())
  }

  #timeOf(tick: number): number {
    return this.#originMs + tick * TICK_MS
  }

  #elapsed(): void {
    this.#armed = undefined
    const nowMs = this.#clock.monotonic()
    const wholeTicks = Math.floor((nowMs - this.#originMs) / TICK_MS)
    // The division may round down the very tick that was waited for; armed again, it would be due at once, for ever.
    const nowTick = nowMs >= this.#timeOf(this.#armedTick) ? Math.max(wholeTicks, this.#armedTick) : wholeTicks
    const first = Math.max(this.#passedTick + 1, nowTick - SLOTS + 1)
    for (let tick = first; tick <= nowTick; tick++) this.#collect(tick % SLOTS, nowTick)
    this.#passedTick = Math.max(this.#passedTick, nowTick)
    for (let alarm = this.#slots[DUE]; alarm !== undefined; alarm = this.#slots[DUE]) {
      this.#unlink(alarm)
      try {
        alarm.ring()
      } catch (error) {
        this.#failed(error)
      }
    }
    this.#armNext()
  }

  #collect(slot: number, nowTick: number): void {
    let alarm = this.#slots[slot]
    while (alarm !== undefined) {
      const following: Alarm | undefined = alarm.later
      const { dueTick } = alarm
      if (dueTick <= nowTick) {
        this.#unlink(alarm)
        alarm.dueTick = dueTick
        this.#link(alarm, DUE)
      }
      alarm = following
    }
  }

  /** The slot may hold alarms of a later round only; then the wheel wakes once in vain, at most once a round. */
  #armNext(): void {
    if (this.#count === 0) return
    for (let ahead = 1; ahead <= SLOTS; ahead++) {
      if (this.#slots[(this.#passedTick + ahead) % SLOTS] === undefined) continue
      const tick = this.#passedTick + ahead
      if (this.#armed === undefined || tick < this.#armedTick) this.#arm(tick)
      return
    }
  }
}

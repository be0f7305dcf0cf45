/**
 * Which new calls are taken: overload is refused here, before it becomes actors' work.
 *
 * AD1. Only calls are refused, with a wait of 1 to 10 seconds that rises with the load; what keeps a connection alive
 *      (pings, acknowledgements) never comes here.
 * AD2. While more calls are under way than `callsUnderWay`, a caller that has less than its equal share goes on: whoever
 *      floods is refused first.
 * AD3. While the event loop lags, or even the quickest call takes too long, a part of all calls is refused: more with
 *      each further look that finds it so, less with each that does not. One slow actor is nobody's overload.
 */

import type { MtprotoLimits } from './limits.js'
import type { PacketLink } from './link.js'
import type { MtprotoSession } from './session.js'

const LONGEST_WAIT_SECONDS = 10
/** Fewer answers than this say nothing about the quickest call. */
const ANSWERS_THAT_TELL = 16
const MORE = 0.1
const LESS = 0.05
/** Some calls are taken always: they show when it is better. */
const MOST = 0.95

/** Why a call is not taken, for metrics; how long the client is to wait. */
export interface Refusal {
  readonly reason: 'session' | 'connection' | 'memory' | 'calls' | 'load'
  readonly waitSeconds: number
}

export class Admission {
  readonly #limits: MtprotoLimits
  readonly #isShortOfMemory: () => boolean
  #running = 0
  /** Sessions that have calls under way. */
  #callers = 0
  /** The part of all calls that is refused just now. */
  #refused = 0
  /** The look before found it so. */
  #isLoaded = false
  #owed = 0
  #quickestMs = Number.POSITIVE_INFINITY
  #answers = 0

  constructor(limits: MtprotoLimits, isShortOfMemory: () => boolean) {
    this.#limits = limits
    this.#isShortOfMemory = isShortOfMemory
  }

  /** The part of all calls that is refused for the load, from 0 to 0.95. */
  get refusedPart(): number {
    return this.#refused
  }

  refusal(session: MtprotoSession, link: PacketLink): Refusal | undefined {
    const limits = this.#limits
    if (session.callsRunning >= limits.callsPerSession) return { reason: 'session', waitSeconds: 5 }
    if (link.callsRunning >= limits.callsPerConnection) return { reason: 'connection', waitSeconds: 5 }
    if (this.#isShortOfMemory()) return { reason: 'memory', waitSeconds: 5 }
    if (this.#running >= limits.callsUnderWay) {
      const waitSeconds = this.#waitFor(session)
      if (waitSeconds > 0) return { reason: 'calls', waitSeconds }
    }
    if (this.#refused > 0 && this.#isOwed()) {
      return { reason: 'load', waitSeconds: Math.ceil(this.#refused * LONGEST_WAIT_SECONDS) }
    }
    return undefined
  }

  begins(session: MtprotoSession): void {
    this.#running++
    if (session.callsRunning++ === 0) this.#callers++
  }

  ends(session: MtprotoSession, tookMs: number): void {
    this.#running--
    if (--session.callsRunning === 0) this.#callers--
    // What was answered from memory waited for nobody.
    if (tookMs < 1) return
    this.#answers++
    if (tookMs < this.#quickestMs) this.#quickestMs = tookMs
  }

  /** To be called several times a second, with how late it was called. */
  look(lateMs: number): void {
    const { loopLagMs, quickestCallMs } = this.#limits
    const isSlow = this.#answers >= ANSWERS_THAT_TELL && this.#quickestMs > quickestCallMs
    this.#answers = 0
    this.#quickestMs = Number.POSITIVE_INFINITY
    if (lateMs <= loopLagMs && !isSlow) {
      this.#isLoaded = false
      this.#refused = this.#refused <= LESS ? 0 : this.#refused - LESS
      return
    }
    // One pause, as of a garbage collection, is over when it is seen.
    if (this.#isLoaded) this.#refused = Math.min(MOST, this.#refused + MORE)
    this.#isLoaded = true
  }

  /** AD2: how long a caller waits that has its share; 0 for others, while there is room for any call. */
  #waitFor(session: MtprotoSession): number {
    const { callsUnderWay, calls } = this.#limits
    const share = Math.max(1, Math.floor(callsUnderWay / Math.max(1, this.#callers)))
    const own = runningOf(session)
    const isFull = this.#running >= calls
    if (own < share && !isFull) return 0
    const excess = (this.#running - callsUnderWay) / Math.max(1, calls - callsUnderWay)
    const wait = Math.max(own / share, excess * LONGEST_WAIT_SECONDS)
    return Math.min(LONGEST_WAIT_SECONDS, Math.max(1, Math.ceil(wait)))
  }

  /** Spreads refusals evenly over the calls. */
  #isOwed(): boolean {
    this.#owed += this.#refused
    if (this.#owed < 1) return false
    this.#owed -= 1
    return true
  }
}

/** All that the session's device has under way: more sessions give no greater share. */
function runningOf({ key, callsRunning }: MtprotoSession): number {
  const siblings = key.owner.sessions
  if (!siblings || siblings.length <= 1) return callsRunning
  return siblings.reduce((sum, sibling) => sum + sibling.callsRunning, 0)
}

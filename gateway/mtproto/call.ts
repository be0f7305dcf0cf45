import type { PacketLink } from './link.js'
import type { Long } from './long.js'
import type { Outgoing } from './outbox.js'
import type { MtprotoSession } from './session.js'
import type { Unwrapped } from './wrappers.js'

/**
 * - `expected`: another call waits for this message, which has not arrived yet.
 * - `waiting`: arrived, and waits for the calls that it is to come after.
 * - `running`: with the handler.
 * - `answered`: the answer is on its way, or was sent and is not acknowledged.
 * - `dropped`: the client does not want the answer any more; the handler may still be running.
 */
export type CallPhase = 'expected' | 'waiting' | 'running' | 'answered' | 'dropped'

/** One call of a client, from its arrival to the acknowledgement of its answer. */
export class Call {
  readonly session: MtprotoSession
  readonly msgId: Long
  readonly arrivedMs: number
  phase: CallPhase
  /** Until it is answered. */
  request: Unwrapped | undefined = undefined
  methodName = ''
  /** When it was given to the handler. */
  startedMs: number
  /** The client knows that it arrived. */
  acknowledged = false
  answer: Outgoing | undefined = undefined
  failed = false
  /** Number of calls that it still waits for. */
  waitsFor = 0
  /** Of those, the ones that have not arrived. */
  missing = 0
  followers: Call[] | undefined = undefined
  leaders: Call[] | undefined = undefined
  /** The connection that it arrived on, while it is open. */
  link: PacketLink | undefined = undefined

  constructor(session: MtprotoSession, msgId: Long, phase: CallPhase, arrivedMs: number) {
    this.session = session
    this.msgId = msgId
    this.phase = phase
    this.arrivedMs = arrivedMs
    this.startedMs = arrivedMs
  }

  /** Nothing is going to happen to it any more by itself. */
  get settled(): boolean {
    return this.phase === 'answered'
  }

  /** By Telegram's naming, a method that only reads: running it again does no harm. */
  get repeatable(): boolean {
    return /^(get|search|check|resolve)/.test(this.methodName.slice(this.methodName.lastIndexOf('.') + 1))
  }
}

import type { Clock } from '../../runtime/index.js'
import { type Long, longHigh, longLow } from './long.js'

/** What a server's message is, by the lowest two bits of its id. */
export const ANSWER = 1
export const NOTICE = 3
export type MessageKind = typeof ANSWER | typeof NOTICE

const TOO_OLD_SECONDS = 300
const TOO_NEW_SECONDS = 30
const LOW_RANGE = 2 ** 32

/**
 * Makes the server's message ids: Unix time in 1/2^32 seconds, always rising. The last one is in `high` and `low`, so
 * that making one allocates nothing.
 */
export class MessageIds {
  readonly #clock: Clock
  high = 0
  low = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  next(kind: MessageKind): void {
    const nowMs = this.#clock.now()
    const high = Math.floor(nowMs / 1000)
    const low = (Math.floor(((nowMs % 1000) / 1000) * LOW_RANGE) & ~3) >>> 0
    if (high > this.high || (high === this.high && low > this.low)) {
      this.high = high
      this.low = (low | kind) >>> 0
      return
    }
    const following = (this.low & ~3) >>> 0
    this.low = following + 4 >= LOW_RANGE ? kind : following + 4 + kind
    if (following + 4 >= LOW_RANGE) this.high++
  }
}

/** Codes of `bad_msg_notification`. @see https://core.telegram.org/mtproto/service_messages_about_messages */
export const BadMessage = {
  idTooLow: 16,
  idTooHigh: 17,
  idNotMultipleOfFour: 18,
  containerIdRepeated: 19,
  tooOldToVerify: 20,
  invalidContainer: 64,
} as const

/** Why a client's message id is unacceptable now, or 0. */
export function badMessageId(id: Long, nowSeconds: number): number {
  if ((longLow(id) & 3) !== 0) return BadMessage.idNotMultipleOfFour
  const seconds = longHigh(id)
  if (seconds < nowSeconds - TOO_OLD_SECONDS) return BadMessage.idTooLow
  if (seconds > nowSeconds + TOO_NEW_SECONDS) return BadMessage.idTooHigh
  return 0
}

/** How long a message id must be remembered: after that it is refused for its age. */
export const MESSAGE_ID_KEPT_SECONDS = TOO_OLD_SECONDS + TOO_NEW_SECONDS

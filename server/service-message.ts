import { Chat, type CodeDelivery, encodeBody, privateChat, SERVICE_USER_ID, User } from '../actors/index.js'
import type { ActorSystem, Clock, Random } from '../runtime/index.js'
import type { CodeDriver } from './code-delivery.js'

const ZERO = '0'.repeat(16)
const NOT_YOU = 'If you did not ask for this code by trying to log in, ignore this message.'
const HOUR_MS = 3_600_000
/** A device that was used since then is taken to be at hand. */
const DEVICE_AT_HAND_MS = 7 * 24 * HOUR_MS

export interface ServiceMessageWorld {
  readonly clock: Clock
  readonly random: Random
  system(): ActorSystem
}

/**
 * Codes as Telegram sends them: a message from the service account to those who are signed in on a device that they
 * use; and the driver `next` for everybody else, and for those who say that the message does not help. A driver that
 * costs nothing gets every code.
 */
export function withServiceMessage(next: CodeDriver, { clock, random, system }: ServiceMessageWorld): CodeDelivery {
  /** Whether the account has a device at hand that shows the message. */
  async function tell(user: number, code: string): Promise<boolean> {
    const devices = await system().ref(User, user).authorizations()
    if (devices.length === 0) return false
    const text = [`Login code: ${code}. Do not give it to anyone, whoever they say they are.`, NOT_YOU].join('\n\n')
    await system()
      .ref(Chat, privateChat(SERVICE_USER_ID, user))
      .post({
        by: SERVICE_USER_ID,
        origin: { authKey: ZERO, session: ZERO },
        drafts: [{ op: `s${random.bytes(8).toString('hex')}`, body: encodeBody({ text }) }],
      })
    const sinceMs = clock.now() - DEVICE_AT_HAND_MS
    return devices.some(({ activeAtMs }) => activeAtMs >= sinceMs)
  }

  return {
    async deliver(request) {
      const { user, code, again } = request
      const told = user !== undefined && !again && (await tell(user, code).catch(() => false))
      if (told && !next.costsNothing) return 'app'
      const via = await next.deliver(request)
      return told ? 'app' : via
    },
  }
}

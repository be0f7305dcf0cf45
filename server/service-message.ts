import { Chat, type CodeDelivery, encodeBody, privateChat, SERVICE_USER_ID, User } from '../actors/index.js'
import type { ActorSystem, Random } from '../runtime/index.js'

const ZERO = '0'.repeat(16)
const NOT_YOU = 'If you did not ask for this code by trying to log in, ignore this message.'

/**
 * Codes as Telegram sends them: a message from the service account to those who are signed in somewhere, and the
 * driver `next` for everybody, so that one who lost all devices gets in again.
 */
export function withServiceMessage(next: CodeDelivery, random: Random, system: () => ActorSystem): CodeDelivery {
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
    return true
  }

  return {
    async deliver(request) {
      const told = request.user !== undefined && (await tell(request.user, request.code).catch(() => false))
      try {
        const via = await next.deliver(request)
        return told ? 'app' : via
      } catch (error) {
        if (told) return 'app'
        throw error
      }
    },
  }
}

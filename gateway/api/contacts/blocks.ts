import { privateChat } from '../../../actors/chat/chat-id.js'
import type { tl } from '../../tl/index.js'
import type { Call } from '../call.js'
import { refuseCall } from '../errors.js'
import { atLeastZero, pageOf } from '../input/number.js'
import { type InputPeer, peerOf } from '../input/peer.js'
import { method } from '../method.js'
import { presentUserPeer } from '../present/peer.js'
import { seconds } from '../present/time.js'

/** The chat first: it is what keeps messages away. All changes are idempotent, so a repeat ends what was cut off. */
async function setBlocked(call: Call, input: InputPeer, blocked: boolean): Promise<boolean> {
  const peer = await peerOf(call, input)
  if (peer.kind !== 'user' || peer.id === call.self) return refuseCall('CONTACT_ID_INVALID')
  const asked = { by: call.self, op: call.op, origin: call.origin }
  await call.chat(privateChat(call.self, peer.id)).setBlocked({ ...asked, blocked })
  await call.me.setBlocked({ user: peer.id, blocked, origin: call.origin })
  await call.user(peer.id).noteBlockedBy({ user: call.self, blocked })
  call.services.people.forgetRelation(call.self, peer.id)
  call.services.people.forgetRelation(peer.id, call.self)
  return true
}

/** The list of those who are kept from stories alone is another one: taken for this it would block, or unblock, too much. */
const UNSERVED = { myStoriesFrom: 'METHOD_NOT_IMPLEMENTED' } as const
const OPTIONS = { auth: 'user', unserved: UNSERVED } as const

export const block = method('contacts.block', OPTIONS, ({ id }, call) => setBlocked(call, id, true))

export const unblock = method('contacts.unblock', OPTIONS, ({ id }, call) => setBlocked(call, id, false))

export const getBlocked = method(
  'contacts.getBlocked',
  OPTIONS,
  async ({ offset, limit }, call): Promise<tl.contacts.TypeBlocked> => {
    const { total, users } = await call.me.blocked({ offset: atLeastZero(offset), limit: pageOf(limit) })
    const answer = {
      blocked: users.map(
        ({ user, atMs }): tl.RawPeerBlocked => ({
          _: 'peerBlocked',
          peerId: presentUserPeer(user),
          date: seconds(atMs),
        }),
      ),
      chats: [],
      users: await call.services.people.users(
        call,
        users.map(({ user }) => user),
      ),
    }
    if (total === users.length) return { _: 'contacts.blocked', ...answer }
    return { _: 'contacts.blockedSlice', count: total, ...answer }
  },
)

import { peerKey, privateChat } from '../../../actors/chat/chat-id.js'
import type { tl } from '../../tl/index.js'
import type { Call } from '../call.js'
import { refuseCall } from '../errors.js'
import { type InputUser, userOf } from '../input/peer.js'
import { method } from '../method.js'
import { presentNotifySettings } from '../present/dialog.js'
import { optional } from '../present/user.js'

const MAX_USERS = 200

/** Users that the caller may not name come as `userEmpty`, one an input, in order. */
export const getUsers = method('users.getUsers', { auth: 'user' }, async ({ id: inputs }, call) => {
  if (inputs.length > MAX_USERS) return refuseCall('LIMIT_INVALID')
  const ids = await Promise.all(inputs.map((input) => userOf(call, input).catch(() => undefined)))
  const known = [...new Set(ids.filter((id) => id !== undefined))]
  const users = new Map((await call.services.people.users(call, known)).map((user, at) => [known[at], user]))
  return ids.map((id, at) => users.get(id) ?? { _: 'userEmpty', id: numberOf(inputs[at]!) })
})

function numberOf(input: InputUser): number {
  return 'userId' in input ? input.userId : 0
}

export const getFullUser = method(
  'users.getFullUser',
  { auth: 'user' },
  async ({ id: input }, call): Promise<tl.users.RawUserFull> => {
    const id = await userOf(call, input)
    const { people } = call.services
    const [profile, [relation], users, notify, [pinned], scheduled] = await Promise.all([
      people.profile(call, id),
      people.relations(call, [id]),
      people.users(call, [id]),
      call.me.notifySettings(peerKey({ kind: 'user', id })),
      lastPinned(call, id),
      call.chat(privateChat(call.self, id)).scheduled({ by: call.self }),
    ])
    const isSelf = id === call.self
    const stranger = !isSelf && relation?.contact === undefined
    return {
      _: 'users.userFull',
      fullUser: {
        _: 'userFull',
        id,
        blocked: relation?.blocked === true,
        canPinMessage: true,
        hasScheduled: scheduled.length > 0,
        about: optional(profile?.about),
        settings: { _: 'peerSettings', addContact: stranger, blockContact: stranger && relation?.blocked !== true },
        notifySettings: presentNotifySettings(notify),
        pinnedMsgId: pinned?.id,
        commonChatsCount: 0,
      },
      chats: [],
      users,
    }
  },
)

async function lastPinned(call: Call, id: number) {
  const peer = { kind: 'user', id } as const
  const all = { offsetId: 0, offsetDate: 0, addOffset: 0, limit: 1, maxId: 0, minId: 0, minDate: 0, maxDate: 0 }
  return (await call.me.search({ peer, query: '', pinnedOnly: true, ...all })).messages
}

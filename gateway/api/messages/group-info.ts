import type { tl } from '../../tl/index.js'
import { viewerOf } from '../envelope.js'
import { refuseCall } from '../errors.js'
import { MAX_IDS } from '../input/number.js'
import { groupOf } from '../input/peer.js'
import { method } from '../method.js'
import { PeerSet } from '../peer-set.js'
import { presentNotifySettings } from '../present/dialog.js'
import { presentGroupFull } from '../present/group.js'
import { placeOfGroup } from './place.js'

export const getChats = method(
  'messages.getChats',
  { auth: 'user' },
  async (request, call): Promise<tl.messages.RawChats> => {
    if (request.id.length > MAX_IDS) refuseCall('LIMIT_INVALID')
    const named = new PeerSet()
    for (const id of request.id) named.group(groupOf(id))
    const { chats } = await call.services.people.load(viewerOf(call), named)
    return { _: 'messages.chats', chats }
  },
)

export const getFullChat = method(
  'messages.getFullChat',
  { auth: 'user' },
  async (request, call): Promise<tl.messages.RawChatFull> => {
    const { peer, key, chat } = placeOfGroup(request.chatId)
    const info = await call.services.people.group(viewerOf(call), peer.id)
    if (!info || info.membership === 'none') return refuseCall('CHAT_ID_INVALID')
    const isMember = info.members.length > 0
    const [notify, pinned, scheduled] = await Promise.all([
      call.me.notifySettings(key),
      call.me.search({ ...NEWEST_PINNED, peer }),
      isMember ? call.chat(chat).scheduled({ by: call.self }) : [],
    ])
    const named = new PeerSet().group(peer.id).user(info.invite?.by)
    for (const { user, inviter } of info.members) named.user(user).user(inviter)
    const people = await call.services.people.load(viewerOf(call), named)
    const fullChat = presentGroupFull({
      info,
      notifySettings: presentNotifySettings(notify),
      pinnedId: pinned.messages[0]?.id,
      hasScheduled: scheduled.length > 0,
    })
    return { _: 'messages.chatFull', fullChat, ...people }
  },
)

const NEWEST_PINNED = {
  query: '',
  pinnedOnly: true,
  offsetId: 0,
  offsetDate: 0,
  addOffset: 0,
  limit: 1,
  minId: 0,
  maxId: 0,
  minDate: 0,
  maxDate: 0,
} as const

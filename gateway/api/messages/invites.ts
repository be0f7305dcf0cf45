import { groupChat } from '../../../actors/chat/chat-id.js'
import { groupOfInvite } from '../../../actors/chat/contract.js'
import { hasConstructor, type tl } from '../../tl/index.js'
import { answerChanges, viewerOf } from '../envelope.js'
import { refuseCall } from '../errors.js'
import { lineOf } from '../input/text.js'
import { ZERO_LONG } from '../long.js'
import { method } from '../method.js'
import { PeerSet } from '../peer-set.js'
import { presentGroup } from '../present/group.js'
import { presentInvite } from '../present/invite.js'
import { asked, groupPlaceOf } from './place.js'

const MAX_INVITE_TITLE_UNITS = 32
const MAX_USAGE = 99_999

/** The group that a link names; the hash itself is checked there. Refused: INVITE_HASH_EMPTY, INVITE_HASH_INVALID. */
function invitedTo(hash: string): number {
  if (hash === '') refuseCall('INVITE_HASH_EMPTY')
  return groupOfInvite(hash) ?? refuseCall('INVITE_HASH_INVALID')
}

export const exportChatInvite = method(
  'messages.exportChatInvite',
  {
    auth: 'user',
    flood: { burst: 200, perSecond: 5 },
    // A link that lets people in without the approval that was asked for would be worse than none.
    unserved: { requestNeeded: 'METHOD_NOT_IMPLEMENTED', subscriptionPricing: 'METHOD_NOT_IMPLEMENTED' },
  },
  async (request, call) => {
    const { expireDate, usageLimit, title } = request
    if (expireDate !== undefined && expireDate <= call.now) refuseCall('EXPIRE_DATE_INVALID')
    if (usageLimit !== undefined && (usageLimit < 0 || usageLimit > MAX_USAGE)) refuseCall('USAGE_LIMIT_INVALID')
    const { chat, peer } = await groupPlaceOf(call, request.peer)
    const invite = await call.chat(chat).exportInvite({
      ...asked(call),
      revokePrevious: request.legacyRevokePermanent === true,
      ...(expireDate !== undefined && { expiresAtMs: expireDate * 1000 }),
      ...(usageLimit !== undefined && usageLimit > 0 && { usageLimit }),
      ...(title && { title: lineOf(title, MAX_INVITE_TITLE_UNITS, 'CHAT_TITLE_EMPTY') }),
    })
    call.services.people.forgetGroup(peer.id)
    return presentInvite(invite)
  },
)

const GUESSING = { burst: 100, perSecond: 2 }

export const checkChatInvite = method(
  'messages.checkChatInvite',
  { auth: 'user', flood: GUESSING },
  async ({ hash }, call): Promise<tl.TypeChatInvite> => {
    const id = invitedTo(hash)
    const { already, group } = await call.chat(groupChat(id)).checkInvite({ by: call.self, hash })
    if (already) return { _: 'chatInviteAlready', chat: presentGroup(id, group) }
    const shown = group.members.slice(0, SHOWN_MEMBERS).map(({ user }) => user)
    const participants = await call.services.people.users(viewerOf(call), shown)
    return {
      _: 'chatInvite',
      title: group.title,
      about: group.about === '' ? undefined : group.about,
      photo: { _: 'photoEmpty', id: ZERO_LONG },
      participantsCount: group.memberCount,
      participants: participants.length === 0 ? undefined : participants,
      color: 0,
    }
  },
)

/** Members that an invited one is shown, when the group tells them. */
const SHOWN_MEMBERS = 5

export const importChatInvite = method(
  'messages.importChatInvite',
  { auth: 'user', flood: GUESSING },
  async ({ hash }, call): Promise<tl.RawUpdates | tl.messages.RawChatInviteJoinResultOk> => {
    const id = invitedTo(hash)
    const outcome = await call.chat(groupChat(id)).join({ ...asked(call), hash })
    call.services.people.forgetGroup(id)
    const updates = await answerChanges(call, outcome.changes, new PeerSet().group(id))
    const answer: tl.messages.RawChatInviteJoinResultOk = { _: 'messages.chatInviteJoinResultOk', updates }
    return hasConstructor(call.layer, answer._) ? answer : updates
  },
)

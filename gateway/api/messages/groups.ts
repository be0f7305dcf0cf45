import { groupChat } from '../../../actors/chat/chat-id.js'
import { MAX_GROUP_MEMBERS, type Outcome } from '../../../actors/chat/contract.js'
import { ACCOUNT_SHARDS, IdAllocator } from '../../../actors/id-allocator/contract.js'
import { hasConstructor, type tl } from '../../tl/index.js'
import type { Call } from '../call.js'
import { answerChanges } from '../envelope.js'
import { refuseCall } from '../errors.js'
import type { FloodRule } from '../flood.js'
import { userOf, usersOf } from '../input/peer.js'
import { lineOf, MAX_ABOUT_UNITS, MAX_TITLE_UNITS, optionalLineOf } from '../input/text.js'
import { method } from '../method.js'
import { PeerSet } from '../peer-set.js'
import { asked, groupPlaceOf, placeOfGroup } from './place.js'

const GROUP_CHANGES: FloodRule = { burst: 500, perSecond: 10 }

/** The caller's changes, with the group itself named: clients look for it in the answer. */
async function groupAnswer(call: Call, group: number, outcome: Outcome): Promise<tl.RawUpdates> {
  call.services.people.forgetGroup(group)
  return answerChanges(call, outcome.changes, new PeerSet().group(group))
}

/** Newer layers also name who could not be invited; nobody is kept from it here but by a refusal. */
function invitedUsers(call: Call, updates: tl.RawUpdates): tl.messages.RawInvitedUsers | tl.RawUpdates {
  const answer: tl.messages.RawInvitedUsers = { _: 'messages.invitedUsers', updates, missingInvitees: [] }
  return hasConstructor(call.layer, answer._) ? answer : updates
}

export const createChat = method(
  'messages.createChat',
  { auth: 'user', flood: GROUP_CHANGES, unserved: { ttlPeriod: 'TTL_PERIOD_INVALID' } },
  async (request, call) => {
    const title = lineOf(request.title, MAX_TITLE_UNITS, 'CHAT_TITLE_EMPTY')
    const invited = await usersOf(call, request.users, MAX_GROUP_MEMBERS)
    const members = invited.filter((user) => user !== call.self)
    if (members.length === 0) refuseCall('USERS_TOO_FEW')
    if (members.length >= MAX_GROUP_MEMBERS) refuseCall('USERS_TOO_MUCH')
    const id = await call.ref(IdAllocator, { purpose: 'group', shard: call.self % ACCOUNT_SHARDS }).next()
    const outcome = await call.chat(groupChat(id)).create({ ...asked(call), title, members })
    return invitedUsers(call, await groupAnswer(call, id, outcome))
  },
)

export const addChatUser = method(
  'messages.addChatUser',
  { auth: 'user', flood: GROUP_CHANGES },
  async (request, call) => {
    const { chat, peer } = placeOfGroup(request.chatId)
    const user = await userOf(call, request.userId)
    const outcome = await call.chat(chat).addMember({ ...asked(call), user })
    return invitedUsers(call, await groupAnswer(call, peer.id, outcome))
  },
)

export const deleteChatUser = method(
  'messages.deleteChatUser',
  { auth: 'user', flood: GROUP_CHANGES },
  async (request, call) => {
    const { chat, peer } = placeOfGroup(request.chatId)
    const user = await userOf(call, request.userId)
    const revokeHistory = request.revokeHistory === true
    const outcome = await call.chat(chat).removeMember({ ...asked(call), user, revokeHistory })
    return groupAnswer(call, peer.id, outcome)
  },
)

export const editChatTitle = method(
  'messages.editChatTitle',
  { auth: 'user', flood: GROUP_CHANGES },
  async (request, call) => {
    const { chat, peer } = placeOfGroup(request.chatId)
    const title = lineOf(request.title, MAX_TITLE_UNITS, 'CHAT_TITLE_EMPTY')
    return groupAnswer(call, peer.id, await call.chat(chat).setTitle({ ...asked(call), title }))
  },
)

export const editChatAbout = method(
  'messages.editChatAbout',
  { auth: 'user', flood: GROUP_CHANGES },
  async (request, call) => {
    const { chat, peer } = await groupPlaceOf(call, request.peer)
    const about = optionalLineOf(request.about, MAX_ABOUT_UNITS, 'CHAT_ABOUT_TOO_LONG')
    await call.chat(chat).setAbout({ ...asked(call), about })
    call.services.people.forgetGroup(peer.id)
    return true
  },
)

export const editChatAdmin = method(
  'messages.editChatAdmin',
  { auth: 'user', flood: GROUP_CHANGES },
  async (request, call) => {
    const { chat, peer } = placeOfGroup(request.chatId)
    const user = await userOf(call, request.userId)
    await call.chat(chat).setAdmin({ ...asked(call), user, admin: request.isAdmin })
    call.services.people.forgetGroup(peer.id)
    return true
  },
)

import { groupChat } from '../../../actors/chat/chat-id.js'
import { MAX_GROUP_MEMBERS, type Outcome } from '../../../actors/chat/contract.js'
import { ACCOUNT_SHARDS, IdAllocator } from '../../../actors/id-allocator/contract.js'
import { SERVICE_USER_ID } from '../../../actors/user/contract.js'
import { hasConstructor, type tl } from '../../tl/index.js'
import type { Call } from '../call.js'
import { answerChanges, viewerOf } from '../envelope.js'
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

/** Newer layers also name who could not be invited. */
function invitedUsers(
  call: Call,
  updates: tl.RawUpdates,
  missing: readonly number[],
): tl.messages.RawInvitedUsers | tl.RawUpdates {
  const missingInvitees = missing.map((userId): tl.RawMissingInvitee => ({ _: 'missingInvitee', userId }))
  const answer: tl.messages.RawInvitedUsers = { _: 'messages.invitedUsers', updates, missingInvitees }
  return hasConstructor(call.layer, answer._) ? answer : updates
}

/**
 * Those of these users who block the caller: they are not invited. Each is asked himself, not a cache: a block holds from
 * the moment that it was answered. Refused: USER_ID_INVALID, INPUT_USER_DEACTIVATED, and with USER_PRIVACY_RESTRICTED
 * where nobody would be left to invite and the client's layer has no way to be told who is missing.
 */
async function missingOf(call: Call, users: readonly number[]): Promise<readonly number[]> {
  const asked = users.filter((user) => user !== call.self && user !== SERVICE_USER_ID)
  const profiles = await Promise.all(asked.map((user) => call.services.people.profile(call, user)))
  for (const profile of profiles) {
    if (!profile) refuseCall('USER_ID_INVALID')
    if (profile.closed) refuseCall('INPUT_USER_DEACTIVATED')
  }
  const relations = await Promise.all(asked.map((user) => call.user(user).relations([call.self])))
  const missing = asked.filter((_, at) => relations[at]?.[0]?.blocked)
  const isSayable = hasConstructor(call.layer, 'messages.invitedUsers')
  if (missing.length > 0 && missing.length === users.length && !isSayable) refuseCall('USER_PRIVACY_RESTRICTED')
  return missing
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
    const missing = await missingOf(call, members)
    const id = await call.ref(IdAllocator, { purpose: 'group', shard: call.self % ACCOUNT_SHARDS }).next()
    const outcome = await call.chat(groupChat(id)).create({
      ...asked(call),
      title,
      members: members.filter((user) => !missing.includes(user)),
    })
    return invitedUsers(call, await groupAnswer(call, id, outcome), missing)
  },
)

/** What the chat would say first of an invitation that it is not asked for. */
async function checkMayInvite(call: Call, id: number, user: number): Promise<void> {
  const { people } = call.services
  people.forgetGroupFor(call.self, id)
  const group = await people.group(viewerOf(call), id)
  if (!group || group.membership === 'none') refuseCall('PEER_ID_INVALID')
  if (group.members.length === 0) refuseCall('USER_NOT_PARTICIPANT')
  if (group.members.some((member) => member.user === user)) refuseCall('USER_ALREADY_PARTICIPANT')
}

export const addChatUser = method(
  'messages.addChatUser',
  { auth: 'user', flood: GROUP_CHANGES },
  async (request, call) => {
    const { chat, peer } = placeOfGroup(request.chatId)
    const user = await userOf(call, request.userId)
    const missing = await missingOf(call, [user])
    if (missing.length > 0) {
      await checkMayInvite(call, peer.id, user)
      return invitedUsers(call, await answerChanges(call, []), missing)
    }
    const outcome = await call.chat(chat).addMember({ ...asked(call), user })
    return invitedUsers(call, await groupAnswer(call, peer.id, outcome), missing)
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

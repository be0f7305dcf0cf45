import { refuse } from '../../runtime/index.js'
import { type ChatState, isGroup, type Member } from './state.js'

/** Refuses those who may not know the chat: a private chat's strangers, a group that never was. */
export function checkKnown(state: ChatState, user: number): void {
  if (state.members.has(user) || state.group?.former?.has(user)) return
  refuse('PEER_ID_INVALID', 'the caller is no party of this chat')
}

/** The caller as one who takes part now. */
export function memberOf(state: ChatState, user: number, otherwise = 'USER_NOT_PARTICIPANT'): Member {
  checkKnown(state, user)
  return state.members.get(user) ?? refuse(otherwise)
}

/** The caller as one who may write here. */
export function writerIn(state: ChatState, user: number): Member {
  const member = memberOf(state, user, 'CHAT_WRITE_FORBIDDEN')
  if (state.blockedBy?.includes(user)) refuse('YOU_BLOCKED_USER')
  return member
}

export function isAdmin(member: Member): boolean {
  return member.role !== 'member'
}

/** Groups: the caller as an admin. In a private chat either party may do what an admin may. */
export function adminOf(state: ChatState, user: number): Member {
  const member = memberOf(state, user)
  if (isGroup(state) && !isAdmin(member)) refuse('CHAT_ADMIN_REQUIRED')
  return member
}

/** The other party of a private chat; undefined in a group and in a chat with oneself. */
export function otherParty(state: ChatState, user: number): number | undefined {
  if (isGroup(state)) return undefined
  for (const party of state.members.keys()) if (party !== user) return party
  return undefined
}

/** Private chats: the other party blocks `user`. */
export function isBlockedBy(state: ChatState, user: number): boolean {
  const other = otherParty(state, user)
  return other !== undefined && (state.blockedBy?.includes(other) ?? false)
}

/** Whom alone it reaches what `user` does: himself, where the other party blocks him; otherwise it is not limited. */
export function reachOf(state: ChatState, user: number): readonly number[] | undefined {
  return isBlockedBy(state, user) ? [user] : undefined
}

import { ActorError, type Later, type Random, refuse } from '../../runtime/index.js'
import { SERVICE_USER_ID, type StaleFrame } from '../user/contract.js'
import type {
  Asked,
  GroupInfo,
  GroupMember,
  Invite,
  InviteOptions,
  InvitePreview,
  Outcome,
  ServiceAction,
} from './contract.js'
import { MAX_GROUP_MEMBERS } from './contract.js'
import type { ChatFact, Post, StoredInvite } from './fact.js'
import { newInviteHash } from './invite-hash.js'
import { given } from './lane-item.js'
import { adminOf, isAdmin, memberOf } from './membership.js'
import { append, type Change, once, slotted } from './operation.js'
import { findOperation } from './receipts.js'
import { unscheduledOf } from './scheduling.js'
import type { ChatReading, ChatTurn } from './shape.js'
import { type ChatState, FORMER_MEMBERS, type Group, INVITES } from './state.js'

const MAX_TITLE_LENGTH = 255
const MAX_ABOUT_LENGTH = 255

export function create(
  turn: ChatTurn,
  request: Asked & { title: string; members: readonly number[] },
): Promise<Later<Outcome>> {
  return changing(turn, request, () => {
    const { by, op } = request
    if (turn.state.groupId === 0 || turn.state.group) refuse('PEER_ID_INVALID', 'the group exists')
    const users = [...new Set(request.members)].filter((user) => user !== by && user !== SERVICE_USER_ID)
    if (users.length >= MAX_GROUP_MEMBERS) refuse('USERS_TOO_MUCH')
    const title = checkedTitle(request.title)
    return [told(by, op, { type: 'create', title, users })]
  })
}

export function addMember(turn: ChatTurn, request: Asked & { user: number }): Promise<Later<Outcome>> {
  return changing(turn, request, () => {
    const { by, op, user } = request
    // Who left by himself may come back; who was removed is invited, by a member or a link.
    const isReturning = by === user && turn.state.group?.former?.get(by)?.why === 'left'
    if (!isReturning) memberOf(turn.state, by)
    if (turn.state.members.has(user)) refuse('USER_ALREADY_PARTICIPANT')
    if (user === SERVICE_USER_ID) refuse('USER_ID_INVALID')
    checkRoom(turn.state)
    return [told(by, op, { type: 'add', users: [user] }, { delivered: deliveredStays(turn) })]
  })
}

/** Admins remove members, the creator admins too, everyone those whom he invited, and himself. */
export function removeMember(
  turn: ChatTurn,
  request: Asked & { user: number; revokeHistory: boolean },
): Promise<Later<Outcome>> {
  return changing(turn, request, () => {
    const { state, head } = turn
    const { by, op, user } = request
    const remover = memberOf(state, by)
    const member = state.members.get(user) ?? refuse('USER_NOT_PARTICIPANT')
    const isSuperior = remover.role === 'creator' || (remover.role === 'admin' && member.role === 'member')
    const mayRemove = by === user || isSuperior || (member.role === 'member' && member.inviter === by)
    if (!mayRemove) refuse('CHAT_ADMIN_REQUIRED')
    const delivered = deliveredStays(turn)
    const former = state.group?.former
    const waiting = [...(former ?? [])].filter(([one, { stays }]) => stays.length > 0 && !delivered.includes(one))
    if (waiting.length >= FORMER_MEMBERS) {
      throw new ActorError('OVERLOADED', 'too many former members have something undelivered', { retryAfterMs: 5_000 })
    }
    const removal = told(by, op, { type: 'remove', user }, { delivered })
    const unscheduled = unscheduledOf(state, user)
    if (!request.revokeHistory || by === user) return [removal, ...unscheduled]
    // The removal itself stays: it is what the dialog shows from then on.
    const upTo = head.pts
    const revocation = { type: 'deleteHistory', by, op, second: true, from: 0, upTo, edits: [], to: [user] } as const
    return [removal, { fact: revocation }, ...unscheduled]
  })
}

export function setTitle(turn: ChatTurn, request: Asked & { title: string }): Promise<Later<Outcome>> {
  return changing(turn, request, () => {
    const { by, op } = request
    adminOf(turn.state, by)
    const title = checkedTitle(request.title)
    if (groupOf(turn.state).title === title) refuse('CHAT_NOT_MODIFIED')
    return [told(by, op, { type: 'title', title })]
  })
}

export function setAbout(turn: ChatTurn, request: Asked & { about: string }): Promise<Later<Outcome>> {
  return changing(turn, request, () => {
    const { by, op, about } = request
    adminOf(turn.state, by)
    const group = groupOf(turn.state)
    if (about.length > MAX_ABOUT_LENGTH) refuse('CHAT_ABOUT_TOO_LONG')
    if (group.about === about) refuse('CHAT_ABOUT_NOT_MODIFIED')
    return [{ fact: { type: 'about', by, op, about, version: group.version + 1 } }]
  })
}

export function setAdmin(turn: ChatTurn, request: Asked & { user: number; admin: boolean }): Promise<Later<Outcome>> {
  return changing(turn, request, () => {
    const { state } = turn
    const { by, op, user, admin } = request
    if (memberOf(state, by).role !== 'creator') refuse('CHAT_ADMIN_REQUIRED')
    const member = state.members.get(user) ?? refuse('USER_NOT_PARTICIPANT')
    if (member.role === 'creator') refuse('USER_CREATOR')
    if (isAdmin(member) === admin) return []
    return [{ fact: { type: 'admin', by, op, user, admin, version: groupOf(state).version + 1 } }]
  })
}

export async function exportInvite(turn: ChatTurn, request: Asked & InviteOptions, random: Random): Promise<Invite> {
  const { state, nowMs } = turn
  const { by, op, expiresAtMs, usageLimit, title, revokePrevious } = request
  const { entries: known, slot } = await findOperation(turn, by, op)
  const [first] = known ?? []
  if (first?.fact.type === 'invite') return inviteOf(state, first.fact.invite)
  adminOf(state, by)
  const group = groupOf(state)
  const live = [...(group.invites?.values() ?? [])].filter(({ revoked }) => !revoked)
  if (live.length >= INVITES) refuse('INVITES_TOO_MUCH', `a group has at most ${INVITES} links`)
  const permanent = expiresAtMs === undefined && usageLimit === undefined && title === undefined
  const invite: StoredInvite = {
    hash: newInviteHash(state.groupId, random),
    by,
    atMs: nowMs,
    permanent,
    ...given({ expiresAtMs, usageLimit, title }),
  }
  const replaced = revokePrevious && permanent ? live.filter((one) => one.by === by && one.permanent) : []
  const revoked = replaced.map(({ hash }) => hash)
  const fact = { type: 'invite', by, op, invite, revoked, to: [] } as const
  append(turn, slotted([{ fact }], op, slot), request.origin)
  return inviteOf(state, invite)
}

function inviteOf(state: ChatState, invite: StoredInvite): Invite {
  const current = state.group?.invites?.get(invite.hash) ?? { ...invite, revoked: true, usage: 0 }
  return { ...current, revokePrevious: false }
}

/** A link that is good now. */
function goodInvite(state: ChatState, hash: string, nowMs: number) {
  const invite = state.group?.invites?.get(hash) ?? refuse('INVITE_HASH_INVALID')
  const isLate = invite.expiresAtMs !== undefined && invite.expiresAtMs <= nowMs
  const isUsedUp = invite.usageLimit !== undefined && invite.usage >= invite.usageLimit
  if (invite.revoked || isLate || isUsedUp) refuse('INVITE_HASH_EXPIRED')
  return invite
}

export function checkInvite(self: ChatReading, request: { by: number; hash: string }): InvitePreview {
  goodInvite(self.state as ChatState, request.hash, self.nowMs)
  const { by } = request
  // Who has a link may join: the group is shown to him as it is, also when he was in it before.
  const group = groupInfo(self, { viewer: by }) ?? refuse('INVITE_HASH_INVALID')
  return { already: self.state.members.has(by), group: { ...group, ...current(self.state as ChatState) } }
}

function current(state: ChatState) {
  const { title, about, version } = groupOf(state)
  return { title, about, version, memberCount: state.members.size }
}

export function join(turn: ChatTurn, request: Asked & { hash: string }): Promise<Later<Outcome>> {
  return changing(turn, request, () => {
    const { state, nowMs } = turn
    const { by, op, hash } = request
    const invite = goodInvite(state as ChatState, hash, nowMs)
    if (state.members.has(by)) refuse('USER_ALREADY_PARTICIPANT')
    checkRoom(state as ChatState)
    return [told(by, op, { type: 'joinByLink', inviter: invite.by }, { invite: hash, delivered: deliveredStays(turn) })]
  })
}

export function groupInfo(self: ChatReading, { viewer }: { viewer: number }): GroupInfo | undefined {
  const { state } = self
  const group = state.group
  if (!group) return undefined
  const member = state.members.get(viewer)
  const { creator, atMs } = group
  const former = member ? undefined : group.former?.get(viewer)
  const pinned = state.pins.at(-1)
  const invite = member && isAdmin(member) ? ownInvite(state as ChatState, viewer) : undefined
  return {
    id: state.groupId,
    creator,
    atMs,
    ...current(state as ChatState),
    ...(former && { about: '', ...former.asOf }),
    members: member ? membersOf(state as ChatState) : [],
    membership: member?.role ?? former?.why ?? 'none',
    ...given({ pinned: member ? pinned : undefined, invite }),
  }
}

function ownInvite(state: ChatState, user: number): Invite | undefined {
  const all = [...(state.group?.invites?.values() ?? [])]
  const invite = all.reverse().find(({ by, permanent, revoked }) => by === user && permanent && !revoked)
  return invite && inviteOf(state, invite)
}

function membersOf(state: ChatState): readonly GroupMember[] {
  return [...state.members].map(([user, { role, inviter, atMs }]) => ({ user, role, inviter, atMs }))
}

/** A change of what gateways keep of the group: they are told that it is stale. */
function changing(turn: ChatTurn, request: Asked, decide: () => readonly Change[]): Promise<Later<Outcome>> {
  return once(turn, request, () => {
    const changes = decide()
    if (changes.length > 0) {
      turn.broadcast('profile', { group: turn.state.groupId } satisfies StaleFrame)
    }
    return changes
  })
}

function told(by: number, op: string, action: ServiceAction, more?: Partial<Post>): Change {
  const fact: ChatFact = { type: 'post', by, op, action, ...more }
  return { fact }
}

/** Whose former stays are delivered for sure. */
function deliveredStays({ state, memory: delivery }: ChatTurn): readonly number[] {
  const isDelivered = (user: number, stays: readonly (readonly [number, number])[] | undefined) =>
    stays !== undefined && stays.length > 0 && delivery.has(user, stays.at(-1)?.[1] ?? 0)
  const delivered: number[] = []
  for (const [user, { stays }] of state.group?.former ?? []) if (isDelivered(user, stays)) delivered.push(user)
  for (const [user, { past }] of state.members) if (isDelivered(user, past)) delivered.push(user)
  return delivered
}

function groupOf(state: Readonly<ChatState>): Group {
  return state.group ?? refuse('CHAT_ID_INVALID', 'there is no such group')
}

function checkRoom(state: ChatState): void {
  if (state.members.size >= MAX_GROUP_MEMBERS) refuse('USERS_TOO_MUCH')
}

function checkedTitle(title: string): string {
  const trimmed = title.trim()
  if (trimmed.length === 0) refuse('CHAT_TITLE_EMPTY')
  if (trimmed.length > MAX_TITLE_LENGTH) refuse('CHAT_TITLE_TOO_LONG')
  return trimmed
}

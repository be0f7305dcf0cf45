import type { Placed } from '../../runtime/index.js'
import type { ChatFact, Pin, Post, Read, Unschedule } from './fact.js'
import { evictAtRest, forgetReceipts, keepReceipt } from './receipts.js'
import {
  type ChatState,
  countOf,
  FORMER_MEMBERS,
  type Former,
  INVITES,
  type Member,
  newMember,
  PINS_IN_FOLD,
  type Stay,
} from './state.js'

/** Folds an entry into the state, in place. */
export function applyFact(state: ChatState, fact: ChatFact, at: Placed): ChatState {
  const n = at.pts
  state.evicted = []
  if (fact.type === 'settled') {
    state.owes = false
    evictAtRest(state, at)
  } else if (fact.type === 'forgotten') forgetReceipts(state, fact)
  if (countOf(fact) > 0) {
    state.owes = true
    keepReceipt(state, fact, at)
    if (fact.to) for (const user of fact.to) concern(state, user, n)
    else state.lastForAll = n
  }
  change(state, fact, at)
  return state
}

function concern(state: ChatState, user: number, n: number): void {
  const party = state.members.get(user) ?? state.group?.former?.get(user)
  if (party) party.last = n
}

function change(state: ChatState, fact: ChatFact, at: Placed): void {
  switch (fact.type) {
    case 'post':
      post(state, fact, at)
      break
    case 'read':
      read(state, fact)
      break
    case 'deleteHistory':
      if (!fact.to) state.cut = Math.max(state.cut, fact.upTo)
      break
    case 'delete':
      state.pins = state.pins.filter((pin) => !fact.targets.includes(pin))
      break
    case 'pin':
      if (!fact.to) pin(state, fact)
      break
    case 'schedule':
      state.scheduled ??= new Map()
      state.scheduled.set(fact.id, { by: fact.by, dueAtMs: fact.dueAtMs, n: at.pts })
      state.lastScheduled = Math.max(state.lastScheduled, fact.id)
      break
    case 'unschedule':
      unschedule(state, fact)
      break
    case 'blocked':
      state.blockedBy = (state.blockedBy ?? []).filter((user) => user !== fact.by)
      if (fact.blocked) state.blockedBy = [...state.blockedBy, fact.by]
      break
    default:
      group(state, fact)
  }
}

function post(state: ChatState, fact: Post, at: Placed): void {
  if (fact.action) serve(state, fact, at)
  const author = state.members.get(fact.by)
  if (!author) return
  author.lastPost = at.pts
  author.unreadFrom ||= at.pts
}

function pin(state: ChatState, fact: Pin): void {
  state.pins = state.pins.filter((one) => !fact.targets.includes(one))
  if (fact.pinned) state.pins = [...state.pins, ...fact.targets].slice(-PINS_IN_FOLD)
}

function read(state: ChatState, fact: Read): void {
  const reader = state.members.get(fact.by) ?? state.group?.former?.get(fact.by)
  if (reader) reader.readUpTo = Math.max(reader.readUpTo, fact.upTo)
  for (const user of fact.to ?? []) {
    const author = state.members.get(user)
    if (!author || user === fact.by) continue
    author.unreadFrom = author.lastPost > fact.upTo ? fact.upTo + 1 : 0
  }
}

function unschedule(state: ChatState, fact: Unschedule): void {
  for (const id of fact.ids) state.scheduled?.delete(id)
  if (state.scheduled?.size === 0) delete state.scheduled
}

function serve(state: ChatState, fact: Post, at: Placed): void {
  const action = fact.action
  if (action?.type === 'pin' || !action) return
  if (action.type === 'create') {
    state.group = {
      creator: fact.by,
      atMs: at.atMs,
      title: action.title,
      about: '',
      version: 0,
    }
    join(state, fact.by, newMember('creator', fact.by, at.pts, at.atMs))
  }
  const group = state.group
  if (!group) return
  group.version++
  for (const user of fact.delivered ?? []) forgetStays(state, user)
  if (action.type === 'title') group.title = action.title
  if (action.type === 'create' || action.type === 'add') {
    for (const user of action.users) join(state, user, newMember('member', fact.by, at.pts, at.atMs))
  }
  if (action.type === 'joinByLink') {
    join(state, fact.by, newMember('member', action.inviter, at.pts, at.atMs))
    const invite = group.invites?.get(fact.invite ?? '')
    if (invite) invite.usage++
  }
  if (action.type === 'remove') leave(state, action.user, at.pts, action.user === fact.by ? 'left' : 'removed')
}

function join(state: ChatState, user: number, member: Member): void {
  const former = state.group?.former?.get(user)
  if (former) {
    state.group?.former?.delete(user)
    if (former.stays.length > 0) member.past = former.stays
    member.readUpTo = former.readUpTo
  }
  if (user === state.group?.creator) member.role = 'creator'
  state.members.set(user, member)
}

function leave(state: ChatState, user: number, n: number, why: Former['why']): void {
  const member = state.members.get(user)
  const group = state.group
  if (!member || !group) return
  state.members.delete(user)
  group.former ??= new Map()
  const stays: Stay[] = [...(member.past ?? []), [member.from, n]]
  const asOf = { title: group.title, version: group.version, memberCount: state.members.size }
  group.former.set(user, { why, stays, last: n, readUpTo: member.readUpTo, asOf })
  if (group.former.size <= FORMER_MEMBERS) return
  for (const [oldest, former] of group.former) {
    if (former.stays.length > 0) continue
    group.former.delete(oldest)
    return
  }
}

function forgetStays(state: ChatState, user: number): void {
  const member = state.members.get(user)
  if (member) delete member.past
  const former = state.group?.former?.get(user)
  if (former) former.stays = []
}

function group(state: ChatState, fact: ChatFact): void {
  const group = state.group
  if (!group) return
  if (fact.type === 'about') {
    group.about = fact.about
    group.version++
  } else if (fact.type === 'admin') {
    const member = state.members.get(fact.user)
    if (member) member.role = fact.admin ? 'admin' : 'member'
    group.version++
  } else if (fact.type === 'invite') {
    group.invites ??= new Map()
    for (const hash of fact.revoked) {
      const invite = group.invites.get(hash)
      if (invite) invite.revoked = true
    }
    group.invites.set(fact.invite.hash, { ...fact.invite, revoked: false, usage: 0 })
    if (group.invites.size > INVITES) {
      for (const [hash, invite] of group.invites) {
        if (!invite.revoked) continue
        group.invites.delete(hash)
        break
      }
    }
  }
}

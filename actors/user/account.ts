/**
 * Names and the account's own record.
 *
 * N1. A token that was voided for a username is refused for ever: voiding and setting are entries of one journal.
 * N2. An account is registered at most once, and never after it was closed (or voided before it was registered).
 */
import { refuse } from '../../runtime/index.js'
import type { AccountProfile, BoxFact } from './changes.js'
import type { UserProfile } from './contract.js'
import { appendHidden } from './milestone.js'
import { presenceOf } from './presence.js'
import type { UserReading, UserTurn } from './shape.js'
import type { UserState } from './state.js'

export interface AccountState {
  phone: string
  profile: AccountProfile
  username: string
  /** Under which `username` was set, and what it replaced: a repeat is answered the same. */
  token: number
  previous: string
  closed: boolean
}

const NO_PROFILE: AccountProfile = { firstName: '', lastName: '', about: '' }

type AccountFact = Extract<BoxFact, { type: 'registered' | 'profile' | 'username' | 'seen' | 'closed' }>

export function foldAccountFact(state: UserState, fact: AccountFact): void {
  if (fact.type === 'seen') {
    state.seenAtMs = Math.max(state.seenAtMs, fact.atMs)
    return
  }
  const account: AccountState = state.account ?? noAccount()
  state.account = account
  switch (fact.type) {
    case 'registered':
      account.phone = fact.phone
      account.profile = { ...fact.profile }
      return
    case 'profile':
      account.profile = { ...fact.profile }
      return
    case 'username':
      account.previous = account.username
      account.username = fact.username
      account.token = fact.token
      return
    case 'closed':
      account.closed = true
      account.profile = NO_PROFILE
      forgetPeople(state)
  }
}

function noAccount(): AccountState {
  return { phone: '', profile: NO_PROFILE, username: '', token: 0, previous: '', closed: false }
}

function forgetPeople(state: UserState): void {
  state.authorizations = undefined
  state.delivered = undefined
  state.contacts = undefined
  state.blocked = undefined
  state.notify = undefined
  state.pinned = undefined
}

/** The account as long as it is open; refuses otherwise. */
export function openAccount(state: UserState): AccountState {
  const { account } = state
  if (!account) return refuse('USER_ID_INVALID', 'there is no such account')
  if (account.closed) return refuse('USER_DEACTIVATED', 'the account was deleted')
  return account
}

export function profileOf(reading: UserReading): UserProfile | undefined {
  const { account } = reading.state
  if (!account) return undefined
  const shown = account.closed ? { ...NO_PROFILE, phone: '', username: '' } : { ...account.profile, ...names(account) }
  return { id: reading.id, ...shown, closed: account.closed, presence: presenceOf(reading) }
}

function names({ phone, username }: AccountState): { phone: string; username: string } {
  return { phone, username }
}

const sameName = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase()

export interface NamedToken {
  readonly username: string
  readonly token: number
}

/** Whether the token may still set its username (N1). */
async function isVoid(turn: UserTurn, { username, token }: NamedToken): Promise<boolean> {
  const upTo = (await turn.own.row('voided', username.toLowerCase(), 0)) as number | undefined
  return upTo !== undefined && token <= upTo
}

export async function setUsername(
  turn: UserTurn,
  request: NamedToken,
): Promise<{ readonly previous: string; readonly changed: boolean }> {
  const { username, token, previous } = openAccount(turn.state)
  if (request.username === username && (username === '' || request.token === token)) {
    return { previous, changed: false }
  }
  if (request.username !== '' && (await isVoid(turn, request))) {
    refuse('USERNAME_OCCUPIED', `the reservation of ${request.username} is over; reserve it again`)
  }
  return { previous: username, changed: true }
}

/** N1: what is not held is void from now on. */
export async function settleUsername(turn: UserTurn, request: NamedToken): Promise<'held' | 'void'> {
  const { account } = turn.state
  if (account && !account.closed && sameName(account.username, request.username)) return 'held'
  if (!(await isVoid(turn, request))) {
    appendHidden(turn, { type: 'usernameVoided', username: request.username.toLowerCase(), upTo: request.token })
  }
  return 'void'
}

/** N2: one that is not registered with the number never will be. */
export function settlePhone(turn: UserTurn, phone: string): 'held' | 'void' {
  const { account } = turn.state
  if (account && !account.closed && account.phone === phone) return 'held'
  if (!account) appendHidden(turn, { type: 'closed' })
  return 'void'
}

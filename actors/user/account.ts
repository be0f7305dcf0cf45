/**
 * Names and the account's own record.
 *
 * N1. A token that was voided for a username is refused for ever: voiding and setting are entries of one journal. One
 *     commit sets a username and voids the token of the one before it.
 * N2. An account is registered at most once, and never after it was closed (or voided before it was registered).
 */
import { type Placed, type Position, refuse } from '../../runtime/index.js'
import type { NameKey } from '../name/contract.js'
import type { AccountProfile, BoxFact } from './changes.js'
import type { UserProfile } from './contract.js'
import type { Entry } from './entry.js'
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
  homeDc?: number | undefined
  /** The last entry that others may see, while the public records are not known to show it. */
  changedAt?: Position | undefined
  /** Usernames that the account had, until the directory is known to have released them. */
  dropped?: readonly DroppedName[] | undefined
}

export interface DroppedName {
  readonly username: string
  /** The last token that the directory may have given for it: void. */
  readonly upTo: number
}

/** Beyond this, the oldest are left to whoever wants them: the directory asks the journal then. */
const MOST_DROPPED = 32

const NO_PROFILE: AccountProfile = { firstName: '', lastName: '', about: '' }

type AccountFact = Extract<BoxFact, { type: 'registered' | 'profile' | 'username' | 'seen' | 'closed' }>

export function foldAccountFact(state: UserState, fact: AccountFact, { pts, ordinal }: Placed): void {
  if (fact.type === 'seen') {
    state.seenAtMs = Math.max(state.seenAtMs, fact.atMs)
    return
  }
  const account: AccountState = state.account ?? noAccount()
  state.account = account
  account.changedAt = { pts, ordinal }
  switch (fact.type) {
    case 'registered':
      account.phone = fact.phone
      account.homeDc = fact.homeDc
      account.profile = { ...fact.profile }
      return
    case 'profile':
      account.profile = { ...fact.profile }
      return
    case 'username':
      dropName(account, fact)
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

function dropName(account: AccountState, next: Extract<AccountFact, { type: 'username' }>): void {
  const { username, token, dropped = [] } = account
  const others = dropped.filter((each) => !sameName(each.username, next.username))
  const isDropped = username !== '' && !sameName(username, next.username)
  const all = isDropped ? [...others, { username, upTo: next.dropsUpTo ?? token }] : others
  account.dropped = all.length > 0 ? all.slice(-MOST_DROPPED) : undefined
}

function forgetPeople(state: UserState): void {
  state.authorizations = undefined
  state.delivered = undefined
  state.contacts = undefined
  state.blocked = undefined
  state.blockedBy = undefined
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

/** Up to which token the username cannot be set any more (N1). */
async function voidedUpTo(turn: UserTurn, username: string): Promise<number> {
  return ((await turn.own.row('voided', username.toLowerCase(), 0)) as number | undefined) ?? 0
}

async function isVoid(turn: UserTurn, { username, token }: NamedToken): Promise<boolean> {
  return token <= (await voidedUpTo(turn, username))
}

export async function setUsername(
  turn: UserTurn,
  request: NamedToken,
): Promise<{ readonly previous: string; readonly entries: readonly Entry[] }> {
  const { username, token, previous } = openAccount(turn.state)
  if (request.username === username && (username === '' || request.token === token)) return { previous, entries: [] }
  if (request.username !== '' && (await isVoid(turn, request))) {
    refuse('USERNAME_OCCUPIED', `the reservation of ${request.username} is over; reserve it again`)
  }
  if (username === '' || sameName(username, request.username)) {
    return { previous: username, entries: [{ type: 'username', ...request }] }
  }
  // The directory may have given a later token, and was told then that it is void.
  const upTo = Math.max(token, await voidedUpTo(turn, username))
  const voided: Entry = { type: 'usernameVoided', username: username.toLowerCase(), upTo }
  return { previous: username, entries: [{ type: 'username', ...request, dropsUpTo: upTo }, voided] }
}

/** What is not held is void from now on (N1, N2). */
export function settleName(turn: UserTurn, { kind, name, token }: NameKey & { readonly token: number }) {
  return kind === 'phone' ? settlePhone(turn, name) : settleUsername(turn, { username: name, token })
}

async function settleUsername(turn: UserTurn, request: NamedToken): Promise<'held' | 'void'> {
  const { account } = turn.state
  const isHeld = account !== undefined && !account.closed && sameName(account.username, request.username)
  // A reservation after the one that the name was set with was left lying: it is over, too.
  const isSettled = isHeld && request.token <= account.token
  if (!isSettled && !(await isVoid(turn, request))) {
    appendHidden(turn, { type: 'usernameVoided', username: request.username.toLowerCase(), upTo: request.token })
  }
  return isHeld ? 'held' : 'void'
}

/** One that is not registered with the number never will be. */
function settlePhone(turn: UserTurn, phone: string): 'held' | 'void' {
  const { account } = turn.state
  if (account && !account.closed && account.phone === phone) return 'held'
  if (!account) appendHidden(turn, { type: 'closed' })
  return 'void'
}

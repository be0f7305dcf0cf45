import type { Implementation } from '../../runtime/index.js'
import { refuse } from '../../runtime/index.js'
import { openAccount, profileOf, settleName, setUsername } from './account.js'
import { notifyEntries } from './contacts.js'
import type { AccountOfUser, RevokedFrame, StaleFrame, UserProfile } from './contract.js'
import { noDraftEntries } from './dialog-settings.js'
import { write } from './pen.js'
import { tellPartners } from './presence.js'
import { keepRecords, keptThenAnswered, type PublicRecords } from './public-records.js'
import type { UserShape, UserTurn } from './shape.js'

const REVOKED_SINK = 'revoked'
const PROFILE_SINK = 'profile'

/** Names, profile and settings of an account. */
export function accountMethods(records: PublicRecords): Pick<Implementation<UserShape>, keyof AccountOfUser> {
  return {
    register(turn, { phone, profile, homeDc }) {
      if (turn.state.account) refuse('PHONE_NUMBER_OCCUPIED', 'the account exists')
      turn.append({ type: 'registered', phone, profile, ...(homeDc !== undefined && { homeDc }) })
      return keptThenAnswered(turn, records, () => undefined)
    },
    profile: profileOf,
    updateProfile(turn, { profile, origin }) {
      const { profile: before } = openAccount(turn.state)
      const next = { ...before, ...profile }
      const isSame =
        next.firstName === before.firstName && next.lastName === before.lastName && next.about === before.about
      if (isSame) return ownProfile(turn)
      write(turn, [{ entry: { type: 'profile', profile: next } }], origin)
      keepRecords(turn, records)
      return changedProfile(turn)
    },
    async setUsername(turn, { username, token, origin }) {
      const { previous, entries } = await setUsername(turn, { username, token })
      const written = entries.map((entry) => ({ entry }))
      write(turn, written, origin)
      const profile = entries.length > 0 ? changedProfile(turn) : ownProfile(turn)
      return keptThenAnswered(turn, records, () => ({ previous, profile }))
    },
    settleName,
    close(turn) {
      const { account, authorizations = [] } = turn.state
      if (!account) return refuse('USER_ID_INVALID', 'there is no such account')
      const { phone, username } = account
      const revoked = account.closed ? [] : authorizations.map(({ authKey }) => authKey)
      if (!account.closed) {
        write(turn, [...noDraftEntries(turn.state), { entry: { type: 'closed' } }])
        tellRevoked(turn, revoked)
        tellStale(turn)
      }
      return keptThenAnswered(turn, records, () => ({ phone, username, revoked }))
    },
    notifySettings: ({ state }, scope) => state.notify?.get(scope) ?? {},
    setNotifySettings(turn, { scope, settings, origin }) {
      write(turn, notifyEntries(turn.state, scope, settings), origin)
    },
  }
}

/** Live gateways end the sessions of these auth keys. */
export function tellRevoked(turn: UserTurn, authKeys: readonly string[]): void {
  if (authKeys.length === 0) return
  const frame: RevokedFrame = { user: turn.id, authKeys }
  turn.broadcast(REVOKED_SINK, frame)
}

function tellStale(turn: UserTurn): void {
  const { pts, ordinal } = turn.head
  const frame: StaleFrame = { user: turn.id, version: { pts, ordinal } }
  turn.broadcast(PROFILE_SINK, frame)
  tellPartners(turn, { type: 'profile', user: turn.id })
}

function changedProfile(turn: UserTurn): UserProfile {
  tellStale(turn)
  return ownProfile(turn)
}

function ownProfile(turn: UserTurn): UserProfile {
  return profileOf(turn) ?? refuse('USER_ID_INVALID')
}

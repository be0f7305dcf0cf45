import type { Implementation } from '../../runtime/index.js'
import { openAccount } from './account.js'
import { tellRevoked } from './account-methods.js'
import { attach, detach, pushNews } from './attachments.js'
import { blockedEntries, blockedPage, contactEntries, contactsOf, noContactEntries, relationsOf } from './contacts.js'
import type { ContactsOfUser, DevicesOfUser } from './contract.js'
import {
  authorizationsOf,
  authorizeEntries,
  deliveredTo,
  isAuthorized,
  noteDelivered,
  offerTransfer,
  revokedBy,
  storeDelivered,
  takeTransfer,
  touch,
} from './devices.js'
import { appendHidden } from './milestone.js'
import { write } from './pen.js'
import { mayHear, presenceOf, setPresence } from './presence.js'
import { noteSeen, type PublicRecords } from './public-records.js'
import type { UserShape } from './shape.js'

/** Contacts and blocks. */
export const contactMethods: Pick<Implementation<UserShape>, keyof ContactsOfUser> = {
  contacts: ({ state }) => contactsOf(state),
  relations: ({ state }, users) => relationsOf(state, users),
  putContacts(turn, { contacts, origin }) {
    openAccount(turn.state)
    write(turn, contactEntries(turn.state, contacts, turn.nowMs), origin)
  },
  deleteContacts(turn, { users, origin }) {
    write(turn, noContactEntries(turn.state, users), origin)
  },
  setBlocked(turn, { user, blocked, origin }) {
    openAccount(turn.state)
    write(turn, blockedEntries(turn.state, user, blocked), origin)
  },
  noteBlockedBy(turn, { user, blocked }) {
    const { state } = turn
    if (!state.account || state.account.closed || (state.blockedBy?.has(user) ?? false) === blocked) return
    appendHidden(turn, { type: 'blockedBy', user, blocked })
  },
  blocked: ({ state }, request) => blockedPage(state, request),
}

/** Devices, live sessions and presence. */
export function deviceMethods(records: PublicRecords): Pick<Implementation<UserShape>, keyof DevicesOfUser> {
  return {
    authorize(turn, authorization) {
      openAccount(turn.state)
      const entries = authorizeEntries(turn.state, authorization)
      write(
        turn,
        entries.map((entry) => ({ entry })),
      )
      for (const entry of entries) if ('type' in entry && entry.type === 'revoked') tellRevoked(turn, entry.authKeys)
    },
    authorizations: authorizationsOf,
    isAuthorized: ({ state }, authKey) => isAuthorized(state, authKey),
    offerTransfer,
    takeTransfer,
    revoke(turn, request) {
      const authKeys = revokedBy(turn.state, request)
      if (authKeys.length === 0) return []
      appendHidden(turn, { type: 'revoked', authKeys })
      for (const authKey of authKeys) turn.memory.delivered?.delete(authKey)
      tellRevoked(turn, authKeys)
      return authKeys
    },
    touch,
    acknowledged: (turn, { devices }) => noteDelivered(turn, devices),
    deliveredTo,
    attach,
    detach(turn, request) {
      detach(turn, request)
      storeDelivered(turn)
    },
    setPresence(turn, { onlineUntilMs }) {
      const { seenAtMs } = turn.state
      const seen = setPresence(turn, onlineUntilMs)
      if (turn.state.seenAtMs !== seenAtMs) noteSeen(turn, records)
      return seen
    },
    presence: presenceOf,
    hear(turn, news) {
      if (mayHear(turn.state, news)) pushNews(turn, [news])
    },
  }
}

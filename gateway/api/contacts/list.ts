import { normalizePhone, phoneKey } from '../../../actors/name/contract.js'
import type { Contact } from '../../../actors/user/contract.js'
import type { tl } from '../../tl/index.js'
import { type Long, longFromBigInt } from '../../tl/index.js'
import type { Call } from '../call.js'
import { refuseCall } from '../errors.js'
import { userOf, usersOf } from '../input/peer.js'
import { lineOf, MAX_NAME_UNITS, optionalLineOf } from '../input/text.js'
import { method } from '../method.js'
import { presentStatus } from '../present/user.js'

const MAX_CONTACTS_A_CALL = 1000

/**
 * The hash by which clients say what they have: over the count and the sorted ids.
 * @see https://core.telegram.org/api/offsets#hash-generation
 */
function hashOf(contacts: readonly Contact[]): Long {
  const numbers = [contacts.length, ...contacts.map(({ user }) => user).sort((a, b) => a - b)]
  let hash = 0n
  for (const number of numbers) {
    hash ^= hash >> 21n
    hash ^= BigInt.asUintN(64, hash << 35n)
    hash ^= hash >> 4n
    hash = BigInt.asUintN(64, hash + BigInt(number))
  }
  return longFromBigInt(hash)
}

export const getContacts = method(
  'contacts.getContacts',
  { auth: 'user' },
  async ({ hash }, call): Promise<tl.contacts.TypeContacts> => {
    const contacts = await call.me.contacts()
    if (contacts.length > 0 && hash === hashOf(contacts)) return { _: 'contacts.contactsNotModified' }
    const ids = contacts.map(({ user }) => user)
    const users = await call.services.people.users(call, ids)
    return {
      _: 'contacts.contacts',
      contacts: users.map((user, at) => ({ _: 'contact', userId: ids[at]!, mutual: user.mutualContact === true })),
      savedCount: contacts.length,
      users,
    }
  },
)

/** Only of contacts who are there; one's own status is not among them. */
export const getStatuses = method('contacts.getStatuses', { auth: 'user' }, async (_request, call) => {
  const contacts = await call.me.contacts()
  const presences = await call.services.people.presences(
    call,
    contacts.map(({ user }) => user),
  )
  return presences.flatMap((presence, at) =>
    presence
      ? [{ _: 'contactStatus' as const, userId: contacts[at]!.user, status: presentStatus(presence, call.nowMs) }]
      : [],
  )
})

interface InputPhoneContact {
  readonly clientId: Long
  readonly phone: string
  readonly firstName: string
  readonly lastName: string
}

/** Numbers without an account are left out of `imported`, as Telegram does. */
export const importContacts = method(
  'contacts.importContacts',
  { auth: 'user', flood: { burst: 100, perSecond: 0.5 } },
  async ({ contacts }, call): Promise<tl.contacts.RawImportedContacts> => {
    const now = contacts.slice(0, MAX_CONTACTS_A_CALL)
    const imported = await ownersOf(call, now)
    if (imported.length > 0) {
      await call.me.putContacts({ contacts: imported.map(({ user, card }) => ({ user, card })), origin: call.origin })
    }
    for (const { user } of imported) forget(call, user)
    return {
      _: 'contacts.importedContacts',
      imported: imported.map(({ user, clientId }) => ({ _: 'importedContact', userId: user, clientId })),
      popularInvites: [],
      retryContacts: contacts.slice(MAX_CONTACTS_A_CALL).map(({ clientId }) => clientId),
      users: await call.services.people.users(call, [...new Set(imported.map(({ user }) => user))]),
    }
  },
)

async function ownersOf(call: Call, contacts: readonly InputPhoneContact[]) {
  const numbers = contacts.map(({ phone }) => normalizePhone(phone) ?? '')
  const known = [...new Set(numbers)].filter((phone) => phone !== '')
  const owners = await call.services.names.owners(known.map(phoneKey), call)
  const userOf = new Map(known.map((phone, at) => [phone, owners[at]]))
  return contacts.flatMap(({ clientId, firstName, lastName }, at) => {
    const phone = numbers[at]!
    const user = userOf.get(phone)
    if (user === undefined) return []
    const first = optionalLineOf(firstName, MAX_NAME_UNITS, 'CONTACT_NAME_EMPTY')
    const last = optionalLineOf(lastName, MAX_NAME_UNITS, 'CONTACT_NAME_EMPTY')
    return [{ user, clientId, card: { firstName: first, lastName: last, phone } }]
  })
}

export const addContact = method(
  'contacts.addContact',
  { auth: 'user' },
  async ({ id, firstName, lastName, phone }, call) => {
    const user = await userOf(call, id)
    if (user === call.self) return refuseCall('CONTACT_ID_INVALID')
    const card = {
      firstName: lineOf(firstName, MAX_NAME_UNITS, 'CONTACT_NAME_EMPTY'),
      lastName: optionalLineOf(lastName, MAX_NAME_UNITS, 'CONTACT_NAME_EMPTY'),
      phone: normalizePhone(phone) ?? '',
    }
    await call.me.putContacts({ contacts: [{ user, card }], origin: call.origin })
    return settingsChanged(call, [user])
  },
)

export const deleteContacts = method('contacts.deleteContacts', { auth: 'user' }, async ({ id }, call) => {
  const users = await usersOf(call, id, MAX_CONTACTS_A_CALL)
  await call.me.deleteContacts({ users, origin: call.origin })
  return settingsChanged(call, users)
})

/** What a changed contact shows in the answer: the bar above the chat, and the user under its new name. */
async function settingsChanged(call: Call, ids: readonly number[]): Promise<tl.RawUpdates> {
  for (const user of ids) forget(call, user)
  const users = await call.services.people.users(call, ids)
  return {
    _: 'updates',
    updates: users.map((user, at) => ({
      _: 'updatePeerSettings',
      peer: { _: 'peerUser', userId: ids[at]! },
      settings: { _: 'peerSettings', addContact: user.contact !== true, blockContact: user.contact !== true },
    })),
    users,
    chats: [],
    date: call.now,
    seq: 0,
  }
}

/** Both directions: whether a contact is mutual is seen from either side. */
function forget(call: Call, user: number): void {
  call.services.people.forgetRelation(call.self, user)
}

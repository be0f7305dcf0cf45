import { isUsername, normalizePhone, phoneKey, usernameKey } from '../../../actors/name/contract.js'
import { SERVICE_USER_ID } from '../../../actors/user/contract.js'
import type { tl } from '../../tl/index.js'
import type { Call } from '../call.js'
import { refuseCall } from '../errors.js'
import { pageOf } from '../input/number.js'
import { method } from '../method.js'
import { presentUserPeer } from '../present/peer.js'

const MIN_QUERY_UNITS = 3
const MAX_QUERY_UNITS = 64
const MAX_FOUND = 50

/** Looking up strangers: enough for people, too little for walking through all names and numbers. */
const LOOKUP_FLOOD = { burst: 500, perSecond: 5 }

async function resolved(call: Call, user: number): Promise<tl.contacts.RawResolvedPeer> {
  const users = await call.services.people.users(call, [user])
  return { _: 'contacts.resolvedPeer', peer: presentUserPeer(user), chats: [], users }
}

export const resolveUsername = method(
  'contacts.resolveUsername',
  { auth: 'user', flood: LOOKUP_FLOOD },
  async ({ username }, call) => {
    const name = username.replace(/^@/, '')
    if (!isUsername(name)) return refuseCall('USERNAME_INVALID')
    const user = await call.services.names.owner(usernameKey(name), call)
    return user === undefined ? refuseCall('USERNAME_NOT_OCCUPIED') : resolved(call, user)
  },
)

export const resolvePhone = method(
  'contacts.resolvePhone',
  { auth: 'user', flood: LOOKUP_FLOOD },
  async ({ phone: text }, call) => {
    const phone = normalizePhone(text)
    const user = phone === undefined ? undefined : await call.services.names.owner(phoneKey(phone), call)
    return user === undefined ? refuseCall('PHONE_NOT_OCCUPIED') : resolved(call, user)
  },
)

/** `my_results`: contacts whose name or username has a word that begins so; `results`: others by username. */
export const search = method(
  'contacts.search',
  // Of channels or of bots alone: who asks for those is not answered with people.
  {
    auth: 'user',
    flood: LOOKUP_FLOOD,
    unserved: { broadcasts: 'METHOD_NOT_IMPLEMENTED', bots: 'METHOD_NOT_IMPLEMENTED' },
  },
  async ({ q, limit }, call): Promise<tl.contacts.RawFound> => {
    const query = q.trim().replace(/^@/, '').toLowerCase().slice(0, MAX_QUERY_UNITS)
    if (query.length < MIN_QUERY_UNITS) return refuseCall('QUERY_TOO_SHORT')
    const most = pageOf(limit, MAX_FOUND)
    const mine = (await contactsLike(call, query)).slice(0, most)
    const known = new Set([...mine, call.self, SERVICE_USER_ID])
    const byName = await call.services.names.search(query, most + known.size)
    const others = [...new Set(byName.map(({ user }) => user))].filter((user) => !known.has(user))
    const results = (await named(call, others, query)).slice(0, most)
    return {
      _: 'contacts.found',
      myResults: mine.map(presentUserPeer),
      results: results.map(presentUserPeer),
      chats: [],
      users: await call.services.people.users(call, [...mine, ...results]),
    }
  },
)

/** The index may lag behind: only those count whose username begins so now. */
async function named(call: Call, users: readonly number[], query: string): Promise<readonly number[]> {
  const profiles = await Promise.all(users.map((user) => call.services.people.profile(call, user)))
  return users.filter((_, at) => profiles[at]?.username.toLowerCase().startsWith(query))
}

async function contactsLike(call: Call, query: string): Promise<readonly number[]> {
  const contacts = await call.me.contacts()
  const profiles = await Promise.all(contacts.map(({ user }) => call.services.people.profile(call, user)))
  return contacts
    .filter(({ card }, at) => {
      const names = [card.firstName, card.lastName, profiles[at]?.username ?? '']
      return names.some((name) =>
        name
          .toLowerCase()
          .split(/\s+/)
          .some((word) => word.startsWith(query)),
      )
    })
    .map(({ user }) => user)
}

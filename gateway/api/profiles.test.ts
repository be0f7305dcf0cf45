import { expect, test } from 'vitest'
import type { AccountRow } from '../../actors/user/contract.js'
import { User } from '../../actors/user/contract.js'
import { failed } from '../testing/fake-system.js'
import { ApiRig, profileOf } from '../testing/rig.js'
import { SELF } from '../testing/samples.js'

function row(id: number, pts = 1): AccountRow {
  const { firstName, lastName, about, phone } = profileOf(id, { firstName: `Row${id}` })
  const rest = { username: '', photo: '', premium: false, deleted: false, homeDc: 2, seenAtMs: 7_000 }
  return { id, version: { pts, ordinal: 0 }, firstName, lastName, about, phone, ...rest }
}

/** Accounts 1 to 9 are awake; the others sleep, and answer when they are woken. */
function rig() {
  const api = new ApiRig({ userId: SELF })
  const woken: number[] = []
  api.system.stub(User, (id) => ({
    profile: () => {
      const isAwake = id < 10
      const { ifActive } = api.system.calls.at(-1)!.options
      if (!isAwake && ifActive) return undefined
      if (!isAwake) woken.push(id)
      return profileOf(id)
    },
  }))
  const viewer = { self: SELF, deadlineMs: api.clock.now() + 60_000, traceId: 't' }
  const names = async (ids: readonly number[]) => {
    const profiles = await Promise.all(ids.map((id) => api.people.profile(viewer, id)))
    return profiles.map((profile) => profile?.firstName)
  }
  return { api, woken, viewer, names }
}

test('F1: who is awake answers; of the others the rows are read, in one request; who has none is woken', async () => {
  const { api, woken, names } = rig()
  for (const id of [20, 21, 22]) api.accounts.rows.set(id, row(id))
  expect(await names([1, 20, 2, 21, 30, 22])).toEqual(['First1', 'Row20', 'First2', 'Row21', 'First30', 'Row22'])
  expect(api.accounts.asked).toEqual([[20, 21, 30, 22]])
  expect(woken).toEqual([30])
})

test('F1: a row that is older than a change told of is not believed', async () => {
  const { api, woken, names } = rig()
  api.accounts.rows.set(20, row(20, 5))
  expect(await names([20])).toEqual(['Row20'])
  api.people.forgetUser(20, { pts: 6, ordinal: 0 })
  expect(await names([20])).toEqual(['First20'])
  expect(woken).toEqual([20])
})

test('F2: when rows cannot be read, the actors answer', async () => {
  const { api, woken, names } = rig()
  api.accounts.rows.set(20, row(20))
  api.accounts.failure = failed('STORE_UNAVAILABLE')
  expect(await names([1, 20, 21])).toEqual(['First1', 'First20', 'First21'])
  expect(woken).toEqual([20, 21])
})

test('a row shows when its account was last seen', async () => {
  const { api, viewer } = rig()
  api.accounts.rows.set(20, row(20))
  expect(await api.people.profile(viewer, 20)).toMatchObject({
    presence: { kind: 'offline', atMs: 7_000 },
    closed: false,
  })
})

test('a directory of names that does not answer is told as a wait that clients sleep out', async () => {
  const { api } = rig()
  api.names.failure = failed('STORE_UNAVAILABLE', 1_000)
  const lookup = { _: 'contacts.resolvePhone', phone: '+15550001' } as const
  expect(await api.error(lookup)).toMatch(/^420 FLOOD_WAIT_([1-9]|10)$/)
  api.names.failure = failed('OUTCOME_UNKNOWN')
  expect(await api.error({ _: 'account.updateUsername', username: 'alice' })).toMatch(/^420 FLOOD_WAIT_([1-9]|10)$/)
})

test('search shows those whose username begins so now, whatever the index says', async () => {
  const { api } = rig()
  api.names.owned.set('username alice', 3).set('username alicia', 4)
  api.system.stub(User, () => ({ contacts: () => [], profile: () => profileOf(3, { username: 'Alice' }) }))
  api.system.stub(User, (id) => ({ profile: () => profileOf(id, { username: id === 3 ? 'Alice' : 'other' }) }))
  const found = await api.call({ _: 'contacts.search', q: 'ali', limit: 10 })
  expect(found).toMatchObject({ results: [{ _: 'peerUser', userId: 3 }] })
})

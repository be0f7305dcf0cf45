import { expect, test } from 'vitest'
import { User } from '../../actors/user/contract.js'
import { SeededRandom, settled, VirtualClock } from '../../runtime/testing/index.js'
import { openCaches } from '../../storage/index.js'
import { ApiRig, profileOf } from '../testing/rig.js'
import { PresenceBoard, type PresenceStore } from './presence-board.js'

/** A cache that can be away, and lose all. */
class WeakStore implements PresenceStore {
  isAway = false
  writes = 0
  readonly known = new Map<number, { onlineUntilMs: number; seenAtMs: number }>()

  async put(notes: readonly { user: number; onlineUntilMs: number; seenAtMs: number }[]): Promise<boolean> {
    this.writes++
    if (this.isAway) return false
    for (const { user, ...seen } of notes) this.known.set(user, seen)
    return true
  }

  async remove(users: readonly number[]): Promise<boolean> {
    if (this.isAway) return false
    for (const user of users) this.known.delete(user)
    return true
  }

  async of(users: readonly number[]) {
    return users.map((user) => (this.isAway ? undefined : this.known.get(user)))
  }
}

const online = (clock: VirtualClock) => ({ onlineUntilMs: clock.now() + 300_000, seenAtMs: clock.now() })

test('PB1: what the cache did not take is written again, and only the newest word', async () => {
  const clock = new VirtualClock()
  const store = new WeakStore()
  const board = new PresenceBoard(clock, store)
  store.isAway = true
  board.note(1, online(clock))
  board.note(2, online(clock))
  await clock.advance(500)
  board.note(1, { onlineUntilMs: 0, seenAtMs: clock.now() })
  board.forget(2)
  await clock.advance(10_000)
  expect(store.writes).toBeLessThan(15)
  store.isAway = false
  await clock.advance(1_000)
  expect([...store.known]).toEqual([[1, { onlineUntilMs: 0, seenAtMs: clock.now() - 10_500 - 500 }]])
  board.stop()
})

test('PB1: what waits is bounded, and what is oldest goes', async () => {
  const clock = new VirtualClock()
  const store = new WeakStore()
  const board = new PresenceBoard(clock, store, true, { waiting: 10, kept: 5 })
  store.isAway = true
  for (let user = 1; user <= 100; user++) board.note(user, online(clock))
  store.isAway = false
  await clock.advance(1_000)
  expect([...store.known.keys()].sort((a, b) => a - b)).toEqual([91, 92, 93, 94, 95, 96, 97, 98, 99, 100])
  store.known.clear()
  board.rewrite()
  await settled()
  expect([...store.known.keys()]).toEqual([96, 97, 98, 99, 100])
  board.stop()
})

test('PB2: when the cache lost all, those who are still online are written again, the others not', async () => {
  const clock = new VirtualClock()
  const store = new WeakStore()
  const board = new PresenceBoard(clock, store, true)
  board.note(1, online(clock))
  await clock.advance(200_000)
  board.note(2, online(clock))
  board.note(3, online(clock))
  board.note(3, { onlineUntilMs: 0, seenAtMs: clock.now() })
  await clock.advance(200_000)
  store.known.clear()
  board.rewrite()
  await settled()
  expect([...store.known.keys()]).toEqual([2])
  board.stop()
})

test('PB3: statuses of contacts come from the cache; only of whom it knows nothing the actor is asked, once', async () => {
  const clock = new VirtualClock()
  const log = { debug() {}, info() {}, warn() {}, error() {} }
  const { presence } = openCaches({ clock, random: new SeededRandom(1), log })
  const rig = new ApiRig({ userId: 1024, presence })
  const contacts = [1, 2, 3, 4].map((user) => ({ user, card: { firstName: 'x', lastName: '', phone: '', atMs: 0 } }))
  rig.system.stub(User, (id) => ({
    contacts: () => contacts,
    profile: () => profileOf(id, id === 4 ? { closed: true } : {}),
  }))
  rig.presence.note(1, online(rig.clock))
  rig.presence.note(2, { onlineUntilMs: 0, seenAtMs: rig.clock.now() - 60_000 })
  await settled()

  const seconds = Math.floor(rig.clock.now() / 1000)
  const expected = [
    { userId: 1, status: { _: 'userStatusOnline', expires: seconds + 300 } },
    { userId: 2, status: { _: 'userStatusOffline', wasOnline: seconds - 60 } },
    { userId: 3, status: { _: 'userStatusOffline', wasOnline: 1_600_000_000 } },
  ]
  expect(await rig.call({ _: 'contacts.getStatuses' })).toMatchObject(expected)
  expect(rig.system.callsOf('profile').map(({ key }) => key)).toEqual(['3', '4'])
  await rig.clock.advance(40_000)
  expect(await rig.call({ _: 'contacts.getStatuses' })).toMatchObject(expected)
  expect(rig.system.callsOf('profile').map(({ key }) => key)).toEqual(['3', '4', '4'])
})

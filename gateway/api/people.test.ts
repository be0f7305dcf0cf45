import { expect, test } from 'vitest'
import { Chat, type GroupInfo } from '../../actors/chat/contract.js'
import { User } from '../../actors/user/contract.js'
import { settled } from '../../runtime/testing/index.js'
import { ApiRig, profileOf } from '../testing/rig.js'
import { GROUP, groupInfo, OTHER, SELF } from '../testing/samples.js'
import { PeerSet } from './peer-set.js'

function rig() {
  const api = new ApiRig({ userId: SELF })
  api.system.stub(Chat, () => ({ group: () => groupInfo }))
  const viewer = { self: SELF, deadlineMs: api.clock.now() + 60_000, traceId: 't' }
  return { api, viewer, people: api.people }
}

test('P1: whoever is named is there, also those who are gone, and groups that one may not see', async () => {
  const { api, viewer, people } = rig()
  api.system.stub(User, (id) => ({ profile: () => (id === 5 ? undefined : profileOf(id)) }))
  const strange = { ...groupInfo, members: [], membership: 'none' as const }
  const groups: Record<string, GroupInfo | undefined> = { g78: undefined, g79: strange }
  api.system.stub(Chat, (id) => ({ group: () => (id in groups ? groups[id] : groupInfo) }))
  const loaded = await people.load(
    viewer,
    new PeerSet().user(OTHER).user(5).user(777000).group(GROUP).group(78).group(79),
  )
  expect(loaded.users).toMatchObject([
    { id: OTHER, firstName: `First${OTHER}` },
    { id: 5, deleted: true },
    { id: 777000, firstName: 'Telegram', verified: true },
  ])
  // Of one that a stranger asks for, no more is told than of one that is not there.
  expect(loaded.chats).toEqual([
    expect.objectContaining({ _: 'chat', id: GROUP, title: groupInfo.title }),
    { _: 'chatForbidden', id: 78, title: '' },
    { _: 'chatForbidden', id: 79, title: '' },
  ])
})

test('P2: what is fresh is not asked for again; what is not, is', async () => {
  const { api, viewer, people } = rig()
  const set = new PeerSet().user(OTHER).group(GROUP)
  await people.load(viewer, set)
  await people.load(viewer, set)
  expect(api.system.calls).toHaveLength(3)
  await api.clock.advance(31_000)
  await people.load(viewer, set)
  expect(api.system.calls).toHaveLength(6)
})

test('P2: one call asks for all relations that are missing', async () => {
  const { api, viewer, people } = rig()
  await people.users(viewer, [SELF, 2, 3])
  await people.users(viewer, [2, 3, 4])
  expect(api.system.callsOf('relations').map(({ args }) => args)).toEqual([[[2, 3]], [[4]]])
})

test('P2: a load that was under way when its subject changed is not kept', async () => {
  const { api, viewer, people } = rig()
  let answer: (() => void) | undefined
  const first = new Promise<void>((resolve) => {
    answer = resolve
  })
  let name = 'old'
  api.system.stub(User, (id) => ({
    profile: async () => {
      const firstName = name
      if (firstName === 'old') await first
      return profileOf(id, { firstName })
    },
  }))
  const early = people.profile(viewer, OTHER)
  await settled()
  name = 'new'
  people.forgetUser(OTHER)
  answer?.()
  await early
  expect(await people.profile(viewer, OTHER)).toMatchObject({ firstName: 'new' })
})

test('P2: a change of a group is seen by all who looked at it', async () => {
  const { api, viewer, people } = rig()
  const others = { ...viewer, self: OTHER }
  for (const each of [viewer, others]) await people.group(each, GROUP)
  people.forgetGroup(GROUP)
  for (const each of [viewer, others]) await people.group(each, GROUP)
  expect(api.system.callsOf('group')).toHaveLength(4)
})

test('a failure is not kept', async () => {
  const { api, viewer, people } = rig()
  let failures = 1
  api.system.stub(User, (id) => ({
    profile: () => {
      if (failures-- > 0) throw new Error('not now')
      return profileOf(id)
    },
  }))
  await expect(people.profile(viewer, OTHER)).rejects.toThrow('not now')
  expect(await people.profile(viewer, OTHER)).toMatchObject({ id: OTHER })
})

test('a contact is mutual when the other has the viewer, too', async () => {
  const { api, viewer, people } = rig()
  const contact = { firstName: 'A', lastName: '', phone: '', atMs: 0 }
  api.system.stub(User, (id) => ({
    relations: (users) =>
      users.map((user) => ({ user, blocked: false, ...((id === SELF || id === 2) && { contact }) })),
  }))
  expect(await people.users(viewer, [2, 3])).toMatchObject([{ mutualContact: true }, { mutualContact: false }])
})

test('when they are there is not shown to whom they block', async () => {
  const { api, viewer, people } = rig()
  api.system.stub(User, (id) => ({
    profile: () => profileOf(id),
    relations: (users) =>
      users.map((user) => ({ user, blocked: false, ...(user === 2 && { blocksMe: true as const }) })),
  }))
  const [hidden, shown] = await people.users(viewer, [2, 3])
  expect([hidden?.status?._, shown?.status?._]).toEqual(['userStatusEmpty', 'userStatusOffline'])
  expect((await people.presences(viewer, [2, 3])).map((presence) => presence?.kind)).toEqual(['empty', 'offline'])
})

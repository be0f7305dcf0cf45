import { expect, test } from 'vitest'
import { type ChatId, groupChat, type PeerKey, privateChat } from '../../../actors/chat/chat-id.js'
import { Chat } from '../../../actors/chat/contract.js'
import type { BoxChange } from '../../../actors/user/changes.js'
import { type Located, User } from '../../../actors/user/contract.js'
import { failed, refused } from '../../testing/fake-system.js'
import { ApiRig } from '../../testing/rig.js'
import { GROUP, group, OTHER, other, SELF } from '../../testing/samples.js'

const groupId = groupChat(GROUP)
const privateId = privateChat(SELF, OTHER)

const secondId = groupChat(78)

/** Ids below 10 are of the private chat, those below 15 of a group, below 20 of a second one, and others are gone. */
function located(id: number): Located | undefined {
  if (id >= 20) return undefined
  const second = { chat: secondId, peer: 'c78' as PeerKey }
  if (id >= 15) return { id, n: id + 100, from: OTHER, out: false, atMs: 0, ...second }
  const where = id < 10 ? { chat: privateId, peer: other } : { chat: groupId, peer: group }
  return { id, n: id + 100, from: OTHER, out: false, atMs: 0, ...where }
}

/** Every deletion takes the box's next numbers, from 11 on. */
function rig(refusals: Partial<Record<ChatId, Error>> = {}): ApiRig {
  const api = new ApiRig()
  let pts = 10
  const deleted = (ids: readonly number[]): BoxChange[] => {
    const gone = { peer: other, ids, chat: privateId, ns: ids, unread: 0, mentions: 0, pins: 0, blocks: [] }
    const fact = { type: 'deleted' as const, ...gone, top: { id: 0, n: 0, atMs: 0 } }
    pts += ids.length
    return [{ pts, ordinal: 0, count: ids.length, atMs: 0, fact }]
  }
  api.system.stub(User, () => ({ locate: (ids) => ids.map(located), deleteOwn: ({ ids }) => deleted(ids) }))
  api.system.stub(Chat, (chat) => ({
    delete: ({ targets }) => {
      const refusal = refusals[chat]
      if (refusal) throw refusal
      return { n: 1, atMs: 0, repeated: false, changes: deleted(targets) }
    },
  }))
  return api
}

const revoke = (...id: number[]) => ({ _: 'messages.deleteMessages' as const, id, revoke: true })

function targets(api: ApiRig): unknown[] {
  return api.system.callsOf('delete').map(({ key, args }) => [key, (args[0] as { targets: number[] }).targets])
}

test('a deletion for everyone asks each chat about its own, and counts what all of them did', async () => {
  const api = rig()
  expect(await api.call(revoke(1, 30, 11, 2))).toEqual({ _: 'messages.affectedMessages', pts: 13, ptsCount: 3 })
  expect(targets(api)).toEqual([
    [groupId, [111]],
    [privateId, [101, 102]],
  ])
})

test('in a group that one has left, one deletes what one has; the other chats are not spoilt by it', async () => {
  const api = rig({ [groupId]: refused('USER_NOT_PARTICIPANT') })
  expect(await api.call(revoke(11, 12))).toEqual({ _: 'messages.affectedMessages', pts: 12, ptsCount: 2 })
  expect(await api.call(revoke(1, 11))).toEqual({ _: 'messages.affectedMessages', pts: 14, ptsCount: 2 })
  expect(api.system.callsOf('deleteOwn').map(({ args }) => args[0])).toMatchObject([{ ids: [11, 12] }, { ids: [11] }])
})

test('what others wrote in a group is refused before anything is done', async () => {
  const api = rig({ [groupId]: refused('MESSAGE_DELETE_FORBIDDEN') })
  expect(await api.error(revoke(1, 11))).toBe('403 MESSAGE_DELETE_FORBIDDEN')
  expect(targets(api)).toEqual([[groupId, [111]]])
  expect(api.system.callsOf('deleteOwn')).toEqual([])
})

test('once a part is done, what may not be deleted for everyone goes from the own box, and the answer tells of all', async () => {
  const api = rig({ [secondId]: refused('MESSAGE_DELETE_FORBIDDEN') })
  expect(await api.call(revoke(11, 1, 15))).toEqual({ _: 'messages.affectedMessages', pts: 13, ptsCount: 3 })
  expect(api.system.callsOf('deleteOwn').map(({ args }) => args[0])).toMatchObject([{ ids: [15] }])
})

test('a store that is away is no refusal: nothing is deleted in its place, and the client asks again', async () => {
  const api = rig({ [groupId]: failed('STORE_UNAVAILABLE') })
  expect(await api.error(revoke(11))).toBe('420 FLOOD_WAIT_1')
  expect(api.system.callsOf('deleteOwn')).toEqual([])
})

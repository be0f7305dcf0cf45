import { expect, test } from 'vitest'
import { Chat } from '../../actors/chat/contract.js'
import { IdAllocator } from '../../actors/id-allocator/contract.js'
import { ApiRig } from '../testing/rig.js'
import { groupInfo, OTHER } from '../testing/samples.js'
import { longFromNumber, type tl } from '../tl/index.js'

const window = { offsetId: 0, addOffset: 0, limit: 20, maxId: 0, minId: 0, minDate: 0, maxDate: 0 }

test.each([
  ['a block of stories alone', (api) => ({ _: 'contacts.block', id: api.inputPeer(OTHER), myStoriesFrom: true })],
  ['its end', (api) => ({ _: 'contacts.unblock', id: api.inputPeer(OTHER), myStoriesFrom: true })],
  [
    'a group whose messages go',
    (api) => ({ _: 'messages.createChat', users: [api.inputUser(OTHER)], title: 'Group', ttlPeriod: 86_400 }),
  ],
  [
    'a search for a tag',
    (api) => ({
      ...{ _: 'messages.search', peer: api.inputPeer(OTHER), q: '', hash: longFromNumber(0), ...window },
      filter: { _: 'inputMessagesFilterEmpty' },
      savedReaction: [{ _: 'reactionEmoji', emoticon: '👍' }],
    }),
  ],
] satisfies [string, (api: ApiRig) => tl.RpcMethod][])(
  '%s is refused before anything is asked or done',
  async (_name, request) => {
    const api = new ApiRig()
    expect(await api.error(request(api))).toMatch(/^400 (METHOD_NOT_IMPLEMENTED|TTL_PERIOD_INVALID)$/)
    expect(api.system.calls).toEqual([])
  },
)

test('a field that says none, as clients send it, is none', async () => {
  const api = new ApiRig()
  api.system
    .stub(IdAllocator, () => ({ next: () => 77 }))
    .stub(Chat, () => ({ create: () => ({ n: 1, atMs: 0, repeated: false, changes: [] }), group: () => groupInfo }))
  const users = [api.inputUser(OTHER)]
  await api.call({ _: 'messages.createChat', users, title: 'Group', ttlPeriod: 0 })
  expect(api.system.callsOf('create')).toHaveLength(1)
})

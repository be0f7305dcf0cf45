import { expect, test } from 'vitest'
import { type MessagePage, User } from '../../../actors/user/contract.js'
import { ApiRig } from '../../testing/rig.js'
import { boxMessage, OTHER } from '../../testing/samples.js'
import { longFromNumber } from '../../tl/index.js'

const hash = longFromNumber(0)

function search(api: ApiRig) {
  const filter = { _: 'inputMessagesFilterEmpty' as const }
  const window = { offsetId: 0, addOffset: 0, limit: 20, maxId: 0, minId: 0, minDate: 0, maxDate: 0, hash }
  return { _: 'messages.search' as const, peer: api.inputPeer(OTHER), q: 'word', filter, ...window }
}

function rig(pages: readonly MessagePage[]) {
  const api = new ApiRig()
  let calls = 0
  api.system.stub(User, () => ({
    search: () => pages[Math.min(calls++, pages.length - 1)]!,
  }))
  return api
}

const nothingYet: MessagePage = { messages: [], total: 0, inexact: true, unfinished: true }

test('an empty page means the end: a search that has found nothing yet goes on, and then lets the client wait', async () => {
  const api = rig([nothingYet])
  expect(await api.error(search(api))).toBe('420 FLOOD_WAIT_1')
  expect(api.system.callsOf('search').length).toBeGreaterThan(1)
})

test('what is found after some looking is answered, with a count that says what it is', async () => {
  const api = rig([nothingYet, nothingYet, { messages: [boxMessage(11)], total: 2, inexact: true }])
  const answer = await api.call(search(api))
  expect(answer).toMatchObject({ _: 'messages.messagesSlice', count: 2, inexact: true })
  expect(answer).toHaveProperty('messages.length', 1)
})

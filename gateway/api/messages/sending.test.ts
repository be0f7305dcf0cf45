import { expect, test } from 'vitest'
import { Chat, type PostRequest, type RescheduleRequest } from '../../../actors/chat/contract.js'
import { decodeBody, encodeBody } from '../../../actors/message/body.js'
import { User } from '../../../actors/user/contract.js'
import { ApiRig } from '../../testing/rig.js'
import { boxMessage, OTHER } from '../../testing/samples.js'
import { type Long, longFromNumber, type tl, ZERO_LONG } from '../../tl/index.js'

const randomId = longFromNumber(7)

/** Messages 4 and 6 stand; whatever is posted, edited or scheduled is taken. */
function rig(): ApiRig {
  const api = new ApiRig()
  const done = { n: 3, atMs: 0, repeated: false, changes: [] }
  api.system
    .stub(User, () => ({ messages: (ids) => ids.map((id) => (id === 4 || id === 6 ? boxMessage(id) : undefined)) }))
    .stub(Chat, () => ({ post: ({ drafts }) => drafts.map(() => done), edit: () => done, schedule: () => done }))
  return api
}

function send(api: ApiRig, changes: Partial<tl.messages.RawSendMessageRequest>) {
  const peer = api.inputPeer(OTHER)
  return { _: 'messages.sendMessage' as const, peer, message: 'hello', randomId, ...changes }
}

function edit(api: ApiRig, changes: Partial<tl.messages.RawEditMessageRequest>) {
  return { _: 'messages.editMessage' as const, peer: api.inputPeer(OTHER), id: 4, message: 'new', ...changes }
}

function forward(api: ApiRig, id: number[], changes: Partial<tl.messages.RawForwardMessagesRequest> = {}) {
  const peers = { fromPeer: api.inputPeer(OTHER), toPeer: api.inputPeer(4096) }
  const randomIds = id.map((_, at) => longFromNumber(at + 1))
  return { _: 'messages.forwardMessages' as const, ...peers, id, randomId: randomIds, ...changes }
}

function posted(api: ApiRig): PostRequest['drafts'] {
  return api.system.callsOf('post').flatMap(({ args }) => (args[0] as PostRequest).drafts)
}

/** Nothing was changed by a call that was refused. */
function expectNothingDone(api: ApiRig): void {
  for (const method of ['post', 'edit', 'schedule', 'reschedule']) expect(api.system.callsOf(method)).toEqual([])
}

test.each([
  [{ scheduleDate: 1_800_000_000 }, '400 SCHEDULE_DATE_TOO_LATE'],
  [{ scheduleDate: 0 }, '400 SCHEDULE_DATE_INVALID'],
  [{ scheduleDate: 0x7ffffffe }, '400 SCHEDULE_STATUS_PRIVATE'],
  [{ scheduleDate: 1_700_003_600, scheduleRepeatPeriod: 86_400 }, '400 METHOD_NOT_IMPLEMENTED'],
  [{ quickReplyShortcutId: 1 }, '400 SHORTCUT_INVALID'],
  [{ media: { _: 'inputMediaEmpty' } as const }, '400 MEDIA_INVALID'],
  [{ replyMarkup: { _: 'replyKeyboardHide' } as const }, '400 REPLY_MARKUP_INVALID'],
])(
  'an edit of %o, which names another message or changes something else, leaves the message alone',
  async (changes, error) => {
    const api = rig()
    expect(await api.error(edit(api, changes))).toBe(error)
    expectNothingDone(api)
    expect(await api.call(edit(api, {}))).toMatchObject({ _: 'updates' })
  },
)

test('with a date, the id is of what was scheduled: its text and its date change, and what it quotes stays', async () => {
  const quote = { text: 'said' }
  const kept = encodeBody({ text: 'old', quote })
  const forwarded = encodeBody({ text: 'theirs', forward: { fromUser: OTHER, date: 1 } })
  const api = rig()
  const scheduled = [kept, forwarded].map((body, at) => ({ id: 4 + at, dueAtMs: 1, draft: { body }, edited: false }))
  const done = { n: 3, atMs: 0, repeated: false, changes: [] }
  api.system.stub(Chat, () => ({ scheduled: () => scheduled, reschedule: () => done }))
  const scheduleDate = Math.floor(api.clock.now() / 1000) + 3600
  const asked = () => api.system.callsOf('reschedule').map(({ args }) => args[0] as RescheduleRequest)
  await api.call(edit(api, { scheduleDate }))
  expect(asked()).toMatchObject([{ id: 4, dueAtMs: scheduleDate * 1000, mentions: [] }])
  expect(decodeBody(asked()[0]!.body!)).toEqual({ text: 'new', quote })
  // Without a text, which one library leaves empty, the date alone: also of a forward, whose text is not the sender's.
  const { message: _, ...dated } = edit(api, { scheduleDate, id: 5 })
  await api.call(dated)
  await api.call({ ...dated, message: '' })
  expect(asked().slice(1)).toEqual([
    { ...asked()[1], op: asked()[1]!.op },
    { ...asked()[1], op: asked()[2]!.op },
  ])
  expect(asked()[1]).not.toHaveProperty('body')
  expect(await api.error(edit(api, { scheduleDate, id: 5 }))).toBe('403 MESSAGE_AUTHOR_REQUIRED')
  expect(await api.error(edit(api, { scheduleDate, id: 6 }))).toBe('400 MESSAGE_ID_INVALID')
  expect(asked()).toHaveLength(3)
})

test.each([
  [{ effect: randomId }, '400 EFFECT_ID_INVALID'],
  [{ quickReplyShortcut: { _: 'inputQuickReplyShortcutId', shortcutId: 1 } as const }, '400 SHORTCUT_INVALID'],
  [{ scheduleRepeatPeriod: 86_400 }, '400 METHOD_NOT_IMPLEMENTED'],
  [{ sendAs: { _: 'inputPeerChat', chatId: 1 } as const }, '400 SEND_AS_PEER_INVALID'],
  [{ suggestedPost: { _: 'suggestedPost' } as const }, '400 SUGGESTED_POST_PEER_INVALID'],
])('a message that is to be %o is not sent as another one', async (changes, error) => {
  const api = rig()
  expect(await api.error(send(api, changes))).toBe(error)
  expect(await api.error(forward(api, [4], changes))).toBe(error)
  expectNothingDone(api)
})

test("a reply within a channel's messages, or to an item of a list, is not taken for one to the message", async () => {
  const api = rig()
  const to = { _: 'inputReplyToMessage' as const, replyToMsgId: 4 }
  const within = { ...to, monoforumPeerId: api.inputPeer(OTHER) }
  expect(await api.error(send(api, { replyTo: within }))).toBe('400 REPLY_TO_INVALID')
  expect(await api.error(send(api, { replyTo: { ...to, todoItemId: 1 } }))).toBe('400 REPLY_TO_INVALID')
  expectNothingDone(api)
})

test('hints that change nothing of the message are no reason to refuse it, nor is a field set to none', async () => {
  const api = rig()
  const hints = { background: true, updateStickersetsOrder: true, allowPaidStars: longFromNumber(5) }
  await api.call(send(api, { ...hints, scheduleRepeatPeriod: 0 }))
  expect(posted(api)).toHaveLength(1)
})

test('a text keeps its lines and loses its control characters, and entities stay on their words', async () => {
  const api = rig()
  const message = '\u0000\tone\r\ntwo\u0007bold\r'
  await api.call(send(api, { message, entities: [{ _: 'messageEntityBold', offset: 11, length: 5 }] }))
  expect(posted(api).map(({ body }) => decodeBody(body))).toEqual([
    { text: 'one\ntwo bold', entities: [{ type: 'Bold', offset: 8, length: 4 }] },
  ])
  expect(await api.error(send(api, { message: '\u0000\r\t' }))).toBe('400 MESSAGE_EMPTY')
})

test('a date that stands for "when online" is refused by its own name', async () => {
  const api = rig()
  expect(await api.error(send(api, { scheduleDate: 0x7ffffffe }))).toBe('400 SCHEDULE_STATUS_PRIVATE')
  expectNothingDone(api)
})

test('a random id of zero is none: a second message would be taken for a repeat of the first', async () => {
  const api = rig()
  expect(await api.error(send(api, { randomId: ZERO_LONG }))).toBe('400 RANDOM_ID_EMPTY')
  const ids: Long[] = [randomId, ZERO_LONG]
  expect(await api.error(forward(api, [4, 6], { randomId: ids }))).toBe('400 RANDOM_ID_EMPTY')
  expect(await api.error(forward(api, [4, 5], { randomId: ids }))).toBe('400 RANDOM_ID_EMPTY')
  expect(await api.error(forward(api, [4, 6], { randomId: [randomId, randomId] }))).toBe('400 RANDOM_ID_DUPLICATE')
  expectNothingDone(api)
})

test('a forward passes over what is gone, and each that stands keeps its random id', async () => {
  const api = rig()
  await api.call(forward(api, [5, 4, 8, 6]))
  expect(posted(api).map(({ op, body }) => [op, decodeBody(body).text])).toEqual([
    ['r0000000000000002', 'message 4'],
    ['r0000000000000004', 'message 6'],
  ])
  expect(await api.error(forward(api, [5, 8]))).toBe('400 MESSAGE_ID_INVALID')
})

test('what goes to many, or is many, counts as the many calls that it costs; a repeat does not', async () => {
  const api = new ApiRig()
  let repeated = false
  api.system
    .stub(User, () => ({ messages: (ids) => ids.map((id) => boxMessage(id)) }))
    .stub(Chat, () => ({
      post: ({ drafts }) => drafts.map(() => ({ n: 3, atMs: 0, repeated, changes: [], reach: 200 })),
    }))
  const taken = async (call: () => Promise<unknown>) => {
    let calls = 0
    while (calls < 4_000 && !((await call()) instanceof Error)) calls++
    return calls
  }
  expect(await taken(() => api.call(send(api, {})))).toBe(Math.ceil(3_000 / 11))
  expect(await taken(() => api.call(forward(api, [4, 6])))).toBe(Math.ceil(3_000 / (2 + 20)))
  await api.clock.advance(60_000)
  repeated = true
  expect(await taken(() => api.call(send(api, {})))).toBe(3_000)
})

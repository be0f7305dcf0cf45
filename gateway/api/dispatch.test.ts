import { describe, expect, test } from 'vitest'
import { groupChat, privateChat } from '../../actors/chat/chat-id.js'
import { Chat, type PostRequest } from '../../actors/chat/contract.js'
import { IdAllocator } from '../../actors/id-allocator/contract.js'
import { decodeBody, encodeBody } from '../../actors/message/body.js'
import type { BoxChange } from '../../actors/user/changes.js'
import { type Located, User } from '../../actors/user/contract.js'
import { failed, refused } from '../testing/fake-system.js'
import { ApiRig, profileOf } from '../testing/rig.js'
import { boxMessage, groupInfo, messageFact, OTHER, other, SELF } from '../testing/samples.js'
import { longFromNumber, type tl } from '../tl/index.js'

const randomId = longFromNumber(7)

/** The sender's own copy, as the chat's outcome carries it. */
function ownCopy(request: PostRequest): BoxChange {
  const [draft] = request.drafts
  const { op } = draft!
  const fact = messageFact({ out: true, from: SELF, op })
  return { pts: 11, ordinal: 0, count: 1, atMs: 1_700_000_000_000, fact, body: draft!.body }
}

function rig(options: { userId?: number; layer?: number } = {}) {
  const api = new ApiRig(options)
  api.system.stub(Chat, () => ({
    post: (request) => [{ n: 3, atMs: 0, repeated: false, changes: [ownCopy(request)] }],
    group: () => groupInfo,
  }))
  return api
}

function send(api: ApiRig, changes: Partial<tl.messages.RawSendMessageRequest> = {}) {
  const peer = api.inputPeer(OTHER)
  return { _: 'messages.sendMessage' as const, peer, message: 'hello', randomId, ...changes }
}

describe('before a handler', () => {
  test('a method that nobody serves is said so, and counted by name', async () => {
    const api = rig()
    expect(await api.error({ _: 'phone.getCallConfig' })).toBe('400 METHOD_NOT_IMPLEMENTED')
    expect(api.notImplemented).toEqual(['phone.getCallConfig'])
  })

  test('what needs an account is refused without one', async () => {
    expect(await rig({ userId: 0 }).error({ _: 'updates.getState' })).toBe('401 AUTH_KEY_UNREGISTERED')
  })

  test('who calls too often is told how long to wait, and others are not', async () => {
    const api = rig()
    for (let call = 0; call < 3000; call++) api.services.flood.take(String(SELF), 'updates.getState')
    expect(await api.error({ _: 'updates.getState' })).toBe('420 FLOOD_WAIT_1')
    expect(await api.call({ _: 'messages.receivedMessages', maxId: 0 })).toEqual([])
  })
})

describe('errors of actors', () => {
  test.each([
    [refused('CHAT_ADMIN_REQUIRED'), '400 CHAT_ADMIN_REQUIRED'],
    [refused('MESSAGE_DELETE_FORBIDDEN'), '403 MESSAGE_DELETE_FORBIDDEN'],
    [failed('OVERLOADED', 2000), '420 FLOOD_WAIT_2'],
    [failed('STORE_UNAVAILABLE'), '420 FLOOD_WAIT_1'],
  ])('%s becomes %s', async (error, answer) => {
    const api = rig()
    api.system.stub(Chat, () => ({
      post: () => {
        throw error
      },
    }))
    expect(await api.error(send(api))).toBe(answer)
  })

  test('an unknown outcome is found out: the send is repeated with the same operation', async () => {
    const api = rig()
    let attempts = 0
    api.system.stub(Chat, () => ({
      post: (request) => {
        if (++attempts < 3) throw failed('OUTCOME_UNKNOWN')
        return [{ n: 3, atMs: 0, repeated: true, changes: [ownCopy(request)] }]
      },
    }))
    const answer = api.call(send(api))
    await api.clock.advance(2000)
    expect(await answer).toMatchObject({ _: 'updates' })
    const ops = api.system.callsOf('post').map(({ args }) => (args[0] as PostRequest).drafts[0]!.op)
    expect(ops).toEqual(['r0000000000000007', 'r0000000000000007', 'r0000000000000007'])
  })

  test('a fault of ours is thrown, so that it is logged and answered as such', async () => {
    const api = rig()
    api.system.stub(Chat, () => ({
      post: () => {
        throw failed('INTERNAL')
      },
    }))
    await expect(api.call(send(api))).rejects.toMatchObject({ code: 'INTERNAL' })
  })
})

describe('messages.sendMessage', () => {
  test('is answered with the random id mapped, the message with its pts, and both parties', async () => {
    const api = rig()
    const answer = (await api.call(send(api))) as unknown as tl.RawUpdates
    expect(answer.updates).toMatchObject([
      { _: 'updateMessageID', id: 11, randomId },
      { _: 'updateNewMessage', pts: 11, ptsCount: 1, message: { id: 11, out: true, message: 'hello' } },
    ])
    expect(answer.users.map(({ id }) => id).sort()).toEqual([SELF, OTHER])
  })

  test('passes on who asks, from which session, within the deadline', async () => {
    const api = rig()
    await api.call(send(api, { silent: true, clearDraft: true }))
    const [post] = api.system.callsOf('post')
    expect(post).toMatchObject({ key: privateChat(SELF, OTHER), options: { traceId: 'trace' } })
    expect(post!.args[0]).toMatchObject({
      by: SELF,
      origin: { authKey: '0000000000000001', session: '0000000000000001' },
      drafts: [{ silent: true, clearDraft: true }],
    })
  })

  test.each([
    ['', '400 MESSAGE_EMPTY'],
    [' \n ', '400 MESSAGE_EMPTY'],
    ['x'.repeat(4097), '400 MESSAGE_TOO_LONG'],
    ['😀'.repeat(2049), '400 MESSAGE_TOO_LONG'],
  ])('refuses a text by its UTF-16 units', async (message, error) => {
    const api = rig()
    expect(await api.error(send(api, { message }))).toBe(error)
    expect(api.system.callsOf('post')).toHaveLength(0)
  })

  test('takes 4096 units, trims, and moves the entities along', async () => {
    const api = rig()
    const message = `  ${'x'.repeat(4090)}  `
    await api.call(send(api, { message, entities: [{ _: 'messageEntityBold', offset: 0, length: 6 }] }))
    const { drafts } = api.system.callsOf('post')[0]!.args[0] as PostRequest
    expect(decodeBody(drafts[0]!.body)).toEqual({
      text: 'x'.repeat(4090),
      entities: [{ type: 'Bold', offset: 0, length: 4 }],
    })
  })

  test.each([
    [
      'a wrong access hash',
      (api: ApiRig) => ({ ...api.inputPeer(OTHER), accessHash: randomId }),
      '400 PEER_ID_INVALID',
    ],
    ['no peer', () => ({ _: 'inputPeerEmpty' as const }), '400 PEER_ID_INVALID'],
    [
      'a channel',
      () => ({ _: 'inputPeerChannel' as const, channelId: 1, accessHash: randomId }),
      '400 CHANNEL_INVALID',
    ],
    ['the service account', (api: ApiRig) => api.inputPeer(777000), '403 CHAT_WRITE_FORBIDDEN'],
  ])('refuses %s before an actor is asked', async (_name, peer, error) => {
    const api = rig()
    expect(await api.error(send(api, { peer: peer(api) }))).toBe(error)
    expect(api.system.calls).toEqual([])
  })

  test('refuses a deleted account', async () => {
    const api = rig()
    api.system.stub(User, (id) => ({ profile: () => profileOf(id, { closed: id === OTHER }) }))
    expect(await api.error(send(api))).toBe('400 INPUT_USER_DEACTIVATED')
  })

  test('replies to messages of the same dialog alone', async () => {
    const api = rig()
    const located: Located = {
      id: 4,
      chat: privateChat(SELF, OTHER),
      peer: other,
      n: 2,
      from: OTHER,
      out: false,
      atMs: 0,
    }
    api.system.stub(User, () => ({ locate: (ids) => ids.map((id) => (id === 4 ? located : undefined)) }))
    const to = (id: number) => ({ replyTo: { _: 'inputReplyToMessage' as const, replyToMsgId: id } })
    await api.call(send(api, to(4)))
    expect((api.system.callsOf('post')[0]!.args[0] as PostRequest).drafts[0]).toMatchObject({ replyTo: 2 })
    expect(await api.error(send(api, to(5)))).toBe('400 REPLY_MESSAGE_ID_INVALID')
    expect(await api.error(send(api, { ...to(4), peer: { _: 'inputPeerSelf' } }))).toBe('400 REPLY_MESSAGE_ID_INVALID')
  })

  test('is scheduled when it is due later, and goes at once when it is due in seconds', async () => {
    const api = rig()
    api.system.stub(Chat, () => ({ schedule: () => ({ n: 1, atMs: 0, repeated: false, changes: [] }) }))
    const now = Math.floor(api.clock.now() / 1000)
    await api.call(send(api, { scheduleDate: now + 3600 }))
    expect(api.system.callsOf('schedule')[0]!.args[0]).toMatchObject({ dueAtMs: (now + 3600) * 1000 })
    await api.call(send(api, { scheduleDate: now + 5 }))
    expect(api.system.callsOf('post')).toHaveLength(1)
    expect(await api.error(send(api, { scheduleDate: now + 400 * 86400 }))).toBe('400 SCHEDULE_DATE_TOO_LATE')
  })
})

describe('answers that older layers expect in another form', () => {
  const create = (api: ApiRig) => ({
    _: 'messages.createChat' as const,
    users: [api.inputUser(OTHER)],
    title: 'Group',
  })

  function creating(layer: number) {
    const api = rig({ layer })
    api.system.stub(IdAllocator, () => ({ next: () => 77 }))
    api.system.stub(Chat, () => ({ create: () => ({ n: 1, atMs: 0, repeated: false, changes: [] }) }))
    return api
  }

  test('createChat: invitedUsers, and plain updates before', async () => {
    const newer = creating(228)
    expect(await newer.call(create(newer))).toMatchObject({ _: 'messages.invitedUsers', updates: { _: 'updates' } })
    const older = creating(167)
    expect(await older.call(create(older))).toMatchObject({ _: 'updates', chats: [{ id: 77 }] })
    expect(older.system.callsOf('create')[0]).toMatchObject({ key: groupChat(77) })
  })

  test('getDialogFilters: a bare vector before', async () => {
    const filters = [{ _: 'dialogFilterDefault' }]
    expect(await rig({ layer: 228 }).call({ _: 'messages.getDialogFilters' })).toMatchObject({ filters })
    expect(await rig({ layer: 167 }).call({ _: 'messages.getDialogFilters' })).toEqual(filters)
  })
})

describe('messages.forwardMessages', () => {
  const original = boxMessage(4, { fact: messageFact({ from: 3072 }), body: encodeBody({ text: 'original' }) })

  function forward(api: ApiRig, changes: Partial<tl.messages.RawForwardMessagesRequest> = {}) {
    return {
      _: 'messages.forwardMessages' as const,
      fromPeer: api.inputPeer(OTHER),
      toPeer: api.inputPeer(4096),
      id: [4],
      randomId: [randomId],
      ...changes,
    }
  }

  function forwarding() {
    const api = rig()
    api.system.stub(User, () => ({ messages: (ids) => ids.map((id) => (id === 4 ? original : undefined)) }))
    return api
  }

  async function forwardedBody(changes: Partial<tl.messages.RawForwardMessagesRequest>) {
    const api = forwarding()
    await api.call(forward(api, changes))
    return decodeBody((api.system.callsOf('post')[0]!.args[0] as PostRequest).drafts[0]!.body)
  }

  test('names the author and the date of the original', async () => {
    expect(await forwardedBody({})).toEqual({ text: 'original', forward: { fromUser: 3072, date: 1_700_000_000 } })
    expect(await forwardedBody({ dropAuthor: true })).toEqual({ text: 'original' })
  })

  test('to saved messages it also says where it came from', async () => {
    expect((await forwardedBody({ toPeer: { _: 'inputPeerSelf' } })).forward).toMatchObject({
      savedFrom: { user: OTHER, id: 4 },
    })
  })

  test('refuses what is not there, not the same dialog, or does not match its random ids', async () => {
    const api = forwarding()
    expect(await api.error(forward(api, { id: [5] }))).toBe('400 MESSAGE_ID_INVALID')
    expect(await api.error(forward(api, { fromPeer: { _: 'inputPeerSelf' } }))).toBe('400 MESSAGE_ID_INVALID')
    expect(await api.error(forward(api, { randomId: [] }))).toBe('400 RANDOM_ID_INVALID')
    expect(await api.error(forward(api, { id: [], randomId: [] }))).toBe('400 MESSAGE_IDS_EMPTY')
  })
})

describe('updates.getDifference', () => {
  const ask = { _: 'updates.getDifference' as const, pts: 5, date: 0, qts: 0 }

  test.each([
    [{ kind: 'empty', pts: 10, atMs: 5000 } as const, { _: 'updates.differenceEmpty', date: 5, seq: 0 }],
    [{ kind: 'tooLong', pts: 10, atMs: 5000 } as const, { _: 'updates.differenceTooLong', pts: 10 }],
  ])('%o', async (difference, answer) => {
    const api = rig()
    api.system.stub(User, () => ({ difference: () => difference }))
    expect(await api.call(ask)).toEqual(answer)
  })

  test.each([
    ['full', 'updates.difference', 'state'],
    ['slice', 'updates.differenceSlice', 'intermediateState'],
  ] as const)('%s carries messages, the rest without numbers, and the state', async (kind, name, state) => {
    const api = rig()
    const others = [{ pts: 9, ordinal: 0, count: 1, atMs: 0, fact: { type: 'mentionsRead', peer: other, ids: [2] } }]
    api.system.stub(User, () => ({
      difference: () => ({ kind, pts: 9, atMs: 5000, messages: [boxMessage(8)], others: others as BoxChange[] }),
    }))
    expect(await api.call(ask)).toMatchObject({
      _: name,
      newMessages: [{ id: 8 }],
      otherUpdates: [{ _: 'updateReadMessagesContents', pts: 0, ptsCount: 0 }],
      [state]: { pts: 9, date: 5 },
    })
  })

  test('never asks for more than the deployment allows', async () => {
    const api = rig()
    api.system.stub(User, () => ({ difference: () => ({ kind: 'empty', pts: 10, atMs: 0 }) }))
    await api.call({ ...ask, ptsTotalLimit: 1_000_000, ptsLimit: 1_000_000 })
    expect(api.system.callsOf('difference')[0]!.args[0]).toMatchObject({ limit: 1000, totalLimit: 1000 })
  })

  test('an answer that pushes have overtaken is computed again', async () => {
    const api = rig()
    let pts = 9
    api.system.stub(User, () => ({ difference: () => ({ kind: 'empty', pts: pts++, atMs: 0 }) }))
    Object.assign(api.services.pushes, { pushedPts: () => 10 })
    await api.call(ask)
    expect(api.system.callsOf('difference')).toHaveLength(2)
  })
})

test('getHistory pages by id; the date that clients say along would skip messages of the same second', async () => {
  const api = rig()
  api.system.stub(User, () => ({ history: () => ({ messages: [], total: 0 }) }))
  const ask = {
    _: 'messages.getHistory' as const,
    peer: api.inputPeer(OTHER),
    addOffset: 0,
    limit: 0,
    maxId: 0,
    minId: 0,
  }
  await api.call({ ...ask, offsetId: 7, offsetDate: 1_700_000_000, hash: longFromNumber(0) })
  await api.call({ ...ask, offsetId: 0, offsetDate: 1_700_000_000, hash: longFromNumber(0) })
  const asked = api.system.callsOf('history').map(({ args }) => args[0])
  expect(asked).toMatchObject([
    { offsetId: 7, offsetDate: 0, limit: 100 },
    { offsetId: 0, offsetDate: 1_700_000_000 },
  ])
})

describe('affected messages', () => {
  test('readHistory tells the chat, and answers with the pts that it took', async () => {
    const api = rig()
    api.system.stub(User, () => ({
      locateUpTo: () => ({
        id: 4,
        chat: privateChat(SELF, OTHER),
        peer: other,
        n: 2,
        from: OTHER,
        out: false,
        atMs: 0,
      }),
    }))
    const fact = { type: 'readInbox', peer: other, maxId: 4, maxN: 2, stillUnread: 0 } as const
    api.system.stub(Chat, () => ({
      read: () => ({
        n: 3,
        atMs: 0,
        repeated: false,
        changes: [{ pts: 12, ordinal: 0, count: 1, atMs: 0, fact }],
      }),
    }))
    const request = { _: 'messages.readHistory' as const, peer: api.inputPeer(OTHER), maxId: 4 }
    expect(await api.call(request)).toEqual({ _: 'messages.affectedMessages', pts: 12, ptsCount: 1 })
    expect(api.system.callsOf('read')[0]!.args[0]).toMatchObject({ by: SELF, upTo: 2, op: expect.stringMatching(/^m/) })
  })

  test('with nothing to change the state is said with a count of 0', async () => {
    const api = rig()
    api.system.stub(User, () => ({ deleteOwn: () => [] }))
    const request = { _: 'messages.deleteMessages' as const, id: [4] }
    expect(await api.call(request)).toEqual({ _: 'messages.affectedMessages', pts: 10, ptsCount: 0 })
  })

  test('deleting for everyone asks each chat for its own', async () => {
    const api = rig()
    const at = (id: number, chat: Located['chat']): Located => ({
      id,
      chat,
      peer: other,
      n: id * 10,
      from: SELF,
      out: true,
      atMs: 0,
    })
    api.system.stub(User, () => ({
      locate: () => [at(1, groupChat(5)), undefined, at(2, groupChat(6)), at(3, groupChat(5))],
    }))
    api.system.stub(Chat, () => ({ delete: () => ({ n: 9, atMs: 0, repeated: false, changes: [] }) }))
    await api.call({ _: 'messages.deleteMessages', id: [1, 9, 2, 3], revoke: true })
    const asked = api.system.callsOf('delete').map(({ key, args }) => [key, (args[0] as { targets: number[] }).targets])
    expect(asked).toEqual([
      [groupChat(5), [10, 30]],
      [groupChat(6), [20]],
    ])
  })
})

describe('inviting one who blocks the caller', () => {
  const blocks = (api: ApiRig) =>
    api.system.stub(User, (id) => ({
      profile: () => profileOf(id),
      relations: (users) => users.map((user) => ({ user, blocked: id === OTHER && user === SELF })),
    }))
  const invite = (api: ApiRig) => ({
    _: 'messages.addChatUser' as const,
    chatId: 5,
    userId: { _: 'inputUser' as const, userId: OTHER, accessHash: api.hashes.ofUser(SELF, OTHER) },
    fwdLimit: 0,
  })

  test('the answer names who is missing, and the chat is not asked to add anybody', async () => {
    const api = rig({ userId: SELF })
    blocks(api)
    api.system.stub(Chat, () => ({
      group: () => ({ ...groupInfo, members: groupInfo.members.filter(({ user }) => user !== OTHER) }),
    }))
    expect(await api.call(invite(api))).toMatchObject({ missingInvitees: [{ userId: OTHER }] })
    expect(api.system.callsOf('addMember')).toEqual([])
  })

  test('a layer that cannot say so is refused', async () => {
    const api = rig({ userId: SELF, layer: 178 })
    blocks(api)
    expect(await api.error(invite(api))).toBe('403 USER_PRIVACY_RESTRICTED')
    expect(api.system.callsOf('addMember')).toEqual([])
  })
})

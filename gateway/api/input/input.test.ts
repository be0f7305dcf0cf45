import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Chat, type GroupInfo } from '../../../actors/chat/contract.js'
import { type Dialog, User } from '../../../actors/user/contract.js'
import { ApiRig } from '../../testing/rig.js'
import { boxMessage, messageFact, OTHER, SELF } from '../../testing/samples.js'
import { longFromNumber, type tl } from '../../tl/index.js'
import { Call } from '../call.js'
import { entitiesOf } from './entities.js'
import { foundEntities, mentionedNames } from './found-entities.js'
import { composedText } from './message.js'
import { messageIdsOf, pageOf } from './number.js'
import { peerOf, userOf, usersOf } from './peer.js'
import { lineOf } from './text.js'

function rig() {
  const api = new ApiRig({ userId: SELF })
  const call = new Call(api.services, {
    method: { _: 'x' },
    session: api.session,
    msgId: longFromNumber(1),
    deadlineMs: api.clock.now() + 1000,
    traceId: 't',
    withoutUpdates: false,
  })
  return { api, call }
}

describe('peers', () => {
  test('are named by number and hash; oneself by anything', async () => {
    const { api, call } = rig()
    expect(await peerOf(call, api.inputPeer(OTHER))).toEqual({ kind: 'user', id: OTHER })
    expect(await peerOf(call, { _: 'inputPeerSelf' })).toEqual({ kind: 'user', id: SELF })
    expect(await peerOf(call, { _: 'inputPeerUser', userId: SELF, accessHash: longFromNumber(0) })).toEqual({
      kind: 'user',
      id: SELF,
    })
    expect(await usersOf(call, [api.inputUser(2), { _: 'inputUserSelf' }, api.inputUser(2)], 3)).toEqual([2, SELF])
  })

  test('a group is named by its number, by those who are or were in it or have a dialog of it', async () => {
    const { api, call } = rig()
    const memberships: Record<number, GroupInfo['membership']> = { 5: 'member', 6: 'left', 7: 'removed', 8: 'none' }
    api.system.stub(Chat, (id) => ({
      group: async () => {
        const membership = memberships[Number(id.slice(1))]
        return membership && ({ membership } as GroupInfo)
      },
    }))
    api.system.stub(User, () => ({
      dialogsOf: async ([peer]) => ({
        dialogs: peer?.id === 10 ? [{} as Dialog] : [],
        messages: [],
        total: 0,
        pts: 0,
      }),
    }))
    for (const id of [5, 6, 7, 10]) {
      expect(await peerOf(call, { _: 'inputPeerChat', chatId: id })).toEqual({ kind: 'chat', id })
    }
    for (const id of [8, 9]) {
      await expect(peerOf(call, { _: 'inputPeerChat', chatId: id })).rejects.toThrow('PEER_ID_INVALID')
    }
    // Who was invited a moment ago is believed, whatever was known before.
    memberships[9] = 'member'
    expect(await peerOf(call, { _: 'inputPeerChat', chatId: 9 })).toEqual({ kind: 'chat', id: 9 })
  })

  test.each([0, -1, 1.5, Number.MAX_SAFE_INTEGER + 1])('number %d names nobody', async (id) => {
    const { api, call } = rig()
    await expect(async () => peerOf(call, { _: 'inputPeerChat', chatId: id })).rejects.toThrow('PEER_ID_INVALID')
    await expect(userOf(call, api.inputUser(id))).rejects.toThrow('USER_ID_INVALID')
  })

  test('a user may be named by a message of one own box that names him', async () => {
    const { api, call } = rig()
    api.system.stub(User, () => ({
      messages: (ids) =>
        ids.map((id) => (id === 4 ? boxMessage(4, { fact: messageFact({ from: OTHER }) }) : undefined)),
    }))
    const input = (msgId: number, userId: number): tl.RawInputUserFromMessage => ({
      _: 'inputUserFromMessage',
      peer: api.inputPeer(OTHER),
      msgId,
      userId,
    })
    expect(await userOf(call, input(4, OTHER))).toBe(OTHER)
    await expect(userOf(call, input(4, 99))).rejects.toThrow('USER_ID_INVALID')
    await expect(userOf(call, input(5, OTHER))).rejects.toThrow('MSG_ID_INVALID')
  })
})

describe('entities', () => {
  const at = (offset: number, length: number): tl.TypeMessageEntity => ({ _: 'messageEntityBold', offset, length })

  test.each([
    [-1, 2],
    [5, 1],
    [0, -1],
    [0.5, 1],
  ])('outside of the text (%d, %d) are refused', async (offset, length) => {
    await expect(entitiesOf(rig().call, [at(offset, length)], 'text')).rejects.toThrow('ENTITY_BOUNDS_INVALID')
  })

  test('that reach beyond the end are cut, empty ones go, the rest is in order', async () => {
    const { call } = rig()
    expect(await entitiesOf(call, [at(2, 99), at(1, 0), at(0, 1)], 'text')).toMatchObject([
      { offset: 0, length: 1 },
      { offset: 2, length: 2 },
    ])
  })

  test('name a user with his hash alone', async () => {
    const { api, call } = rig()
    const mention = (userId: tl.TypeInputUser): tl.TypeMessageEntity => ({
      _: 'inputMessageEntityMentionName',
      offset: 0,
      length: 4,
      userId,
    })
    expect(await entitiesOf(call, [mention(api.inputUser(OTHER))], 'text')).toMatchObject([
      { type: 'MentionName', userId: OTHER },
    ])
    const forged = { ...api.inputUser(OTHER), accessHash: longFromNumber(1) }
    await expect(entitiesOf(call, [mention(forged)], 'text')).rejects.toThrow('ENTITY_MENTION_USER_INVALID')
  })

  test('are found where Telegram finds them', () => {
    const text = 'see https://example.org/a, mail me@example.org or @alice_1 #tag /start'
    const found = foundEntities(text, []).map(({ type, offset, length }) => [type, text.slice(offset, offset + length)])
    expect(found).toEqual([
      ['Url', 'https://example.org/a'],
      ['Email', 'me@example.org'],
      ['Mention', '@alice_1'],
      ['BotCommand', '/start'],
      ['Hashtag', '#tag'],
    ])
  })

  test('found ones do not lie over what the client marked as code, and lie in the text', () => {
    expect(foundEntities('@alice_1', [{ type: 'Code', offset: 0, length: 8 }])).toEqual([])
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('@', 'a', '/', '#', '.', ' ', ':', 'https://', '1') }), (text) => {
        for (const { offset, length } of foundEntities(text, [])) {
          expect(length).toBeGreaterThan(0)
          expect(offset + length).toBeLessThanOrEqual(text.length)
        }
      }),
    )
  })

  test('a mention by name reaches its owner, in groups', async () => {
    const { api, call } = rig()
    api.names.owned.set('username alice_1', 7)
    const text = { message: 'hey @Alice_1 and @nobody_1' }
    expect((await composedText(call, text, { kind: 'chat', id: 1 })).mentions).toEqual([7])
    expect((await composedText(call, text, { kind: 'user', id: 1 })).mentions).toEqual([])
    expect(mentionedNames(text.message, foundEntities(text.message, []))).toEqual(['alice_1', 'nobody_1'])
  })
})

describe('numbers and lines', () => {
  test('message ids are positive, few, and each once', () => {
    expect(messageIdsOf([3, 3, 1])).toEqual([3, 1])
    expect(() => messageIdsOf([])).toThrow('MESSAGE_IDS_EMPTY')
    expect(() => messageIdsOf([0])).toThrow('MESSAGE_ID_INVALID')
    expect(() => messageIdsOf([2 ** 31])).toThrow('MESSAGE_ID_INVALID')
    expect(() => messageIdsOf(Array.from({ length: 101 }, (_, at) => at + 1))).toThrow('LIMIT_INVALID')
  })

  test('a page holds 1 to 100', () => {
    expect([pageOf(0), pageOf(-5), pageOf(7), pageOf(1e9)]).toEqual([100, 100, 7, 100])
  })

  test('a title is one line', () => {
    expect(lineOf(' a\nb\u0000 ', 128, 'CHAT_TITLE_EMPTY')).toBe('a b')
    expect(() => lineOf(' \n ', 128, 'CHAT_TITLE_EMPTY')).toThrow('CHAT_TITLE_EMPTY')
  })
})

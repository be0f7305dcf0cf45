import { describe, expect, it } from 'vitest'
import {
  KNOWN_LAYERS,
  NEWEST_LAYER,
  readObject,
  TlError,
  TlReader,
  type tl,
  writeObject,
  writeResult,
} from './index.js'
import { RandomObjects } from './test/random-objects.js'
import { isInLayer, readHistory } from './test/shapes.js'

const user: tl.TypeUser = { _: 'user', id: 777001, firstName: 'Ann' }

/** What a client of the layer reads of an object. */
function seenBy<T extends tl.TlObject>(layer: number, object: T): tl.TlObject {
  return readObject(writeObject(layer, object)) as tl.TlObject
}

function errorOf(action: () => unknown): string {
  try {
    action()
    return 'no error'
  } catch (error) {
    return error instanceof TlError ? `${error.code}: ${error.message}` : String(error)
  }
}

describe("an object in today's shape, written for an older layer", () => {
  it('loses the fields that the layer does not know', () => {
    const dated: tl.TypeUser = { ...user, botVerificationIcon: '12345678' as tl.RawUser['accessHash'], usernames: [] }
    expect(seenBy(NEWEST_LAYER, dated)).toEqual(dated)
    expect(seenBy(167, dated)).toEqual({ ...user, usernames: [] })
    expect(seenBy(198, { ...user, storiesMaxId: { _: 'recentStory', maxId: 7 } })).toEqual({ ...user, storiesMaxId: 7 })
  })

  it('gives an older field what the newer one of another name says', () => {
    const gift: tl.TlObject = { _: 'messageActionGiftCode', slug: 'abc', days: 90 }
    expect(seenBy(198, gift)).toEqual({ _: 'messageActionGiftCode', slug: 'abc', months: 3 })
    const story: tl.TlObject = { _: 'messageReplyStoryHeader', peer: { _: 'peerUser', userId: 5 }, storyId: 1 }
    expect(seenBy(167, story)).toEqual({ _: 'messageReplyStoryHeader', userId: 5, storyId: 1 })
  })

  it('gets a neutral value where only the older constructor requires a field', () => {
    const voters: tl.TlObject = { _: 'pollAnswerVoters', option: Buffer.from('1') }
    expect(seenBy(198, voters)).toEqual({ ...voters, voters: 0 })
  })

  it('says a text without its entities where the older field is a string', () => {
    const poll: tl.RawPoll = {
      _: 'poll',
      id: '12345678' as tl.RawPoll['id'],
      hash: '12345678' as tl.RawPoll['id'],
      question: { _: 'textWithEntities', text: 'Tea?', entities: [{ _: 'messageEntityBold', offset: 0, length: 3 }] },
      answers: [
        { _: 'pollAnswer', text: { _: 'textWithEntities', text: 'Yes', entities: [] }, option: Buffer.from('1') },
      ],
    }
    expect(seenBy(167, poll)).toMatchObject({ question: 'Tea?', answers: [{ text: 'Yes' }] })
  })

  it('has stand-ins for media, actions, entities and blocks that the layer lacks, and nothing else', () => {
    const media: tl.TypeMessageMedia = {
      _: 'messageMediaToDo',
      todo: { _: 'todoList', title: { _: 'textWithEntities', text: 'List', entities: [] }, list: [] },
    }
    expect(seenBy(167, media)).toEqual({ _: 'messageMediaUnsupported' })
    expect(seenBy(NEWEST_LAYER, media)).toEqual(media)
    expect(seenBy(167, { _: 'messageActionBoostApply', boosts: 1 })).toEqual({ _: 'messageActionEmpty' })
    const amount: tl.TlObject = { _: 'starsAmount', amount: '12345678' as tl.RawStarsAmount['amount'], nanos: 0 }
    expect(errorOf(() => writeObject(167, amount))).toBe('NOT_IN_LAYER: the layer has no constructor starsAmount')
  })

  it('fails for a field that the newest constructor does not require only where nothing can stand for it', () => {
    const newest = readHistory().filter((shape) => !shape.isMethod && isInLayer(shape, NEWEST_LAYER))
    const objects = new RandomObjects(newest)
    const failures = new Set<string>()
    for (const layer of KNOWN_LAYERS) {
      for (const [seed, shape] of newest.entries()) {
        const result = errorOf(() => writeObject(layer, objects.object(shape, seed) as tl.TlObject))
        if (result !== 'no error' && !result.startsWith('NOT_IN_LAYER')) failures.add(`${shape.name} ${result}`)
      }
    }
    expect([...failures].sort()).toEqual([
      // Nothing that serves as their peer, user or page is in the newer object.
      'help.promoData MISSING_FIELD: help.promoData lacks peer',
      'inputInvoiceStarGift MISSING_FIELD: inputInvoiceStarGift lacks userId',
      'inputInvoiceStars MISSING_FIELD: inputInvoiceStars lacks option',
      'messages.chatInviteJoinResultWebView MISSING_FIELD: messages.chatInviteJoinResultWebView lacks webview',
      'updateGroupCallMessage MISSING_FIELD: updateGroupCallMessage lacks fromId',
    ])
  })
})

describe('a field that every layer requires', () => {
  it('is missed by name', () => {
    const message = { _: 'message', id: 1, date: 1, message: 'x' } as unknown as tl.RawMessage
    expect(errorOf(() => writeObject(228, message))).toBe('MISSING_FIELD: message lacks peerId')
    expect(errorOf(() => writeObject(167, message))).toBe('MISSING_FIELD: message lacks peerId')
  })

  it('is refused when it is of another kind', () => {
    const wrong: [string, unknown][] = [
      ['INVALID_VALUE: not a TL int53: "5"', { _: 'peerUser', userId: '5' }],
      ['INVALID_VALUE: not a TL int53: 9007199254740992', { _: 'peerUser', userId: 2 ** 53 }],
      ['INVALID_VALUE: not a TL string: 5', { _: 'inputPhoneContact', clientId: '12345678', phone: 5 }],
      ['INVALID_VALUE: not a TL long: "1234"', { _: 'inputPhoneContact', clientId: '1234', phone: '5' }],
      ['INVALID_VALUE: not a TL object: null', { _: 'inputMediaPhoto', id: null }],
      ['INVALID_VALUE: not a TL int: 2147483648', { _: 'messageEntityBold', offset: 2 ** 31, length: 1 }],
    ]
    for (const [error, object] of wrong) expect(errorOf(() => writeObject(228, object as tl.TlObject))).toBe(error)
  })

  it('leaves no trace of a failed object in the next one', () => {
    errorOf(() => writeObject(228, { _: 'peerUser' } as unknown as tl.TlObject))
    expect(seenBy(228, { _: 'peerUser', userId: 5 })).toEqual({ _: 'peerUser', userId: 5 })
  })
})

describe('results', () => {
  const hex = (bytes: Buffer) => bytes.toString('hex')

  it('are objects, Bools, and vectors of objects or numbers, as the method declares them', () => {
    expect(hex(writeResult(228, 'account.updateStatus', true))).toBe('b5757299')
    expect(hex(writeResult(228, 'account.updateStatus', false))).toBe('379779bc')
    expect(hex(writeResult(228, 'contacts.getContactIDs', [1, -2]))).toBe('15c4b51c0200000001000000feffffff')
    expect(hex(writeResult(228, 'messages.receivedQueue', ['12345678' as tl.RawChannel['accessHash'] & string]))).toBe(
      '15c4b51c010000003132333435363738',
    )
    const users = writeResult(228, 'users.getUsers', [user])
    expect(new TlReader(users).vector((reader) => reader.object())).toEqual([user])
    expect(new TlReader(users).any()).toEqual([user])
    expect(readObject(writeResult(228, 'updates.getState', state))).toEqual(state)
  })

  const state: tl.updates.TypeState = { _: 'updates.state', pts: 1, qts: 0, date: 2, seq: 0, unreadCount: 0 }
  const updates: tl.TypeUpdates = { _: 'updates', updates: [], users: [], chats: [], date: 1, seq: 0 }

  it('take the form of the layer where it changed', () => {
    const invited: tl.messages.TypeInvitedUsers = { _: 'messages.invitedUsers', updates, missingInvitees: [] }
    expect(readObject(writeResult(179, 'messages.createChat', invited))).toEqual(invited)
    expect(readObject(writeResult(167, 'messages.createChat', invited))).toEqual(updates)
    const joined: tl.messages.TypeChatInviteJoinResult = { _: 'messages.chatInviteJoinResultOk', updates }
    expect(readObject(writeResult(227, 'messages.importChatInvite', joined))).toEqual(joined)
    expect(readObject(writeResult(225, 'messages.importChatInvite', joined))).toEqual(updates)
    expect(readObject(writeResult(225, 'messages.importChatInvite', updates))).toEqual(updates)
  })

  it('of a method that the layer lacks are those of the newest layer that has it; of no method, an error', () => {
    expect(readObject(writeResult(167, 'messages.sendPaidReaction', updates))).toEqual(updates)
    expect(errorOf(() => writeResult(228, 'no.method' as tl.MethodName, true as never))).toBe(
      'NOT_IN_LAYER: there is no method no.method',
    )
  })
})

describe('future_salts', () => {
  it('is a bare vector of bare salts behind its own id', () => {
    const salt = {
      _: 'mt_future_salt',
      validSince: 1,
      validUntil: 2,
      salt: 'abcdefgh' as tl.RawChannel['accessHash'] & string,
    } as const
    const salts = {
      _: 'mt_future_salts',
      reqMsgId: '12345678' as typeof salt.salt,
      now: 3,
      salts: [salt, salt],
    } as const
    const bytes = writeObject(228, { ...salts, salts: [...salts.salts] })
    expect(bytes.toString('hex')).toBe(
      `950850ae31323334353637380300000002000000${'01000000020000006162636465666768'.repeat(2)}`,
    )
    expect(readObject(bytes)).toEqual(salts)
  })
})

import { describe, expect, test } from 'vitest'
import { AuthKey } from '../../actors/auth-key/contract.js'
import { groupChat, privateChat } from '../../actors/chat/chat-id.js'
import { Chat } from '../../actors/chat/contract.js'
import { encodeBody } from '../../actors/message/body.js'
import type { BoxChange } from '../../actors/user/changes.js'
import {
  type AttachAnswer,
  type AttachRequest,
  type MovedFrame,
  type PushFrame,
  User,
} from '../../actors/user/contract.js'
import { DEFAULT_SHARD_COUNT, type ShardRange, shardOf } from '../../runtime/index.js'
import { SeededRandom, settled } from '../../runtime/testing/index.js'
import { longToHex } from '../api/index.js'
import type { AuthKeyPatch, Session } from '../mtproto/index.js'
import { FakeSession } from '../testing/fake-session.js'
import { ApiRig } from '../testing/rig.js'
import { GROUP, groupInfo, messageFact, OTHER, SELF } from '../testing/samples.js'
import { type Long, longFromNumber, type tl } from '../tl/index.js'
import { Updates } from './updates.js'

/** One gateway with one account on it; every call to attach is answered with the pts it stands at. */
class Rig {
  readonly api = new ApiRig({ userId: SELF })
  readonly updates: Updates
  readonly patched: { readonly id: Long; readonly patch: AuthKeyPatch }[] = []
  readonly dropped: Long[] = []
  readonly moved: Session[] = []
  readonly sessions: FakeSession[] = []
  /** What the cache of sessions was told. */
  readonly told: string[] = []
  answer: Partial<AttachAnswer> = {}

  constructor() {
    const { api } = this
    api.system.stub(User, () => ({
      attach: ({ lastPts }) => ({ pts: Math.max(10, lastPts), following: [], unauthorized: [], ...this.answer }),
      detach: () => {},
      acknowledged: () => {},
      touch: () => {},
    }))
    api.system.stub(Chat, () => ({ group: () => groupInfo })).stub(AuthKey, () => ({ signIn: () => {} }))
    this.updates = new Updates({
      actors: api.actors,
      people: api.people,
      clock: api.clock,
      random: new SeededRandom(1),
      log: api.services.log,
      sessions: {
        put: async (sessions) => this.told.push(`here ${sessions.map(({ session }) => session)}`) > 0,
        remove: async (sessions) => this.told.push(`gone ${sessions.map(({ session }) => session)}`) > 0,
      },
      mtproto: () => ({
        pushToMany(sessions, body, tag) {
          for (const session of sessions) session.pushUpdate(body, tag)
        },
        movedAway: (session) => this.moved.push(session),
        authKeys: {
          update: (id, patch) => {
            this.patched.push({ id, patch })
            for (const session of this.sessions) if (session.permanentAuthKeyId === id) session.userId = 0
          },
          drop: (id) => this.dropped.push(id),
          sessions: (id) => this.sessions.filter((session) => session.permanentAuthKeyId === id),
        },
      }),
    })
    this.updates.start()
  }

  async ready(id: number, options: { authKey?: number; layer?: number } = {}): Promise<FakeSession> {
    const session = new FakeSession({ id, userId: SELF, ...options })
    this.sessions.push(session)
    this.updates.hooks.onSessionReady?.(session)
    await settled()
    return session
  }

  gone(session: Session) {
    this.updates.hooks.onSessionGone?.(session)
  }

  async frame(frame: Partial<PushFrame>) {
    this.api.system.frame('push', { user: SELF, afterPts: 10, changes: [], ...frame } satisfies PushFrame)
    await settled()
    await settled()
  }
}

function newMessage(pts: number, changes: Partial<BoxChange> = {}): BoxChange {
  const body = encodeBody({ text: `text ${pts}` })
  return { pts, ordinal: 0, count: 1, atMs: 1_700_000_000_000, fact: messageFact(), body, ...changes }
}

const told = (session: FakeSession) =>
  session.pushed.flatMap(({ object }) => (object._ === 'updates' ? (object as tl.RawUpdates).updates : [object]))

describe('changes', () => {
  test('reach every session of the account with all whom they name, and a tag to acknowledge', async () => {
    const rig = new Rig()
    const [one, two] = [await rig.ready(1), await rig.ready(2, { authKey: 2, layer: 167 })]
    await rig.frame({ changes: [newMessage(11), newMessage(12)] })
    for (const session of [one, two]) {
      expect(told(session)).toMatchObject([
        { _: 'updateNewMessage', pts: 11, ptsCount: 1, message: { id: 11, message: 'text 11' } },
        { _: 'updateNewMessage', pts: 12, ptsCount: 1 },
      ])
      expect(session.pushed).toMatchObject([{ tag: 12, object: { seq: 0, users: [{ id: OTHER }] } }])
    }
  })

  test('do not reach the session that caused them, nor change what it is told of others', async () => {
    const rig = new Rig()
    const [one, two] = [await rig.ready(1), await rig.ready(2)]
    const origin = { authKey: longToHex(one.permanentAuthKeyId), session: longToHex(one.id) }
    await rig.frame({ changes: [newMessage(11, { origin }), newMessage(12)] })
    expect(told(one)).toMatchObject([{ pts: 12 }])
    expect(told(two)).toMatchObject([{ pts: 11 }, { pts: 12 }])
  })

  test('of which a frame was lost are asked for, and told once', async () => {
    const rig = new Rig()
    const session = await rig.ready(1)
    rig.answer = { pts: 12, following: [newMessage(11), newMessage(12)] }
    await rig.frame({ afterPts: 11, changes: [newMessage(12)] })
    expect(told(session)).toMatchObject([{ pts: 11 }, { pts: 12 }])
    expect(rig.api.system.callsOf('attach').at(-1)!.args[0]).toMatchObject({ lastPts: 10, gateway: 'node-1' })
  })

  test('that cannot be presented send the sessions to the difference', async () => {
    const rig = new Rig()
    const session = await rig.ready(1)
    rig.api.system.stub(User, () => ({
      profile: () => {
        throw new Error('no profile today')
      },
    }))
    await rig.frame({ changes: [newMessage(11)] })
    expect(told(session)).toEqual([{ _: 'updatesTooLong' }])
  })
})

describe('news', () => {
  test('typing, presence and names, to those who are connected', async () => {
    const rig = new Rig()
    const [here, away] = [await rig.ready(1), await rig.ready(2)]
    away.connected = false
    await rig.frame({
      news: [
        { type: 'typing', chat: privateChat(SELF, OTHER), by: OTHER, action: 'sendMessageTypingAction' },
        { type: 'typing', chat: groupChat(GROUP), by: OTHER, action: 'sendMessageUploadPhotoAction 40' },
        { type: 'presence', user: OTHER, presence: { kind: 'online', atMs: 1_800_000_000_000 } },
        { type: 'profile', user: OTHER },
      ],
    })
    expect(told(here)).toMatchObject([
      { _: 'updateUserTyping', userId: OTHER, action: { _: 'sendMessageTypingAction' } },
      { _: 'updateChatUserTyping', chatId: GROUP, action: { _: 'sendMessageUploadPhotoAction', progress: 40 } },
      { _: 'updateUserStatus', userId: OTHER, status: { _: 'userStatusOnline' } },
      { _: 'updateUserName', userId: OTHER, firstName: `First${OTHER}` },
    ])
    expect(away.pushed).toEqual([])
  })
})

describe('the life of an attachment', () => {
  test('it is renewed before the lease ends, with the last pts that was told', async () => {
    const rig = new Rig()
    await rig.ready(1)
    await rig.frame({ changes: [newMessage(11)] })
    await rig.api.clock.advance(70_000)
    const calls = rig.api.system.callsOf('attach')
    expect(calls).toHaveLength(2)
    expect(calls[1]!.args[0]).toMatchObject({ lastPts: 11, leaseMs: 180_000 })
  })

  test('owners that changed are asked at once, for the accounts of their shards', async () => {
    const rig = new Rig()
    await rig.ready(1)
    const shard = shardOf(User.kind, User.key(SELF), DEFAULT_SHARD_COUNT)
    const attaches = async (shards?: readonly ShardRange[]) => {
      rig.updates.ownersChanged(shards)
      await settled()
      return rig.api.system.callsOf('attach').length
    }
    expect(await attaches()).toBe(2)
    expect(await attaches([{ from: shard - 2, to: shard - 1 }])).toBe(2)
    expect(await attaches([{ from: shard + 1, to: DEFAULT_SHARD_COUNT - 1 }])).toBe(2)
    expect(
      await attaches([
        { from: 0, to: 0 },
        { from: shard, to: shard },
      ]),
    ).toBe(3)
  })

  test('a session that was elsewhere is announced once, and its device is told what it has not acknowledged', async () => {
    const rig = new Rig()
    rig.answer = { following: [newMessage(9), newMessage(10)] }
    const session = new FakeSession({ id: 5, userId: SELF })
    session.isOlder = true
    rig.updates.hooks.onSessionReady?.(session)
    await settled()
    await rig.frame({ changes: [newMessage(11)] })
    expect(told(session)).toMatchObject([{ pts: 9 }, { pts: 10 }, { pts: 11 }])
    rig.updates.ownersChanged()
    await settled()
    const [first, second] = rig.api.system.callsOf('attach').map(({ args }) => args[0] as AttachRequest)
    const authKey = longToHex(session.permanentAuthKeyId)
    expect(first).toMatchObject({ lastPts: -1, arrived: [longToHex(session.id)], replayFor: authKey })
    expect(second).toMatchObject({ lastPts: 11 })
    expect(second).not.toHaveProperty('arrived')
    expect(second).not.toHaveProperty('replayFor')
  })

  test('what follows the first attach is for the device that it was asked for', async () => {
    const rig = new Rig()
    rig.answer = { ordinal: 0, following: [newMessage(10)] }
    const [one, other] = [
      new FakeSession({ id: 1, userId: SELF }),
      new FakeSession({ id: 2, authKey: 2, userId: SELF }),
    ]
    rig.updates.hooks.onSessionReady?.(one!)
    rig.updates.hooks.onSessionReady?.(other!)
    await settled()
    expect(told(one!)).toMatchObject([{ pts: 10 }])
    expect(told(other!)).toEqual([])
  })

  test('a session that went on elsewhere is let go', async () => {
    const rig = new Rig()
    const [one] = [await rig.ready(1), await rig.ready(2)]
    rig.api.system.frame('moved', { user: SELF, sessions: [longToHex(one!.id)] } satisfies MovedFrame)
    expect(rig.moved).toEqual([one])
  })

  test('an actor that does not answer is asked again', async () => {
    const rig = new Rig()
    let failures = 2
    rig.api.system.stub(User, () => ({
      attach: () => {
        if (failures-- > 0) throw new Error('not now')
        return { pts: 10, following: [], unauthorized: [] }
      },
    }))
    const session = await rig.ready(1)
    await rig.api.clock.advance(2000)
    await rig.frame({ changes: [newMessage(11)] })
    expect(told(session)).toMatchObject([{ pts: 11 }])
  })

  test('the last session that goes detaches, and nothing is kept', async () => {
    const rig = new Rig()
    const [one, two] = [await rig.ready(1), await rig.ready(2)]
    rig.gone(one)
    expect(rig.api.system.callsOf('detach')).toHaveLength(0)
    rig.gone(two)
    await settled()
    expect(rig.api.system.callsOf('detach')).toHaveLength(1)
    expect(rig.updates.sizes).toEqual({ attachments: 0, pendingBytes: 0 })
  })

  test('a session that another account signs in on changes sides', async () => {
    const rig = new Rig()
    const session = await rig.ready(1)
    session.userId = OTHER
    rig.updates.hooks.onSessionReady?.(session)
    await settled()
    expect(rig.api.system.callsOf('detach').map(({ key }) => key)).toEqual([String(SELF)])
    expect(rig.api.system.callsOf('attach').map(({ key }) => key)).toEqual([String(SELF), String(OTHER)])
  })
})

describe('devices', () => {
  test('what they acknowledged is told to the account in batches', async () => {
    const rig = new Rig()
    const [one, two] = [await rig.ready(1, { authKey: 1 }), await rig.ready(2, { authKey: 2 })]
    for (const pts of [11, 12, 13]) rig.updates.hooks.onUpdateAcked?.(one, pts)
    rig.updates.hooks.onUpdateAcked?.(two, 11)
    await rig.api.clock.advance(6000)
    const calls = rig.api.system.callsOf('acknowledged')
    expect(calls.map(({ args }) => args[0])).toEqual([
      {
        devices: [
          { authKey: longToHex(longFromNumber(1)), pts: 13 },
          { authKey: longToHex(longFromNumber(2)), pts: 11 },
        ],
      },
    ])
  })

  test('revoked ones are signed out at once, and closed when the answer had time to leave', async () => {
    const rig = new Rig()
    const session = await rig.ready(1)
    rig.api.system.frame('revoked', { user: SELF, authKeys: [longToHex(session.permanentAuthKeyId)] })
    expect(rig.patched).toEqual([{ id: session.permanentAuthKeyId, patch: { userId: 0 } }])
    expect(rig.dropped).toEqual([])
    await rig.api.clock.advance(1500)
    expect(rig.dropped).toEqual([session.permanentAuthKeyId])
  })

  test('one that signed in anew meanwhile stays', async () => {
    const rig = new Rig()
    const session = await rig.ready(1)
    rig.api.system.frame('revoked', { user: SELF, authKeys: [longToHex(session.permanentAuthKeyId)] })
    session.userId = SELF
    await rig.api.clock.advance(1500)
    expect(rig.dropped).toEqual([])
  })

  test('those that the journal does not know are signed out, in their record too', async () => {
    const rig = new Rig()
    rig.answer = { unauthorized: [longToHex(longFromNumber(1))] }
    const session = await rig.ready(1)
    expect(rig.patched).toEqual([{ id: session.permanentAuthKeyId, patch: { userId: 0 } }])
    expect(rig.api.system.callsOf('signIn')).toMatchObject([{ args: [0], key: longToHex(session.permanentAuthKeyId) }])
  })
})

test('a frame of the sink `profile` makes the next answer ask again', async () => {
  const rig = new Rig()
  const viewer = { self: SELF, deadlineMs: rig.api.clock.now() + 1000, traceId: 't' }
  await rig.api.people.profile(viewer, OTHER)
  await rig.api.people.profile(viewer, OTHER)
  expect(rig.api.system.callsOf('profile')).toHaveLength(1)
  rig.api.system.frame('profile', { user: OTHER })
  await rig.api.people.profile(viewer, OTHER)
  expect(rig.api.system.callsOf('profile')).toHaveLength(2)
})

test('the cache of sessions is told who comes, who goes, and of all again with each renewal, and when it lost them', async () => {
  const rig = new Rig()
  const one = await rig.ready(1)
  const two = await rig.ready(2)
  const [first, second] = [longToHex(one.id), longToHex(two.id)]
  expect(new Set(rig.told)).toEqual(new Set([`here ${first}`, `here ${second}`]))
  rig.told.length = 0
  await rig.api.clock.advance(70_000)
  expect(rig.told.join()).toContain(first)
  expect(rig.told.join()).toContain(second)
  rig.told.length = 0
  rig.gone(one)
  await settled()
  expect(rig.told).toEqual([`gone ${first}`])
  rig.updates.rewriteSessions()
  await settled()
  expect(rig.told).toEqual([`gone ${first}`, `here ${second}`])
  await rig.updates.stop()
  expect(rig.told.at(-1)).toBe(`gone ${second}`)
})

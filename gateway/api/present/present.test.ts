import { describe, expect, test } from 'vitest'
import { Chat } from '../../../actors/chat/contract.js'
import { encodeBody } from '../../../actors/message/body.js'
import { User } from '../../../actors/user/contract.js'
import { ApiRig, profileOf } from '../../testing/rig.js'
import {
  boxMessage,
  changesOf,
  dialog,
  facts,
  fullBody,
  GROUP,
  groupInfo,
  messageFact,
  OTHER,
  richMessage,
  SELF,
  scheduledMessage,
} from '../../testing/samples.js'
import { KNOWN_LAYERS, readObject, type tl, writeObject } from '../../tl/index.js'
import { envelope, presentChanges } from '../envelope.js'
import { PeerSet } from '../peer-set.js'
import { presentDialog, presentDraft } from './dialog.js'
import { presentGroup, presentGroupFull } from './group.js'
import { presentInvite } from './invite.js'
import { presentMessage } from './message.js'
import { presentReactions } from './reactions.js'
import { presentScheduled } from './scheduled.js'
import { presentUser } from './user.js'

const noNames = () => new PeerSet()

function rig() {
  const api = new ApiRig({ userId: SELF })
  api.system
    .stub(User, () => ({ messages: (ids) => ids.map((id) => (id === 11 ? richMessage : undefined)), idsAt: () => [5] }))
    .stub(Chat, () => ({ group: () => groupInfo, scheduled: () => [scheduledMessage] }))
  const viewer = { self: SELF, deadlineMs: api.clock.now() + 1000, traceId: 't' }
  return { api, viewer }
}

async function allChanges(numbered = true): Promise<tl.RawUpdates> {
  const { api, viewer } = rig()
  const { updates, people } = await presentChanges(api.services, viewer, changesOf(), numbered)
  return envelope(updates.flat(), people, 1)
}

/** Ids under keys that name a user or a group, wherever they stand. */
function namedIn(value: unknown, users: Set<number>, chats: Set<number>): void {
  if (typeof value !== 'object' || value === null) return
  for (const [key, each] of Object.entries(value)) {
    if (each === undefined) continue
    if (['userId', 'inviterId', 'adminId'].includes(key)) users.add(each as number)
    else if (key === 'chatId') chats.add(each as number)
    else if (key === 'users' && (value as { _: string })._.startsWith('messageAction')) {
      for (const id of each as number[]) users.add(id)
    } else namedIn(each, users, chats)
  }
}

test('a new device is not told as one that waits for a confirmation, which nothing could give', async () => {
  const { updates } = await allChanges()
  const told = updates.filter(({ _ }) => _ === 'updateNewAuthorization')
  expect(told).toHaveLength(1)
  expect(told[0]).not.toHaveProperty('unconfirmed', true)
})

describe('every layer', () => {
  test.each([...KNOWN_LAYERS])('%i can be told every change, with what it knows of it', async (layer) => {
    const body = writeObject(layer, await allChanges())
    const read = readObject(body) as tl.RawUpdates
    expect(read.updates.map(({ _ }) => _)).toEqual((await allChanges()).updates.map(({ _ }) => _))
  })

  const objects: Record<string, () => tl.TlObject> = {
    message: () => presentMessage(richMessage, SELF, noNames()),
    dialog: () => presentDialog(dialog, noNames()),
    draft: () => presentDraft({ body: encodeBody(fullBody), replyTo: 1, atMs: 0 }, noNames()),
    group: () => presentGroup(GROUP, groupInfo),
    'forbidden group': () => presentGroup(GROUP, { ...groupInfo, membership: 'removed' }),
    'full group': () =>
      presentGroupFull({
        info: groupInfo,
        notifySettings: { _: 'peerNotifySettings' },
        pinnedId: 3,
        hasScheduled: true,
      }),
    'full group for others': () =>
      presentGroupFull({
        info: { ...groupInfo, members: [] },
        notifySettings: { _: 'peerNotifySettings' },
        pinnedId: undefined,
        hasScheduled: false,
      }),
    invite: () => presentInvite(groupInfo.invite!),
    reactions: () =>
      presentReactions([{ reaction: '👍', count: 1, mine: true }], [{ user: 1, reaction: '👍', atMs: 0 }], SELF),
    scheduled: () =>
      presentScheduled(
        { peer: dialog.peer, message: { ...scheduledMessage, edited: true }, replyTo: 2 },
        SELF,
        noNames(),
      ),
    user: () => userSeen({}),
    'too long': () => ({ _: 'updatesTooLong' }),
  }

  test.each(Object.entries(objects))('can be shown %s', (_name, present) => {
    for (const layer of KNOWN_LAYERS) expect(() => writeObject(layer, present())).not.toThrow()
  })
})

describe('changes', () => {
  test('one update list a change; what is internal is told to nobody', async () => {
    const { api, viewer } = rig()
    const internal = [{ count: 0, fact: { type: 'seen', atMs: 1 } as const }]
    const { updates } = await presentChanges(api.services, viewer, changesOf([...facts, ...internal]), true)
    expect(updates).toHaveLength(facts.length + 1)
    expect(updates.at(-1)).toEqual([])
    expect(updates.slice(0, -1).filter((list) => list.length !== 1)).toEqual([])
  })

  test('numbered changes carry pts and count; in a difference both are 0', async () => {
    const numbers = (updates: tl.RawUpdates) =>
      updates.updates.flatMap((update) => ('ptsCount' in update ? [[update.pts, update.ptsCount]] : []))
    const changes = changesOf().filter(({ count }) => count > 0)
    expect(numbers(await allChanges())).toEqual(changes.map(({ pts, count }) => [pts, count]))
    expect(
      numbers(await allChanges(false))
        .flat()
        .every((each) => each === 0),
    ).toBe(true)
  })

  test('everybody who is named anywhere is in users, every group in chats, in full', async () => {
    const updates = await allChanges()
    const users = new Set<number>()
    const chats = new Set<number>()
    namedIn(updates.updates, users, chats)
    expect(users.size).toBeGreaterThan(8)
    expect([...users].filter((id) => !updates.users.some((user) => user.id === id))).toEqual([])
    expect([...chats].filter((id) => !updates.chats.some((chat) => chat.id === id))).toEqual([])
    for (const user of updates.users) expect(user).toMatchObject({ _: 'user', accessHash: expect.any(String) })
    expect(updates.users.some((user) => user._ === 'user' && user.min)).toBe(false)
  })

  test('an edit of a message that is gone since is left out', async () => {
    const { api, viewer } = rig()
    api.system.stub(User, () => ({ messages: (ids) => ids.map(() => undefined) }))
    const changes = changesOf().filter(({ fact }) => fact.type === 'edited')
    const { updates } = await presentChanges(api.services, viewer, changes, true)
    expect(updates).toEqual([[]])
  })

  test('a change of one own names says them', async () => {
    const { api, viewer } = rig()
    const changes = changesOf().filter(({ fact }) => fact.type === 'profile')
    const { updates } = await presentChanges(api.services, viewer, changes, true)
    expect(updates).toEqual([
      [{ _: 'updateUserName', userId: SELF, firstName: `First${SELF}`, lastName: `Last${SELF}`, usernames: [] }],
    ])
  })
})

describe('messages', () => {
  test('a text with all that it may carry', () => {
    expect(presentMessage(richMessage, SELF, noNames())).toMatchObject({
      _: 'message',
      id: 11,
      peerId: { _: 'peerChat', chatId: GROUP },
      fromId: { _: 'peerUser', userId: OTHER },
      date: 1_700_000_000,
      editDate: 1_700_000_005,
      replyTo: { replyToMsgId: 4, quote: true, quoteText: 'part', quoteOffset: 3 },
      fwdFrom: { fromId: { userId: 4096 }, date: 1_600_000_000 },
      reactions: { results: [{ chosenOrder: 0, count: 2 }] },
    })
  })

  test('a pin names this box own id of the pinned message', () => {
    const fact = messageFact({ action: { type: 'pin', target: 9 }, pinnedId: 4 })
    expect(presentMessage(boxMessage(5, { fact }), SELF, noNames())).toMatchObject({
      _: 'messageService',
      action: { _: 'messageActionPinMessage' },
      replyTo: { replyToMsgId: 4 },
    })
  })
})

function userSeen(view: Partial<Parameters<typeof presentUser>[0]>): tl.RawUser {
  return presentUser({
    id: OTHER,
    self: SELF,
    accessHash: 'abcdefgh' as never,
    profile: profileOf(OTHER, { username: 'other' }),
    relation: { user: OTHER, blocked: false },
    mutual: false,
    nowMs: 1_700_000_000_000,
    ...view,
  })
}

describe('users', () => {
  const contact = { firstName: 'My', lastName: 'Friend', phone: '1999', atMs: 0 }

  test('a stranger shows no phone number', () => {
    expect(userSeen({})).toMatchObject({ firstName: `First${OTHER}`, username: 'other', phone: undefined })
  })

  test('a contact shows the name and the number that the viewer wrote down', () => {
    const seen = userSeen({ relation: { user: OTHER, blocked: false, contact }, mutual: true })
    expect(seen).toMatchObject({
      firstName: 'My',
      lastName: 'Friend',
      phone: '1999',
      contact: true,
      mutualContact: true,
    })
  })

  test('oneself shows the own number', () => {
    const seen = userSeen({ id: SELF, profile: profileOf(SELF), relation: { user: SELF, blocked: false } })
    expect(seen).toMatchObject({ self: true, phone: `1555${SELF}` })
  })

  test('a deleted account and one that never was are shown as deleted, never left out', () => {
    expect(userSeen({ profile: profileOf(OTHER, { closed: true }) })).toMatchObject({ id: OTHER, deleted: true })
    expect(userSeen({ profile: undefined })).toMatchObject({ id: OTHER, deleted: true })
  })

  test('who was online until a moment ago is offline now', () => {
    const online = profileOf(OTHER, { presence: { kind: 'online', atMs: 1_700_000_000_000 } })
    expect(userSeen({ profile: online, nowMs: 1_699_999_999_000 }).status?._).toBe('userStatusOnline')
    expect(userSeen({ profile: online }).status).toEqual({ _: 'userStatusOffline', wasOnline: 1_700_000_000 })
  })
})

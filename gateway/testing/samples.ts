import { groupChat, type PeerKey, privateChat } from '../../actors/chat/chat-id.js'
import type { GroupInfo, ScheduledMessage, ServiceAction } from '../../actors/chat/contract.js'
import { encodeBody, type MessageBody } from '../../actors/message/body.js'
import type { BoxChange, BoxFact, MessageFact } from '../../actors/user/changes.js'
import type { BoxMessage, Dialog } from '../../actors/user/contract.js'

/** Who looks at everything here. */
export const SELF = 1024
export const OTHER = 2048
export const GROUP = 77
const AT_MS = 1_700_000_000_000

export const other = `u${OTHER}` as PeerKey
export const group = `c${GROUP}` as PeerKey

export const fullBody: MessageBody = {
  text: 'bold link mention code quoted emoji #tag @name',
  entities: [
    { type: 'Bold', offset: 0, length: 4 },
    { type: 'TextUrl', offset: 5, length: 4, url: 'https://example.org/' },
    { type: 'MentionName', offset: 10, length: 7, userId: 3072 },
    { type: 'Pre', offset: 18, length: 4, language: 'ts' },
    { type: 'Blockquote', offset: 23, length: 6, collapsed: true },
    { type: 'CustomEmoji', offset: 30, length: 5, documentId: '00000000000000ff' },
    { type: 'Hashtag', offset: 36, length: 4 },
    { type: 'Mention', offset: 41, length: 5 },
  ],
  forward: { fromUser: 4096, date: 1_600_000_000, savedFrom: { group: 78, id: 5 } },
  quote: { text: 'part', entities: [{ type: 'Italic', offset: 0, length: 4 }], offset: 3 },
  noWebpage: true,
  invertMedia: true,
}

export function messageFact(changes: Partial<MessageFact> = {}): MessageFact {
  const chat = privateChat(SELF, OTHER)
  return {
    type: 'message',
    peer: other,
    chat,
    n: 3,
    from: OTHER,
    atMs: AT_MS,
    out: false,
    lane: { chat, n: 3 },
    ...changes,
  }
}

export function boxMessage(id: number, changes: Partial<BoxMessage> = {}): BoxMessage {
  return { id, fact: messageFact(), body: encodeBody({ text: `message ${id}` }), ...changes }
}

export const richMessage: BoxMessage = boxMessage(11, {
  fact: messageFact({
    peer: group,
    chat: groupChat(GROUP),
    silent: true,
    noForwards: true,
    mentioned: true,
    replyTo: 4,
    groupedId: '0000000000000001',
    fromScheduled: true,
  }),
  body: encodeBody(fullBody),
  editedAtMs: AT_MS + 5000,
  reactions: [{ reaction: '👍', count: 2, mine: true }],
  recentReactions: [{ user: 5120, reaction: '👍', atMs: AT_MS }],
  pinned: true,
  mentionUnread: true,
})

const actions: readonly ServiceAction[] = [
  { type: 'create', title: 'Group', users: [SELF, 6144] },
  { type: 'add', users: [7168] },
  { type: 'remove', user: 8192 },
  { type: 'joinByLink', inviter: 9216 },
  { type: 'title', title: 'New' },
  { type: 'pin', target: 2 },
]

const lane = { chat: privateChat(SELF, OTHER), n: 9 }

/** One fact of each type that devices are told of, some of them twice. */
export const scheduledMessage: ScheduledMessage = {
  id: 1,
  dueAtMs: AT_MS + 60_000,
  draft: { body: encodeBody(fullBody), silent: true, replyTo: 7 },
  edited: false,
}

export const facts: readonly { readonly count: number; readonly fact: BoxFact; readonly body?: Uint8Array }[] = [
  { count: 1, fact: messageFact({ op: 'r0000000000000007', out: true, from: SELF }), body: encodeBody(fullBody) },
  ...actions.map((action) => ({
    count: 1,
    fact: messageFact({ action, peer: group, chat: groupChat(GROUP), pinnedId: 3 }),
    body: encodeBody({ text: '' }),
  })),
  {
    count: 1,
    fact: {
      type: 'edited',
      id: 11,
      peer: other,
      chat: lane.chat,
      n: 4,
      editedAtMs: AT_MS,
      mentioned: false,
      supersedes: 11,
      lane,
    },
    body: encodeBody(fullBody),
  },
  {
    count: 2,
    fact: {
      type: 'deleted',
      peer: other,
      ids: [1, 2],
      chat: lane.chat,
      ns: [1, 2],
      unread: 0,
      mentions: 0,
      pins: 0,
      top: { id: 0, n: 0, atMs: 0 },
      blocks: [[0, 3, 2]],
    },
  },
  { count: 1, fact: { type: 'readInbox', peer: other, maxId: 5, maxN: 5, stillUnread: 2 } },
  { count: 1, fact: { type: 'readOutbox', peer: other, maxId: 5, lane } },
  { count: 1, fact: { type: 'pinned', peer: other, ids: [5], pinned: true } },
  { count: 1, fact: { type: 'mentionsRead', peer: group, ids: [5] } },
  {
    count: 0,
    fact: {
      type: 'reacted',
      id: 5,
      peer: other,
      reactions: [{ reaction: '🔥', count: 1, mine: false }],
      recent: [{ user: OTHER, reaction: '🔥', atMs: AT_MS }],
      lane,
    },
  },
  {
    count: 0,
    fact: { type: 'scheduled', peer: other, id: 1, dueAtMs: scheduledMessage.dueAtMs, lane },
  },
  { count: 0, fact: { type: 'unscheduled', peer: other, ids: [1], sentIds: [12], lane } },
  { count: 0, fact: { type: 'groupChanged', peer: group, what: 'members', version: 2, lane } },
  { count: 0, fact: { type: 'groupChanged', peer: group, what: 'about', version: 3, lane } },
  { count: 0, fact: { type: 'draft', peer: other, replyTo: 5 }, body: encodeBody(fullBody) },
  { count: 0, fact: { type: 'draft', peer: other } },
  { count: 0, fact: { type: 'dialogPinned', peer: other, pinned: true } },
  { count: 0, fact: { type: 'dialogsReordered', order: [other, group] } },
  { count: 0, fact: { type: 'dialogMarked', peer: group, unread: true } },
  { count: 0, fact: { type: 'contact', user: OTHER } },
  { count: 0, fact: { type: 'blocked', user: OTHER, blocked: true } },
  { count: 0, fact: { type: 'notify', scope: other, settings: { silent: true, muteUntil: 7 } } },
  { count: 0, fact: { type: 'notify', scope: 'chats' } },
  { count: 0, fact: { type: 'profile', profile: { firstName: 'A', lastName: 'B', about: '' } } },
  {
    count: 0,
    fact: {
      type: 'authorized',
      authorization: {
        authKey: '00000000000000aa',
        hash: '00000000000000bb',
        createdAtMs: AT_MS,
        activeAtMs: AT_MS,
        layer: 228,
        apiId: 1,
        deviceModel: 'Phone',
        systemVersion: '1',
        appVersion: '2',
        langCode: 'en',
        address: '127.0.0.1',
      },
    },
  },
]

/** The facts as consecutive changes from pts 21 on. */
export function changesOf(list: typeof facts = facts): readonly BoxChange[] {
  let pts = 20
  let ordinal = 0
  return list.map(({ count, fact, body }) => {
    pts += count
    ordinal = count === 0 ? ordinal + 1 : 0
    return { pts, ordinal, count, atMs: AT_MS, fact, ...(body && { body }) }
  })
}

export const groupInfo: GroupInfo = {
  id: GROUP,
  title: 'Group',
  about: 'About it',
  creator: OTHER,
  atMs: AT_MS,
  version: 2,
  memberCount: 3,
  members: [
    { user: OTHER, role: 'creator', inviter: OTHER, atMs: AT_MS },
    { user: SELF, role: 'admin', inviter: OTHER, atMs: AT_MS },
    { user: 6144, role: 'member', inviter: 7168, atMs: AT_MS },
  ],
  membership: 'admin',
  pinned: 3,
  invite: {
    hash: 'x'.repeat(24),
    by: OTHER,
    atMs: AT_MS,
    usage: 1,
    permanent: true,
    revoked: false,
    revokePrevious: false,
    expiresAtMs: AT_MS,
    usageLimit: 4,
    title: 'Link',
  },
}

export const dialog: Dialog = {
  peer: other,
  topId: 11,
  readInboxMaxId: 5,
  readOutboxMaxId: 6,
  unread: 2,
  unreadMentions: 1,
  pinned: true,
  unreadMark: true,
  draft: { body: encodeBody(fullBody), replyTo: 5, atMs: AT_MS },
  notify: { showPreviews: true },
}

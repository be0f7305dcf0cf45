import { type ChatId, chatOfPeer, type Peer, type PeerKey, parsePeerKey, peerKey } from '../actors/chat/chat-id.js'
import type { Chat } from '../actors/chat/contract.js'
import type { BoxMessage, Dialog, User } from '../actors/user/contract.js'
import { type Ref, refusalReason } from '../runtime/index.js'
import { draftText, type Message, messageOf, type ServerView, type Talk } from './replica.js'

const PAGE = 100

/** What an account is asked through. */
export interface Account {
  readonly user: number
  readonly me: Ref<User>
  chat(id: ChatId): Ref<Chat>
}

/**
 * The account as a device that begins anew fetches it: dialogs, then every history, until nothing moved meanwhile.
 * `peers`: whom it knows, so that it also asks for their dialogs that no list shows (as clients do once one comes back).
 */
export async function fetchAccount(account: Account, peers: readonly Peer[]): Promise<ServerView> {
  const { me } = account
  for (;;) {
    const before = await me.boxState()
    const listed = await allDialogs(me)
    const isListed = new Set(listed.map(({ peer }) => peer))
    const unlisted = await me.dialogsOf(peers.filter((peer) => !isListed.has(peerKey(peer))))
    const dialogs = [...listed, ...unlisted.dialogs]
    const messages = new Map<number, Message>()
    for (const { peer } of dialogs) {
      for (const message of await wholeHistory(me, peer)) messages.set(message.id, messageOf(message))
    }
    const after = await me.boxState()
    if (before.pts !== after.pts) continue
    const { scheduled, untold } = await scheduledOf(account, peers)
    const talks = new Map<PeerKey, Talk>(dialogs.map((dialog) => [dialog.peer, talkOf(dialog)]))
    return {
      pts: before.pts,
      date: Math.floor(before.atMs / 1000),
      messages,
      talks,
      pinned: listed.filter(({ pinned }) => pinned).map(({ peer }) => peer),
      settings: new Map([...(await settingsOf(me, peers)), ...scheduled]),
      untold,
      unread: new Map(dialogs.map(({ peer, unread }) => [peer, unread])),
    }
  }
}

async function settingsOf(me: Ref<User>, peers: readonly Peer[]): Promise<Map<string, string>> {
  const settings = new Map<string, string>()
  for (const { user, card } of await me.contacts()) settings.set(`contact ${user}`, card.firstName)
  for (const { user } of (await me.blocked({ offset: 0, limit: PAGE })).users) settings.set(`blocked ${user}`, 'yes')
  for (const scope of [...peers.map(peerKey), 'users']) {
    const known = await me.notifySettings(scope)
    if (Object.keys(known).length > 0) settings.set(`notify ${scope}`, JSON.stringify(known))
  }
  const { about = '', username = '' } = (await me.profile()) ?? {}
  if (about !== '') settings.set('profile', about)
  if (username !== '') settings.set('username', username)
  return settings
}

/** When each scheduled message is due; chats that the account may not ask are `untold`. */
async function scheduledOf({ user, chat }: Account, peers: readonly Peer[]) {
  const scheduled = new Map<string, string>()
  const untold: PeerKey[] = []
  for (const peer of peers) {
    try {
      for (const { id, dueAtMs } of await chat(chatOfPeer(user, peer)).scheduled({ by: user })) {
        scheduled.set(`scheduled ${peerKey(peer)} ${id}`, `${dueAtMs}`)
      }
    } catch (error) {
      if (refusalReason(error) === undefined) throw error
      untold.push(peerKey(peer))
    }
  }
  return { scheduled, untold }
}

function talkOf({ readInboxMaxId, readOutboxMaxId, unreadMark, draft }: Dialog): Talk {
  const told = draft && { draft: draftText(draft.body, draft.replyTo) }
  return { readIn: readInboxMaxId, readOut: readOutboxMaxId, marked: unreadMark, ...told }
}

async function allDialogs(me: Ref<User>): Promise<Dialog[]> {
  const all: Dialog[] = []
  let offset: Parameters<User['dialogs']>[0] = { offsetDate: 0, offsetId: 0, excludePinned: false, limit: PAGE }
  for (;;) {
    const { dialogs, messages, total } = await me.dialogs(offset)
    const known = new Set(all.map(({ peer }) => peer))
    const fresh = dialogs.filter(({ peer }) => !known.has(peer))
    all.push(...fresh)
    const last = fresh.at(-1)
    if (last === undefined || all.length >= total) return all
    const top = messages.find(({ id }) => id === last.topId)
    const offsetDate = Math.floor((top?.fact.atMs ?? last.draft?.atMs ?? 0) / 1000)
    offset = { ...offset, offsetDate, offsetId: last.topId, offsetPeer: parsePeerKey(last.peer) }
  }
}

async function wholeHistory(me: Ref<User>, peer: PeerKey): Promise<BoxMessage[]> {
  const all: BoxMessage[] = []
  for (let offsetId = 0; ; ) {
    const page = await me.history({
      peer: parsePeerKey(peer),
      offsetId,
      offsetDate: 0,
      addOffset: 0,
      limit: PAGE,
      maxId: 0,
      minId: 0,
    })
    all.push(...page.messages)
    const last = page.messages.at(-1)
    if (last === undefined || page.messages.length < PAGE) return all
    offsetId = last.id
  }
}

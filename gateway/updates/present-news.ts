import { parseChatId } from '../../actors/chat/chat-id.js'
import type { LiveNews } from '../../actors/user/contract.js'
import {
  envelope,
  PeerSet,
  type People,
  presentNames,
  presentStatus,
  presentTyping,
  presentUserPeer,
  type Viewer,
} from '../api/index.js'
import type { tl } from '../tl/index.js'

/** News as TL updates, with all whom they name. */
export async function presentNews(
  people: People,
  viewer: Viewer,
  news: readonly LiveNews[],
  nowMs: number,
): Promise<tl.RawUpdates> {
  const named = new PeerSet()
  for (const each of news) noteNews(people, named, each)
  const loaded = await people.load(viewer, named)
  const updates = news.flatMap((each) => {
    const update = presentOne(each, loaded.users, nowMs)
    return update ? [update] : []
  })
  return envelope(updates, loaded, Math.floor(nowMs / 1000))
}

function noteNews(people: People, named: PeerSet, news: LiveNews): void {
  if (news.type === 'typing') {
    const chat = parseChatId(news.chat)
    named.user(news.by).group(chat.kind === 'group' ? chat.id : undefined)
    return
  }
  named.user(news.user)
  if (news.type === 'presence') people.notePresence(news.user, news.presence)
  else people.forgetUser(news.user)
}

function presentOne(news: LiveNews, users: readonly tl.TypeUser[], nowMs: number): tl.TypeUpdate | undefined {
  if (news.type === 'presence') {
    return { _: 'updateUserStatus', userId: news.user, status: presentStatus(news.presence, nowMs) }
  }
  if (news.type === 'typing') {
    const action = presentTyping(news.action)
    const chat = parseChatId(news.chat)
    if (chat.kind === 'private') return { _: 'updateUserTyping', userId: news.by, action }
    return { _: 'updateChatUserTyping', chatId: chat.id, fromId: presentUserPeer(news.by), action }
  }
  const user = users.find(({ id }) => id === news.user)
  return user?._ === 'user' ? presentNames(user) : undefined
}

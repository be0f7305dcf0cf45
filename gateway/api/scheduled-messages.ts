import { chatOfPeer, type PeerKey, parsePeerKey } from '../../actors/chat/chat-id.js'
import { Chat } from '../../actors/chat/contract.js'
import { User } from '../../actors/user/contract.js'
import type { ActorCalls } from './actor-calls.js'
import type { Viewer } from './people.js'
import type { ScheduledView } from './present/scheduled.js'

/**
 * What the viewer has scheduled in a dialog, in the order of ids: the chat has the messages, and the box knows what the
 * ones that they reply to are called there. Refused: what the chat refuses those who are not in it.
 */
export async function scheduledIn(actors: ActorCalls, viewer: Viewer, peer: PeerKey): Promise<ScheduledView[]> {
  const chat = chatOfPeer(viewer.self, parsePeerKey(peer))
  const messages = await actors.ref(Chat, chat, viewer).scheduled({ by: viewer.self })
  const entries = [...new Set(messages.flatMap(({ draft }) => draft.replyTo ?? []))]
  const ids = entries.length === 0 ? [] : await actors.ref(User, viewer.self, viewer).idsAt({ chat, entries })
  const replyIds = new Map(entries.map((n, at) => [n, ids[at]]))
  return messages.map((message) => {
    const { replyTo: n } = message.draft
    const replyTo = n === undefined ? undefined : replyIds.get(n)
    return replyTo === undefined ? { peer, message } : { peer, message, replyTo }
  })
}

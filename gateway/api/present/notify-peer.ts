import type { PeerKey } from '../../../actors/chat/chat-id.js'
import type { NotifyScope } from '../../../actors/user/changes.js'
import type { tl } from '../../tl/index.js'
import type { PeerSet } from '../peer-set.js'
import { presentPeer } from './peer.js'

/** The defaults' spelling as a NotifyScope; a single peer's is its key. */
const NOTIFY_DEFAULTS = {
  users: 'notifyUsers',
  chats: 'notifyChats',
  broadcasts: 'notifyBroadcasts',
} as const

/** TL NotifyPeer. */
export function presentNotifyPeer(scope: NotifyScope, people: PeerSet): tl.TypeNotifyPeer {
  const name = NOTIFY_DEFAULTS[scope as keyof typeof NOTIFY_DEFAULTS]
  if (name) return { _: name }
  people.peer(scope as PeerKey)
  return { _: 'notifyPeer', peer: presentPeer(scope as PeerKey) }
}

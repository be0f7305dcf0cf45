import { type Peer, type PeerKey, parsePeerKey } from '../../../actors/chat/chat-id.js'
import type { tl } from '../../tl/index.js'

/** TL `peerUser` or `peerChat`. */
export function presentPeer(peer: Peer | PeerKey): tl.TypePeer {
  const { kind, id } = typeof peer === 'string' ? parsePeerKey(peer) : peer
  return kind === 'user' ? { _: 'peerUser', userId: id } : { _: 'peerChat', chatId: id }
}

export function presentUserPeer(id: number): tl.RawPeerUser {
  return { _: 'peerUser', userId: id }
}

/** TL `dialogPeer`. */
export function presentDialogPeer(peer: Peer | PeerKey): tl.RawDialogPeer {
  return { _: 'dialogPeer', peer: presentPeer(peer) }
}

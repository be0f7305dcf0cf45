import type { PeerKey } from '../../../actors/chat/chat-id.js'
import type { ScheduledMessage } from '../../../actors/chat/contract.js'
import { decodeBody } from '../../../actors/message/body.js'
import type { tl } from '../../tl/index.js'
import type { PeerSet } from '../peer-set.js'
import { presentEntities } from './entity.js'
import { presentForward, presentReply } from './message.js'
import { presentPeer, presentUserPeer } from './peer.js'
import { seconds } from './time.js'

export interface ScheduledView {
  readonly peer: PeerKey
  readonly message: ScheduledMessage
  /** The box's id of what it replies to; the message itself names that by the chat's entry. */
  readonly replyTo?: number
}

/** TL `message` of one that is still to be sent: dated when it will be, its id of a sequence of its own. */
export function presentScheduled(
  { peer, message, replyTo }: ScheduledView,
  self: number,
  people: PeerSet,
): tl.RawMessage {
  const { id, dueAtMs, draft, edited } = message
  const body = decodeBody(draft.body)
  people.peer(peer).user(self).body(body)
  return {
    _: 'message',
    id,
    out: true,
    silent: draft.silent,
    noforwards: draft.noForwards,
    invertMedia: body.invertMedia,
    fromScheduled: true,
    // Clients tell by this alone that one which they show has changed: there is no date of its edit.
    editHide: edited,
    fromId: presentUserPeer(self),
    peerId: presentPeer(peer),
    replyTo: presentReply(replyTo, body.quote),
    fwdFrom: body.forward && presentForward(body.forward),
    date: seconds(dueAtMs),
    message: body.text,
    entities: presentEntities(body.entities),
  }
}

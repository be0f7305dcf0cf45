import type { PeerKey } from '../../../actors/chat/chat-id.js'
import { decodeBody } from '../../../actors/message/body.js'
import type { tl } from '../../tl/index.js'
import type { PeerSet } from '../peer-set.js'
import { presentEntities } from './entity.js'
import { presentForward } from './message.js'
import { presentPeer, presentUserPeer } from './peer.js'
import { seconds } from './time.js'

export interface ScheduledView {
  readonly peer: PeerKey
  /** Of the scheduled messages' own sequence. */
  readonly id: number
  readonly dueAtMs: number
  readonly silent: boolean
  readonly replyTo?: number
  readonly body: Uint8Array
}

/** TL `message` of one that is still to be sent: dated when it will be. */
export function presentScheduled(view: ScheduledView, self: number, people: PeerSet): tl.RawMessage {
  const body = decodeBody(view.body)
  people.peer(view.peer).user(self).body(body)
  return {
    _: 'message',
    id: view.id,
    out: true,
    silent: view.silent,
    fromScheduled: true,
    fromId: presentUserPeer(self),
    peerId: presentPeer(view.peer),
    replyTo: view.replyTo === undefined ? undefined : { _: 'messageReplyHeader', replyToMsgId: view.replyTo },
    fwdFrom: body.forward && presentForward(body.forward),
    date: seconds(view.dueAtMs),
    message: body.text,
    entities: presentEntities(body.entities),
  }
}

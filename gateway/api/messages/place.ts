import { type ChatId, chatOfPeer, groupChat, type Peer, type PeerKey, peerKey } from '../../../actors/chat/chat-id.js'
import type { Asked, Outcome } from '../../../actors/chat/contract.js'
import type { BoxChange } from '../../../actors/user/changes.js'
import { type BoxMessage, type Located, SERVICE_USER_ID } from '../../../actors/user/contract.js'
import { after, type Soon } from '../../../runtime/index.js'
import type { tl } from '../../tl/index.js'
import type { Call } from '../call.js'
import { refuseCall } from '../errors.js'
import { messageIdOf } from '../input/number.js'
import { groupOf, peerOf } from '../input/peer.js'

/** A dialog of the caller, and the chat behind it. */
export interface Place {
  readonly peer: Peer
  readonly key: PeerKey
  readonly chat: ChatId
}

export function placeOf(call: Call, input: tl.TypeInputPeer): Soon<Place> {
  return after(peerOf(call, input), (peer) => ({ peer, key: peerKey(peer), chat: chatOfPeer(call.self, peer) }))
}

/** As `placeOf`, of a basic group alone. Refused: PEER_ID_INVALID. */
export async function groupPlaceOf(call: Call, input: tl.TypeInputPeer): Promise<Place> {
  const place = await placeOf(call, input)
  return place.peer.kind === 'chat' ? place : refuseCall('PEER_ID_INVALID')
}

export function placeOfGroup(id: number): Place {
  const peer: Peer = { kind: 'chat', id: groupOf(id) }
  return { peer, key: peerKey(peer), chat: groupChat(peer.id) }
}

/** Who asks, as what operation. */
export function asked(call: Call): Asked {
  return { by: call.self, op: call.op, origin: call.origin }
}

/** Where messages may be sent. Refused: INPUT_USER_DEACTIVATED, PEER_ID_INVALID, CHAT_WRITE_FORBIDDEN. */
export function sendingPlaceOf(call: Call, input: tl.TypeInputPeer): Soon<Place> {
  return after(placeOf(call, input), (place) => {
    const { kind, id } = place.peer
    if (kind === 'chat') return place
    if (id === SERVICE_USER_ID) refuseCall('CHAT_WRITE_FORBIDDEN')
    return after(call.services.people.profile(call, id), (profile) => {
      if (!profile) refuseCall('PEER_ID_INVALID')
      if (profile.closed) refuseCall('INPUT_USER_DEACTIVATED')
      return place
    })
  })
}

/** A message of the caller's box, named by a client, in this dialog. Refused: `refusal`. */
export async function locatedIn(call: Call, place: Place, id: number, refusal: string): Promise<Located> {
  const [located] = await call.me.locate([messageIdOf(id)])
  return located && located.peer === place.key ? located : refuseCall(refusal)
}

/** The message itself, as the box holds it. Refused: `refusal`. */
export async function messageIn(call: Call, place: Place, id: number, refusal: string): Promise<BoxMessage> {
  const [message] = await call.me.messages([messageIdOf(id)])
  return message && message.fact.peer === place.key ? message : refuseCall(refusal)
}

/** Steps of an operation that does a bounded part at a time. */
const MAX_STEPS = 100

/** Asks until all is done, each step as an operation of its own; answers with what all of them changed. */
export async function repeated(call: Call, step: (ask: Asked) => Promise<Outcome>): Promise<{ changes: BoxChange[] }> {
  const changes: BoxChange[] = []
  for (let at = 0; at < MAX_STEPS; at++) {
    const ask = asked(call)
    const outcome = await step(at === 0 ? ask : { ...ask, op: `${ask.op}.${at}` })
    changes.push(...outcome.changes)
    if (!outcome.more) break
  }
  return { changes }
}

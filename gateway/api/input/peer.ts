import { type Peer, type PeerKey, peerKey } from '../../../actors/chat/chat-id.js'
import { decodeBody } from '../../../actors/message/body.js'
import type { Soon } from '../../../runtime/index.js'
import type { tl } from '../../tl/index.js'
import type { Call } from '../call.js'
import { viewerOf } from '../envelope.js'
import { refuseCall } from '../errors.js'
import type { Long } from '../long.js'
import { PeerSet } from '../peer-set.js'

export type InputPeer = tl.TypeInputPeer
export type InputUser = tl.TypeInputUser
export type InputDialogPeer = tl.TypeInputDialogPeer

/** The peer that a client names. Refused: PEER_ID_INVALID, USER_ID_INVALID, CHANNEL_INVALID, MSG_ID_INVALID. */
export function peerOf(call: Call, input: InputPeer): Soon<Peer> {
  switch (input._) {
    case 'inputPeerSelf':
      return { kind: 'user', id: call.self }
    case 'inputPeerUser':
      return { kind: 'user', id: knownUser(call, input.userId, input.accessHash, 'PEER_ID_INVALID') }
    case 'inputPeerUserFromMessage':
      return userFromMessage(call, input, 'PEER_ID_INVALID').then((id) => ({ kind: 'user', id }))
    case 'inputPeerChat':
      return knownGroup(call, idOf(input.chatId, 'PEER_ID_INVALID'))
    case 'inputPeerChannel':
    case 'inputPeerChannelFromMessage':
      return refuseCall('CHANNEL_INVALID')
    default:
      return refuseCall('PEER_ID_INVALID')
  }
}

/** As `peerOf`, for fields in which `inputPeerEmpty` stands for none. */
export async function optionalPeerOf(call: Call, input: InputPeer | undefined): Promise<Peer | undefined> {
  return input === undefined || input._ === 'inputPeerEmpty' ? undefined : peerOf(call, input)
}

/** The user that a client names, by number. Refused: USER_ID_INVALID, MSG_ID_INVALID. */
export async function userOf(call: Call, input: InputUser): Promise<number> {
  switch (input._) {
    case 'inputUserSelf':
      return call.self
    case 'inputUser':
      return knownUser(call, input.userId, input.accessHash, 'USER_ID_INVALID')
    case 'inputUserFromMessage':
      return userFromMessage(call, input, 'USER_ID_INVALID')
    default:
      return refuseCall('USER_ID_INVALID')
  }
}

/** These users, each once, in order. */
export async function usersOf(call: Call, inputs: readonly InputUser[], most: number): Promise<readonly number[]> {
  if (inputs.length > most) refuseCall('LIMIT_INVALID')
  return [...new Set(await Promise.all(inputs.map((input) => userOf(call, input))))]
}

/** A basic group by its number alone; whether the caller may see it, the chat says. Refused: CHAT_ID_INVALID. */
export function groupOf(id: number): number {
  return idOf(id, 'CHAT_ID_INVALID')
}

export async function dialogPeerOf(call: Call, input: InputDialogPeer): Promise<Peer> {
  return input._ === 'inputDialogPeer' ? peerOf(call, input.peer) : refuseCall('PEER_ID_INVALID')
}

/** These dialogs, each once, in order. */
export async function dialogPeersOf(
  call: Call,
  inputs: readonly InputDialogPeer[],
  most: number,
): Promise<readonly Peer[]> {
  if (inputs.length > most) refuseCall('LIMIT_INVALID')
  const peers = await Promise.all(inputs.map((input) => dialogPeerOf(call, input)))
  return [...new Map(peers.map((peer) => [peerKey(peer), peer])).values()]
}

function knownUser(call: Call, id: number, accessHash: Long, refusal: string): number {
  const user = idOf(id, refusal)
  if (user === call.self || call.services.hashes.opensUser(call.self, user, accessHash)) return user
  return refuseCall(refusal)
}

/** A group that the caller is or was in, or has a dialog of: anybody may guess a number. Refused: PEER_ID_INVALID. */
async function knownGroup(call: Call, id: number): Promise<Peer> {
  const { people } = call.services
  const viewer = viewerOf(call)
  const peer: Peer = { kind: 'chat', id }
  const isKnown = async () => ((await people.group(viewer, id))?.membership ?? 'none') !== 'none'
  if (await isKnown()) return peer
  // Who has just been invited may be faster than the news of it.
  people.forgetGroupFor(call.self, id)
  if (await isKnown()) return peer
  const { dialogs } = await call.me.dialogsOf([peer])
  return dialogs.length > 0 ? peer : refuseCall('PEER_ID_INVALID')
}

function idOf(id: number, refusal: string): number {
  return Number.isSafeInteger(id) && id > 0 ? id : refuseCall(refusal)
}

/** A user that a message in the caller's own box names: for clients that saw no access hash. */
async function userFromMessage(
  call: Call,
  input: { readonly peer: InputPeer; readonly msgId: number; readonly userId: number },
  refusal: string,
): Promise<number> {
  const user = idOf(input.userId, refusal)
  if (input.peer._ === 'inputPeerUserFromMessage') refuseCall(refusal)
  const where: PeerKey = peerKey(await peerOf(call, input.peer))
  const [message] = await call.me.messages([input.msgId])
  if (!message || message.fact.peer !== where) return refuseCall('MSG_ID_INVALID')
  const named = new PeerSet().message(message.fact, decodeBody(message.body), message.recentReactions)
  return named.users.has(user) ? user : refuseCall(refusal)
}

import type { AuthKey } from './auth-key.js'
import { containerBytesFor, type OutgoingMessage, writeContainer } from './container.js'
import { packetBytesFor } from './crypto/packet.js'
import type { PacketLink } from './link.js'
import type { Long } from './long.js'
import { ANSWER } from './message-id.js'
import { Outgoing } from './outbox.js'
import { currentSalt } from './salts.js'
import type { World } from './world.js'

/** Far below what the protocol allows: the first of many messages should not wait for the last one's encryption. */
const MAX_CONTAINER_MESSAGES = 100

/** A message without an acknowledgement, or one that has to travel in a packet of its own. */
export interface Loose extends OutgoingMessage {
  readonly alone: boolean
}

type Queued = Outgoing | Loose

interface Addressee {
  readonly key: AuthKey
  readonly id: Long
}

/**
 * Writes messages to a link, in their order and in as few packets as the rules allow, as long as the link takes them.
 * Returns how many it took. `containerSeqNo` is the number that a message without acknowledgement has now.
 */
export function writePackets(
  world: World,
  link: PacketLink,
  session: Addressee,
  queued: readonly Queued[],
  containerSeqNo: number,
): number {
  let from = 0
  while (from < queued.length && link.writable) {
    const to = packetEnd(queued, from, world.limits.packetBytes)
    const single = to - from === 1 ? alone(queued[from]!) : undefined
    if (single) writeSingle(world, link, session, single)
    else writeMany(world, link, session, queued, from, to, containerSeqNo)
    for (; from < to; from++) markSent(queued[from]!)
  }
  return from
}

/** The message if it may travel without a container: an old id is believed only inside one with a new id. */
function alone(message: Queued): Queued | undefined {
  return message instanceof Outgoing && message.sent ? undefined : message
}

function packetEnd(queued: readonly Queued[], from: number, packetBytes: number): number {
  if (queued[from]!.alone) return from + 1
  let bytes = queued[from]!.body.length
  let to = from + 1
  while (to < queued.length && to - from < MAX_CONTAINER_MESSAGES && !queued[to]!.alone) {
    bytes += 16 + queued[to]!.body.length
    if (bytes > packetBytes) break
    to++
  }
  return to
}

function writeSingle(world: World, link: PacketLink, session: Addressee, { high, low, seqNo, body }: Queued) {
  body.copy(world.sealer.body(body.length))
  sealPacket(world, link, session, high, low, seqNo, body.length)
}

function writeMany(
  world: World,
  link: PacketLink,
  session: Addressee,
  queued: readonly Queued[],
  from: number,
  to: number,
  seqNo: number,
) {
  const bytes = containerBytesFor(queued, from, to)
  writeContainer(queued, from, to, world.sealer.body(bytes))
  world.ids.next(ANSWER)
  sealPacket(world, link, session, world.ids.high, world.ids.low, seqNo, bytes)
}

function sealPacket(
  world: World,
  link: PacketLink,
  { key, id }: Addressee,
  high: number,
  low: number,
  seqNo: number,
  bodyBytes: number,
) {
  const packetBytes = packetBytesFor(bodyBytes)
  const frame = link.begin(packetBytes)
  const salt = currentSalt(key, world.nowSeconds())
  world.sealer.seal(key, salt, id, high, low, seqNo, bodyBytes, frame, link.payloadAt(packetBytes))
  world.metrics.count('packets_out')
  link.send(frame, packetBytes)
}

function markSent(message: Queued) {
  if (!(message instanceof Outgoing)) return
  message.sent = true
  message.queued = false
}

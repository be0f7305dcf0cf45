/**
 * What two nodes say to each other on a stream. Node A opens a stream to B for what A asks and tells; B answers on it.
 * What B asks travels on a stream that B opens. So each stream has a half that calls and a half that is called.
 *
 * W1. The first message of each half is its hello; everything after it is a batch.
 * W2. A batch is the sender's view number, the credit that it grants (bytes), then its messages, with arguments and answers
 *     as they are. Its bytes are those of the version that both speak (`batchCodecOf`).
 * W3. A node speaks every protocol version from `oldest` to `newest`; two nodes use the highest that both speak. A hello,
 *     a batch or a message may get longer with a version: a reader ignores members that it does not know, and does
 *     without those that an older node does not send. A new kind of message is sent only to who knows it.
 * W4. Deadlines travel as the time that is left, so that clocks of two nodes need not agree.
 */
import { ActorError, decode, encode, type NodeId, roughBytes, type SenderPath } from '../../runtime/index.js'

/** What travels apart so that it never waits behind data: probes, seals, views. */
export type Lane = 'control' | 'data'

export interface Hello {
  readonly cluster: string
  readonly node: NodeId
  /** New at each start of the node's process. */
  readonly incarnation: string
  readonly lane: Lane
  readonly oldest: number
  readonly newest: number
  /** The version of its program, for people; nodes of before version 2 do not say. */
  readonly program?: string
}

/** The first number of a message. */
export const CALL = 0
export const FRAME = 1
export const ASK = 2
export const CANCEL = 3
export const ANSWER = 4
export const FAILURE = 5
export const ROUTE = 6

/** Names a method once a stream, for the calls that follow. */
export type RouteMessage = readonly [kind: typeof ROUTE, route: number, actorKind: string, method: string]
/** The members from `traceId` on may be left out. */
export type CallMessage = readonly [
  kind: typeof CALL,
  id: number,
  route: number,
  key: string,
  args: readonly unknown[],
  leftMs: number,
  traceId?: string | undefined,
  chain?: readonly string[],
  ifActive?: boolean,
  from?: SenderPath,
]
export type FrameMessage = readonly [
  kind: typeof FRAME,
  sink: string,
  payload: Uint8Array,
  from?: SenderPath | undefined,
]
export type AskMessage = readonly [kind: typeof ASK, id: number, topic: string, payload: Uint8Array, leftMs: number]
export type CancelMessage = readonly [kind: typeof CANCEL, id: number]
/** `thereUs`: microseconds from the call's arrival to this answer (TIMED_ANSWERS). */
export type AnswerMessage = readonly [kind: typeof ANSWER, id: number, answer: unknown, thereUs?: number]
/** `payload`: `encodeError`. */
export type FailureMessage = readonly [kind: typeof FAILURE, id: number, payload: Uint8Array, thereUs?: number]

export type CallingMessage = RouteMessage | CallMessage | FrameMessage | AskMessage | CancelMessage
export type AnsweringMessage = AnswerMessage | FailureMessage
export type Message = CallingMessage | AnsweringMessage

export interface Batch<M extends Message = Message> {
  /** The number of the newest view that the sender knows (CORE O1). */
  readonly view: number
  /** Bytes of batches that the sender has handled since its last grant. */
  readonly credit: number
  readonly messages: readonly M[]
}

export function encodeHello({ cluster, node, incarnation, lane, oldest, newest, program }: Hello): Uint8Array {
  const hello = [oldest, newest, cluster, node, incarnation, lane]
  return encode(program === undefined ? hello : [...hello, program])
}

/** Throws CORRUPT on bytes that no node sends. */
export function decodeHello(bytes: Uint8Array): Hello {
  const [oldest, newest, cluster, node, incarnation, lane, program] = decodeList(bytes)
  const isHello =
    isCount(oldest) && isCount(newest) && oldest <= newest && [cluster, node, incarnation].every(isName) && isLane(lane)
  if (!isHello) throw broken('a hello')
  return { oldest, newest, cluster, node, incarnation, lane, ...(isName(program) && { program }) } as Hello
}

/** The version that both speak, or undefined. */
export function commonVersion(one: Pick<Hello, 'oldest' | 'newest'>, other: Pick<Hello, 'oldest' | 'newest'>) {
  const version = Math.min(one.newest, other.newest)
  return version >= Math.max(one.oldest, other.oldest) ? version : undefined
}

/** Why one does not talk to the other, for people; undefined when it does. */
export function refusalOf(mine: Hello, theirs: Hello): string | undefined {
  const { cluster, node } = theirs
  if (cluster !== mine.cluster) return `node ${node} belongs to the cluster ${cluster}, not ${mine.cluster}`
  if (commonVersion(mine, theirs) !== undefined) return undefined
  return `node ${node} ${spoken(theirs)}, node ${mine.node} ${spoken(mine)}: upgrade one minor version at a time`
}

function spoken({ oldest, newest, program }: Hello): string {
  const versions = oldest === newest ? `version ${newest}` : `versions ${oldest} to ${newest}`
  return `${program === undefined ? '' : `(${program}) `}speaks ${versions} of the nodes' protocol`
}

/** Rough size of a message on the wire, for bounds. */
export function sizeOf(message: Message): number {
  switch (message[0]) {
    case CALL:
      return 48 + roughBytes(message[4]) + (message[7] ?? []).length * 32
    case FRAME:
      return 16 + message[1].length + message[2].length
    case ASK:
      return 32 + message[2].length + message[3].length
    case CANCEL:
      return 8
    case ROUTE:
      return 48
    case ANSWER:
      return 16 + roughBytes(message[2])
    default:
      return 16 + message[2].length
  }
}

/** Throws CORRUPT. */
export function decodeList(bytes: Uint8Array): readonly unknown[] {
  const value = decode(bytes)
  if (!Array.isArray(value)) throw broken('a list')
  return value
}

/** What arrived is not this. */
export function broken(what: string): ActorError {
  return new ActorError('CORRUPT', `what another node sent is not ${what} as this version knows it`)
}

export const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
export const isName = (value: unknown): value is string =>
  typeof value === 'string' && value.length > 0 && value.length <= 200
const isLane = (value: unknown): value is Lane => value === 'control' || value === 'data'

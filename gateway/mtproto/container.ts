import { type Long, readLong, writeLong } from './long.js'

/** Constructors of the message layer itself, which no schema in JSON form has. @see https://core.telegram.org/mtproto/service_messages */
export const MSG_CONTAINER = 0x73f1f8dc
export const RPC_RESULT = 0xf35c6d01
export const GZIP_PACKED = 0x3072cfa1

const CONTAINER_HEAD_BYTES = 8
const INNER_HEAD_BYTES = 16

export interface InnerMessage {
  readonly msgId: Long
  readonly seqNo: number
  readonly body: Buffer
}

/** The messages of a container's body; undefined if it does not hold together or has more than `maxMessages`. */
export function readContainer(body: Buffer, maxMessages: number): InnerMessage[] | undefined {
  if (body.length < CONTAINER_HEAD_BYTES) return undefined
  const count = body.readUInt32LE(4)
  if (count > maxMessages) return undefined
  const messages: InnerMessage[] = []
  let at = CONTAINER_HEAD_BYTES
  for (let i = 0; i < count; i++) {
    if (body.length - at < INNER_HEAD_BYTES) return undefined
    const bytes = body.readUInt32LE(at + 12)
    const from = at + INNER_HEAD_BYTES
    if (bytes < 4 || (bytes & 3) !== 0 || body.length - from < bytes) return undefined
    const inner = body.subarray(from, from + bytes)
    // Containers do not nest.
    if (inner.readUInt32LE(0) === MSG_CONTAINER) return undefined
    messages.push({ msgId: readLong(body, at), seqNo: body.readInt32LE(at + 8), body: inner })
    at = from + bytes
  }
  return messages
}

export interface OutgoingMessage {
  readonly high: number
  readonly low: number
  readonly seqNo: number
  readonly body: Buffer
}

export function containerBytesFor(messages: readonly OutgoingMessage[], from: number, to: number): number {
  let bytes = CONTAINER_HEAD_BYTES
  for (let i = from; i < to; i++) bytes += INNER_HEAD_BYTES + messages[i]!.body.length
  return bytes
}

export function writeContainer(messages: readonly OutgoingMessage[], from: number, to: number, target: Buffer): void {
  target.writeUInt32LE(MSG_CONTAINER, 0)
  target.writeUInt32LE(to - from, 4)
  let at = CONTAINER_HEAD_BYTES
  for (let i = from; i < to; i++) {
    const { high, low, seqNo, body } = messages[i]!
    target.writeUInt32LE(low, at)
    target.writeUInt32LE(high, at + 4)
    target.writeInt32LE(seqNo, at + 8)
    target.writeUInt32LE(body.length, at + 12)
    body.copy(target, at + INNER_HEAD_BYTES)
    at += INNER_HEAD_BYTES + body.length
  }
}

/** `rpc_result` around a result that is written already. */
export function rpcResult(requestId: Long, result: Buffer): Buffer {
  const body = Buffer.allocUnsafe(12 + result.length)
  body.writeUInt32LE(RPC_RESULT, 0)
  writeLong(body, requestId, 4)
  result.copy(body, 12)
  return body
}

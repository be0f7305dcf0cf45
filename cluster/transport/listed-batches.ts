/**
 * Batches of before PACKED_BATCHES: one msgpackr list of the sender's view number, the credit that it grants (bytes), then
 * its messages, with arguments and answers as they are inside of it.
 */
import { encode } from '../../runtime/index.js'
import type { BatchCodec } from './batch-codec.js'
import {
  ANSWER,
  ASK,
  type Batch,
  broken,
  CALL,
  CANCEL,
  decodeList,
  FAILURE,
  FRAME,
  isCount,
  isName,
  type Message,
  ROUTE,
} from './wire.js'

export const listedBatches: BatchCodec = {
  encode: ({ view, credit, messages }) => encode([view, credit, messages]),
  decode,
}

function decode<M extends Message>(bytes: Uint8Array): Batch<M> {
  const [view, credit, messages] = decodeList(bytes)
  if (!isCount(view) || !isCount(credit) || !Array.isArray(messages)) throw broken('a batch')
  for (const message of messages) if (!isMessage(message)) throw broken('a message')
  return { view, credit, messages: messages as M[] }
}

const isText = (value: unknown): value is string => typeof value === 'string'
const isTrace = (value: unknown): value is string | undefined => value === undefined || isText(value)
const isTime = (value: unknown): value is number | undefined => value === undefined || isCount(value)
const isFlag = (value: unknown): value is boolean | undefined => value === undefined || typeof value === 'boolean'
const isBytes = (value: unknown): value is Uint8Array => value instanceof Uint8Array

/** By index: every message passes here, and need not have an iterator of its own. */
function isMessage(value: unknown): value is Message {
  if (!Array.isArray(value)) return false
  const message: readonly unknown[] = value
  switch (message[0]) {
    case CALL:
      return isCount(message[1]) && isCount(message[2]) && isName(message[3]) && isCallBody(message)
    case ROUTE:
      return isCount(message[1]) && isName(message[2]) && isName(message[3])
    case FRAME:
      return isName(message[1]) && isBytes(message[2]) && isSender(message[3])
    case ASK:
      return isCount(message[1]) && isName(message[2]) && isBytes(message[3]) && isLeft(message[4])
    case CANCEL:
      return isCount(message[1])
    case ANSWER:
      return isCount(message[1]) && isTime(message[3])
    case FAILURE:
      return isCount(message[1]) && isBytes(message[2]) && isTime(message[3])
    default:
      // A newer node's: it only sends what the common version has, so this is no node of ours.
      return false
  }
}

/** Most calls end with their trace id. */
function isCallBody(message: readonly unknown[]): boolean {
  if (!Array.isArray(message[4]) || !isLeft(message[5]) || !isTrace(message[6])) return false
  return message.length < 8 || (isChain(message[7]) && isFlag(message[8]) && isSender(message[9]))
}

const isLeft = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value)
const isSender = (value: unknown) =>
  value === undefined || (Array.isArray(value) && value.length > 1 && value.every(isCount))
const isChain = (value: unknown) => value === undefined || (Array.isArray(value) && value.every(isText))

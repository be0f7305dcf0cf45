import { Packr } from 'msgpackr'

/**
 * What a message says: encoded once by the gateway, then carried and stored as opaque bytes (CORE, Cost). It is the
 * same for every reader, so it names people by user id and never a message by a box id.
 */
export interface MessageBody {
  readonly text: string
  readonly entities?: readonly MessageEntity[]
  readonly forward?: ForwardHeader
  /** The quoted part of the message replied to. */
  readonly quote?: { readonly text: string; readonly entities?: readonly MessageEntity[]; readonly offset?: number }
  readonly noWebpage?: boolean
  readonly invertMedia?: boolean
}

/** A TL message entity, offsets and lengths in UTF-16 units, as the client sent it and the gateway checked it. */
export interface MessageEntity {
  /** TL constructor name without the prefix: `Bold`, `TextUrl`, `MentionName`, ... */
  readonly type: string
  readonly offset: number
  readonly length: number
  readonly url?: string
  readonly userId?: number
  readonly language?: string
  readonly documentId?: string
  readonly collapsed?: boolean
}

export interface ForwardHeader {
  readonly fromUser?: number
  readonly fromName?: string
  /** Seconds since the Unix epoch: when the original was sent. */
  readonly date: number
  /** Forwarded to saved messages: where it came from. */
  readonly savedFrom?: { readonly user?: number; readonly group?: number; readonly id: number }
}

// Plain maps, not msgpackr records: a body stands alone and is read by any process.
const packr = new Packr({ useRecords: false })

export function encodeBody(body: MessageBody): Buffer {
  return isBare(body) ? bareText(body.text) : packr.pack(body)
}

/** Nothing but a text, as nearly every message is. */
function isBare({ entities, forward, quote, noWebpage, invertMedia }: MessageBody): boolean {
  const has = entities ?? forward ?? quote ?? noWebpage ?? invertMedia
  return has === undefined
}

/** MessagePack of {text}: a map of one, and its key. */
const TEXT_ALONE = Buffer.from([0x81, 0xa4, ...Buffer.from('text')])
const STR8 = 0xd9
const STR16 = 0xda
const LONGEST_BARE_BYTES = 0xffff

/** Bodies share memory with bodies only: a chat keeps its last ones, and with each all that is in the same piece of memory. */
const SLAB_BYTES = 8 * 1024
let slab = Buffer.alloc(0)
let slabUsed = 0

function memoryOf(bytes: number): Buffer {
  if (bytes > SLAB_BYTES / 8) return Buffer.allocUnsafeSlow(bytes)
  if (slabUsed + bytes > slab.length) {
    slab = Buffer.allocUnsafeSlow(SLAB_BYTES)
    slabUsed = 0
  }
  slabUsed += bytes
  return slab.subarray(slabUsed - bytes, slabUsed)
}

/** The same bytes that the library would make, or as good ones, at a third of the time. */
function bareText(text: string): Buffer {
  const bytes = Buffer.byteLength(text)
  if (bytes > LONGEST_BARE_BYTES) return packr.pack({ text })
  const isShort = bytes <= 0xff
  const at = TEXT_ALONE.length + (isShort ? 2 : 3)
  const body = memoryOf(at + bytes)
  body.set(TEXT_ALONE, 0)
  if (isShort) {
    body[TEXT_ALONE.length] = STR8
    body[TEXT_ALONE.length + 1] = bytes
  } else {
    body[TEXT_ALONE.length] = STR16
    body.writeUInt16BE(bytes, TEXT_ALONE.length + 1)
  }
  body.write(text, at, bytes, 'utf8')
  return body
}

/** The text of a body that `bareText` made; undefined for any other. */
function textAlone(bytes: Uint8Array): string | undefined {
  for (let i = 0; i < TEXT_ALONE.length; i++) if (bytes[i] !== TEXT_ALONE[i]) return undefined
  const mark = bytes[TEXT_ALONE.length]
  if (mark !== STR8 && mark !== STR16) return undefined
  const high = mark === STR8 ? 0 : bytes[TEXT_ALONE.length + 1]!
  const at = TEXT_ALONE.length + (mark === STR8 ? 2 : 3)
  const end = at + high * 256 + bytes[at - 1]!
  if (end !== bytes.length) return undefined
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8', at, end)
}

/**
 * Bodies are written by the gateway alone; one that does not decode is corrupt storage and throws. An empty one says
 * nothing: service messages have no words.
 */
export function decodeBody(bytes: Uint8Array): MessageBody {
  if (bytes.length === 0) return { text: '' }
  const text = textAlone(bytes)
  if (text !== undefined) return { text }
  return packr.unpack(bytes) as MessageBody
}

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
  return packr.pack(body)
}

/**
 * Bodies are written by the gateway alone; one that does not decode is corrupt storage and throws. An empty one says
 * nothing: service messages have no words.
 */
export function decodeBody(bytes: Uint8Array): MessageBody {
  if (bytes.length === 0) return { text: '' }
  return packr.unpack(bytes) as MessageBody
}

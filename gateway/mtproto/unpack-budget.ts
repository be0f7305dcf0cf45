import { TlReader } from '../tl/index.js'
import type { TlObject } from './rpc.js'

const MAX_DEPTH = 64
/** One message may unpack to this much; clients pack nothing larger than a part of an upload. */
const MAX_UNPACKED_MESSAGE_BYTES = 2 * 1024 * 1024
/** Far more than any call takes: the longest lists are of message ids. */
const MAX_ELEMENTS = 32_768

/** Reads the messages of one packet; what their gzip_packed objects unpack to is bounded for all of them together. */
export class UnpackBudget {
  #bytes: number
  #spent = 0

  constructor(bytes: number) {
    this.#bytes = bytes
  }

  /** What has been unpacked so far. */
  get spent(): number {
    return this.#spent
  }

  /** The object that a message's body holds. Throws TlError. */
  read(body: Buffer): TlObject {
    const maxInflatedBytes = Math.min(this.#bytes, MAX_UNPACKED_MESSAGE_BYTES)
    const reader = new TlReader(body, 0, { maxDepth: MAX_DEPTH, maxInflatedBytes, maxElements: MAX_ELEMENTS })
    try {
      return reader.object() as unknown as TlObject
    } finally {
      const inflated = maxInflatedBytes - inflatableBytes(reader)
      this.#bytes -= inflated
      this.#spent += inflated
    }
  }
}

/** What the reader may still unpack. */
function inflatableBytes(reader: TlReader): number {
  return (reader as unknown as { readonly inflatableBytes: number }).inflatableBytes
}

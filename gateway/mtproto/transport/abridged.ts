import { type Framing, TransportError } from './framing.js'

const LONG_MARK = 0x7f
const QUICK_ACK = 0x80

/** One byte of length in words of four bytes, or 0x7f and three bytes. */
export const abridged: Framing = {
  name: 'abridged',

  measure(bytes, at) {
    if (bytes.length - at < 1) return 0
    const mark = bytes[at]! & LONG_MARK
    if (mark !== LONG_MARK) {
      if (mark === 0) throw new TransportError('empty frame')
      return 1 + mark * 4
    }
    if (bytes.length - at < 4) return 0
    return 4 + bytes.readUIntLE(at + 1, 3) * 4
  },

  payload(bytes, at, frameBytes) {
    const head = (bytes[at]! & LONG_MARK) === LONG_MARK ? 4 : 1
    return bytes.subarray(at + head, at + frameBytes)
  },

  wantsQuickAck: (bytes, at) => (bytes[at]! & QUICK_ACK) !== 0,
  headBytes: (payloadBytes) => (payloadBytes >> 2 < LONG_MARK ? 1 : 4),
  tailBytes: () => 0,

  finish(frame, payloadBytes) {
    const words = payloadBytes >> 2
    if (words < LONG_MARK) {
      frame[0] = words
    } else {
      frame[0] = LONG_MARK
      frame.writeUIntLE(words, 1, 3)
    }
  },

  // The byte order differs on purpose: the token's highest bit has to come first to tell it from a frame.
  quickAck(token) {
    const bytes = Buffer.allocUnsafe(4)
    bytes.writeUInt32BE(token)
    return bytes
  },
}

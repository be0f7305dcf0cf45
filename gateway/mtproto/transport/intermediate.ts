import { type Framing, TransportError } from './framing.js'

const LENGTH_BYTES = 4
const QUICK_ACK = 0x80000000

/** Four bytes of length. */
export const intermediate: Framing = {
  name: 'intermediate',

  measure(bytes, at) {
    if (bytes.length - at < LENGTH_BYTES) return 0
    const length = bytes.readUInt32LE(at) & ~QUICK_ACK
    if (length === 0) throw new TransportError('empty frame')
    return LENGTH_BYTES + length
  },

  payload: (bytes, at, frameBytes) => bytes.subarray(at + LENGTH_BYTES, at + frameBytes),
  wantsQuickAck: (bytes, at) => bytes[at + 3]! >= 0x80,
  headBytes: () => LENGTH_BYTES,
  tailBytes: () => 0,

  finish(frame, payloadBytes) {
    frame.writeUInt32LE(payloadBytes, 0)
  },

  quickAck(token) {
    const bytes = Buffer.allocUnsafe(4)
    bytes.writeUInt32LE(token)
    return bytes
  },
}

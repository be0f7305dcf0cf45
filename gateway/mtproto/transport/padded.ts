import type { Framing } from './framing.js'
import { intermediate } from './intermediate.js'

const MAX_PADDING_BYTES = 15

/** Intermediate, with up to 15 random bytes behind the payload that the length includes. */
export const padded: Framing = {
  ...intermediate,
  name: 'padded',
  tailBytes: (random) => random.int(MAX_PADDING_BYTES + 1),

  finish(frame, payloadBytes, _numbers, random) {
    const payloadEnd = 4 + payloadBytes
    frame.writeUInt32LE(frame.length - 4, 0)
    if (payloadEnd < frame.length) frame.set(random.bytes(frame.length - payloadEnd), payloadEnd)
  },
}

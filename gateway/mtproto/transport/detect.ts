import { abridged } from './abridged.js'
import { type Framing, TransportError } from './framing.js'
import { full } from './full.js'
import { intermediate } from './intermediate.js'
import { OBFUSCATED_HEAD_BYTES, type Obfuscation, openObfuscated } from './obfuscated.js'
import { padded } from './padded.js'

export interface Detected {
  readonly framing: Framing
  readonly obfuscation?: Obfuscation
  /** Bytes at the start that belong to the choice of transport, not to a frame. */
  readonly consumed: number
}

// First words that an obfuscated stream must not start with; here they mean a browser, a scanner or a TLS client.
const FOREIGN = new Set(['GET ', 'POST', 'HEAD', 'PUT ', 'OPTI', 'PROP', 'CONN', 'DELE', 'PATC', '\x16\x03\x01\x02'])

/** Which transport a stream speaks, from its first bytes; undefined if it takes more of them. Throws TransportError. */
export function detectTransport(bytes: Buffer): Detected | undefined {
  if (bytes.length < 1) return undefined
  if (bytes[0] === 0xef) return { framing: abridged, consumed: 1 }
  if (bytes.length < 4) return undefined
  const word = bytes.readUInt32LE(0)
  if (word === 0xeeeeeeee) return { framing: intermediate, consumed: 4 }
  if (word === 0xdddddddd) return { framing: padded, consumed: 4 }
  if (FOREIGN.has(bytes.toString('latin1', 0, 4))) throw new TransportError('not MTProto')
  if (bytes.length < 8) return undefined
  // `full` sends no mark: its first frame has the number 0.
  if (bytes.readUInt32LE(4) === 0) return { framing: full, consumed: 0 }
  if (bytes.length < OBFUSCATED_HEAD_BYTES) return undefined
  const obfuscation = openObfuscated(bytes.subarray(0, OBFUSCATED_HEAD_BYTES))
  return { framing: obfuscation.framing, obfuscation, consumed: OBFUSCATED_HEAD_BYTES }
}

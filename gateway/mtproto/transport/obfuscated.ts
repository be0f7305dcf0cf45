import { type Cipher, createCipheriv, createDecipheriv, type Decipher } from 'node:crypto'
import { abridged } from './abridged.js'
import { type Framing, TransportError } from './framing.js'
import { intermediate } from './intermediate.js'
import { padded } from './padded.js'

export const OBFUSCATED_HEAD_BYTES = 64

/** Both directions of an obfuscated stream, and the framing inside. */
export interface Obfuscation {
  readonly decipher: Decipher
  readonly cipher: Cipher
  readonly framing: Framing
}

/**
 * Opens an obfuscated stream from its first 64 bytes, which consume as much of the incoming key stream.
 * @see https://core.telegram.org/mtproto/mtproto-transports#transport-obfuscation
 */
export function openObfuscated(head: Buffer): Obfuscation {
  const reversed = Buffer.from(head.subarray(8, 56)).reverse()
  const decipher = createDecipheriv('aes-256-ctr', head.subarray(8, 40), head.subarray(40, 56))
  const framing = framingOf(decipher.update(head.subarray(0, OBFUSCATED_HEAD_BYTES)).readUInt32LE(56))
  if (!framing) throw new TransportError('unknown protocol inside the obfuscation')
  const cipher = createCipheriv('aes-256-ctr', reversed.subarray(0, 32), reversed.subarray(32, 48))
  return { decipher, cipher, framing }
}

function framingOf(tag: number): Framing | undefined {
  if (tag === 0xefefefef) return abridged
  if (tag === 0xeeeeeeee) return intermediate
  if (tag === 0xdddddddd) return padded
  return undefined
}

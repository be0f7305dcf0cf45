import * as zlib from 'node:zlib'
import { type Framing, TransportError } from './framing.js'

const HEAD_BYTES = 8
const CRC_BYTES = 4

/** Length, number of the frame and CRC-32 over both and the payload. */
export const full: Framing = {
  name: 'full',

  measure(bytes, at) {
    if (bytes.length - at < 4) return 0
    const length = bytes.readUInt32LE(at)
    if (length <= HEAD_BYTES + CRC_BYTES) throw new TransportError('frame is too short')
    return length
  },

  payload(bytes, at, frameBytes, numbers) {
    const end = at + frameBytes - CRC_BYTES
    if (crc32(bytes.subarray(at, end)) !== bytes.readUInt32LE(end)) throw new TransportError('checksum does not match')
    if (bytes.readUInt32LE(at + 4) !== numbers.framesIn >>> 0) throw new TransportError('frame out of sequence')
    numbers.framesIn++
    return bytes.subarray(at + HEAD_BYTES, end)
  },

  wantsQuickAck: () => false,
  headBytes: () => HEAD_BYTES,
  tailBytes: () => CRC_BYTES,

  finish(frame, _payloadBytes, numbers) {
    const end = frame.length - CRC_BYTES
    frame.writeUInt32LE(frame.length, 0)
    frame.writeUInt32LE(numbers.framesOut++ >>> 0, 4)
    frame.writeUInt32LE(crc32(frame.subarray(0, end)), end)
  },

  quickAck: () => undefined,
}

let table: Uint32Array | undefined

/** CRC-32 of zlib; Node's own from 20.15 on. */
export const crc32: (bytes: Uint8Array) => number = (zlib as { crc32?: (bytes: Uint8Array) => number }).crc32 ?? crc32Js

export function crc32Js(bytes: Uint8Array): number {
  table ??= crcTable()
  let crc = 0xffffffff
  for (let i = 0; i < bytes.length; i++) crc = table[(crc ^ bytes[i]!) & 255]! ^ (crc >>> 8)
  return (crc ^ 0xffffffff) >>> 0
}

function crcTable(): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, byte) => {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? 0xedb88320 ^ (crc >>> 1) : crc >>> 1
    return crc
  })
}

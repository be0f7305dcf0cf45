/**
 * The head that a proxy puts before a client's first byte: the PROXY protocol, version 2 (binary) and 1 (text).
 *
 * @see https://www.haproxy.org/download/2.6/doc/proxy-protocol.txt
 */
import { isIP } from 'node:net'
import { plainAddress } from './client-address.js'

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
const FIXED_BYTES = 16
/** Addresses and what proxies add to them; the protocol allows 64 KiB, which nobody needs. */
const MAX_V2_BYTES = 4096
const MAX_V1_BYTES = 107
const V1_START = Buffer.from('PROXY ', 'latin1')
const V1_LINE = /^PROXY (?:UNKNOWN(?: .*)?|(TCP[46]) (\S+) (\S+) (\d{1,5}) (\d{1,5}))$/

export interface ProxyHeader {
  /** What it takes of the stream. */
  readonly bytes: number
  /** Undefined: the proxy speaks for itself, as in a health check. */
  readonly address: string | undefined
}

/** What stands at the beginning of a proxy's connection is no header. */
export class ProxyHeaderError extends Error {
  constructor(reason: string) {
    super(reason)
    this.name = 'ProxyHeaderError'
  }
}

/** The header that `bytes` begin with; undefined while more has to come. Throws a ProxyHeaderError. */
export function readProxyHeader(bytes: Buffer): ProxyHeader | undefined {
  if (startsLike(bytes, SIGNATURE)) return readV2(bytes)
  if (startsLike(bytes, V1_START)) return readV1(bytes)
  throw new ProxyHeaderError('no PROXY header')
}

function startsLike(bytes: Buffer, start: Buffer): boolean {
  const length = Math.min(bytes.length, start.length)
  return bytes.compare(start, 0, length, 0, length) === 0
}

function readV2(bytes: Buffer): ProxyHeader | undefined {
  if (bytes.length < FIXED_BYTES) return undefined
  const command = bytes.readUInt8(12)
  const length = bytes.readUInt16BE(14)
  if (command !== 0x20 && command !== 0x21) throw new ProxyHeaderError('unknown version or command')
  const end = FIXED_BYTES + length
  if (end > MAX_V2_BYTES) throw new ProxyHeaderError('the header is too long')
  const addressBytes = command === 0x21 ? addressBytesOf(bytes.readUInt8(13)) : 0
  if (length < addressBytes * 2 + (addressBytes > 0 ? 4 : 0)) throw new ProxyHeaderError('the header is too short')
  if (bytes.length < end) return undefined
  const source = bytes.subarray(FIXED_BYTES, FIXED_BYTES + addressBytes)
  return { bytes: end, address: addressBytes === 0 ? undefined : textOf(source) }
}

function addressBytesOf(familyAndProtocol: number): number {
  if (familyAndProtocol === 0x11) return 4
  if (familyAndProtocol === 0x21) return 16
  if (familyAndProtocol === 0x00) return 0
  throw new ProxyHeaderError('neither IPv4 nor IPv6 over TCP')
}

function textOf(source: Buffer): string {
  if (source.length === 4) return source.join('.')
  const isMapped = source.readUInt32BE(0) === 0 && source.readUInt32BE(4) === 0 && source.readUInt32BE(8) === 0xffff
  if (isMapped) return source.subarray(12).join('.')
  return Array.from({ length: 8 }, (_, at) => source.readUInt16BE(at * 2).toString(16)).join(':')
}

function readV1(bytes: Buffer): ProxyHeader | undefined {
  const end = bytes.indexOf('\r\n')
  if (end < 0 && bytes.length < MAX_V1_BYTES) return undefined
  const line = end >= 0 && end <= MAX_V1_BYTES - 2 ? V1_LINE.exec(bytes.toString('latin1', 0, end)) : null
  if (!line) throw new ProxyHeaderError('the line of the header cannot be read')
  const [, family, source] = line
  if (family === undefined || source === undefined) return { bytes: end + 2, address: undefined }
  if (isIP(source) !== Number(family.at(-1))) throw new ProxyHeaderError('the line of the header names no address')
  return { bytes: end + 2, address: plainAddress(source) }
}

import { isIP } from 'node:net'

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')

/** The header of version 2 that a proxy sends for a client; without an address: for itself. */
export function headerV2(address: string | undefined, added: Buffer = Buffer.alloc(0)): Buffer {
  const source = address === undefined ? Buffer.alloc(0) : bytesOf(address)
  const ports = address === undefined ? Buffer.alloc(0) : Buffer.from([0x30, 0x39, 0x11, 0x4e])
  const block = Buffer.concat([source, Buffer.alloc(source.length, 1), ports, added])
  const head = Buffer.from([address === undefined ? 0x20 : 0x21, [0, 0x11, 0x21][Math.ceil(source.length / 12)]!, 0, 0])
  head.writeUInt16BE(block.length, 2)
  return Buffer.concat([SIGNATURE, head, block])
}

/** The same of version 1. */
export function headerV1(address: string): Buffer {
  const family = isIP(address)
  return Buffer.from(`PROXY TCP${family} ${address} ${family === 4 ? '192.0.2.1' : '2001:db8::9'} 12345 4430\r\n`)
}

function bytesOf(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number))
  const [, mapped] = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(address) ?? []
  if (mapped !== undefined) return Buffer.concat([Buffer.alloc(10), Buffer.from([0xff, 0xff]), bytesOf(mapped)])
  const [head = '', tail = ''] = address.split('::', 2)
  const front = head === '' ? [] : head.split(':')
  const back = tail === '' ? [] : tail.split(':')
  const groups = [...front, ...new Array<string>(8 - front.length - back.length).fill('0'), ...back]
  return Buffer.from(groups.map((group) => group.padStart(4, '0')).join(''), 'hex')
}

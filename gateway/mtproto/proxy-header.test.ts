import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readProxyHeader } from './proxy-header.js'
import { headerV1, headerV2 } from './test/proxy-headers.js'
import { TrustedProxies } from './trusted-proxies.js'

const stream = Buffer.from('efefef', 'hex')
const told = (header: Buffer) => readProxyHeader(Buffer.concat([header, stream]))

test('version 2 names a client of IPv4 and of IPv6, with whatever a proxy adds', () => {
  expect(told(headerV2('203.0.113.7'))).toEqual({ bytes: 28, address: '203.0.113.7' })
  expect(told(headerV2('2001:db8::1'))).toEqual({ bytes: 52, address: '2001:db8:0:0:0:0:0:1' })
  expect(told(headerV2('::ffff:203.0.113.7'))).toEqual({ bytes: 52, address: '203.0.113.7' })
  expect(told(headerV2('203.0.113.7', Buffer.alloc(40, 4)))).toEqual({ bytes: 68, address: '203.0.113.7' })
})

test('version 1 names one, too', () => {
  expect(told(headerV1('203.0.113.7'))).toEqual({ bytes: headerV1('203.0.113.7').length, address: '203.0.113.7' })
  expect(told(headerV1('2001:db8::1'))?.address).toBe('2001:db8::1')
})

test('a proxy may speak for itself', () => {
  expect(told(headerV2(undefined))).toEqual({ bytes: 16, address: undefined })
  const unspecified = Buffer.from([...headerV2(undefined)])
  unspecified[12] = 0x21
  expect(told(unspecified)).toEqual({ bytes: 16, address: undefined })
  expect(told(Buffer.from('PROXY UNKNOWN\r\n'))).toEqual({ bytes: 15, address: undefined })
  expect(told(Buffer.from('PROXY UNKNOWN 1.2.3.4 5.6.7.8 1 2\r\n'))?.address).toBeUndefined()
})

test('anything less than a whole header asks for more', () => {
  for (const header of [headerV2('203.0.113.7'), headerV2('2001:db8::1'), headerV1('203.0.113.7')])
    for (let length = 0; length < header.length; length++)
      expect(readProxyHeader(header.subarray(0, length))).toBeUndefined()
})

test('what is no header is refused', () => {
  const wrong = (change: (header: Buffer) => void) => {
    const header = headerV2('203.0.113.7')
    change(header)
    return header
  }
  const broken = [
    Buffer.from([0xef]),
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    wrong((header) => header.writeUInt8(0x11, 12)),
    wrong((header) => header.writeUInt8(0x22, 12)),
    wrong((header) => header.writeUInt8(0x31, 13)),
    wrong((header) => header.writeUInt8(0x12, 13)),
    wrong((header) => header.writeUInt16BE(11, 14)),
    wrong((header) => header.writeUInt16BE(65_000, 14)),
    Buffer.from('PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n'),
    Buffer.from('PROXY TCP4 2001:db8::1 5.6.7.8 1 2\r\n'),
    Buffer.from('PROXY TCP6 1.2.3.4 5.6.7.8 1 2\r\n'),
    Buffer.from('PROXY TCP4 1.2.3.999 5.6.7.8 1 2\r\n'),
    Buffer.from(`PROXY UNKNOWN ${'x'.repeat(120)}`),
    Buffer.from(`PROXY UNKNOWN ${'x'.repeat(100)}\r\n`),
  ]
  for (const bytes of broken) expect(() => readProxyHeader(bytes), bytes.toString('hex')).toThrow()
})

test('no bytes do anything but give a header, ask for more or be refused', () => {
  const start = fc.constantFrom('', '\r\n\r\n\0\r\nQUIT\n', '\r\n\r\n\0\r\nQUIT\n!\x11\0', 'PROXY ', 'PROXY TCP4 ')
  fc.assert(
    fc.property(start, fc.uint8Array({ maxLength: 300 }), (head, tail) => {
      const bytes = Buffer.concat([Buffer.from(head, 'latin1'), tail])
      try {
        const header = readProxyHeader(bytes)
        if (header) expect(header.bytes).toBeLessThanOrEqual(bytes.length)
      } catch (error) {
        expect((error as Error).name).toBe('ProxyHeaderError')
      }
    }),
    { numRuns: 2000 },
  )
})

test('only those named are believed', () => {
  const proxies = new TrustedProxies(['10.0.0.5', '10.1.0.0/16', '2001:db8:1::/48'])
  for (const address of ['10.0.0.5', '10.1.200.7', '2001:db8:1:2::3', '2001:0db8:0001:0002:0000:0000:0000:0003'])
    expect(proxies.has(address), address).toBe(true)
  for (const address of ['10.0.0.6', '10.2.0.1', '2001:db8:2::1', 'fe80::1%eth0', '127.0.0.1'])
    expect(proxies.has(address), address).toBe(false)
  expect(new TrustedProxies([]).has('127.0.0.1')).toBe(false)
  for (const wrong of ['', 'proxy', '10.0.0.0/33', '10.0.0.0/x', '10.0.0.0/', '2001:db8::/129', '10.0.0.0/8/8'])
    expect(() => new TrustedProxies([wrong]), wrong).toThrow(RangeError)
})

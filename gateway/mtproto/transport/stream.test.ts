import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ByteBudget } from '../byte-budget.js'
import { StreamClient } from '../test/stream-client.js'
import { systemRandom } from '../test/system-random.js'
import type { FramingName } from './framing.js'
import { crc32, crc32Js } from './full.js'
import { StreamTransport } from './stream.js'

const MAX_FRAME_BYTES = 1 << 20
const modes: [FramingName, boolean][] = [
  ['abridged', false],
  ['intermediate', false],
  ['padded', false],
  ['full', false],
  ['abridged', true],
  ['intermediate', true],
  ['padded', true],
]

function open() {
  const budget = new ByteBudget(Number.MAX_SAFE_INTEGER)
  const stream = new StreamTransport(MAX_FRAME_BYTES, budget)
  const packets: Buffer[] = []
  const sink = {
    onPacket(packet: Buffer) {
      packets.push(Buffer.from(packet))
      return true
    },
  }
  return { budget, stream, packets, feed: (bytes: Buffer) => stream.feed(bytes, sink) }
}

/** What a padded transport leaves behind the packet is not the transport's to remove. */
function expectPackets(received: Buffer[], sent: Buffer[]) {
  expect(received.length).toBe(sent.length)
  received.forEach((packet, i) => {
    if (!packet.subarray(0, sent[i]!.length).equals(sent[i]!)) throw new Error(`packet ${i} differs`)
    expect(packet.length - sent[i]!.length).toBeLessThan(16)
  })
}

describe.each(modes)('%s, obfuscated: %s', (framing, obfuscated) => {
  test('packets survive a stream that is split at any byte (invariant 2), and nothing is held between them (1)', () => {
    const sent = [8, 40, 508, 512].map((bytes) => randomBytes(bytes))
    const client = new StreamClient(framing, obfuscated)
    const bytes = Buffer.concat(sent.map((packet) => client.encode(packet)))
    for (let cut = 0; cut <= bytes.length; cut++) {
      const { budget, packets, feed } = open()
      feed(bytes.subarray(0, cut))
      if (cut < bytes.length) feed(bytes.subarray(cut))
      expectPackets(packets, sent)
      expect(budget.held).toBe(0)
    }
  })

  test('packets survive arriving byte by byte', () => {
    const sent = [64, 4, 600].map((bytes) => randomBytes(bytes))
    const client = new StreamClient(framing, obfuscated)
    const { packets, feed, budget } = open()
    for (const packet of sent) for (const byte of client.encode(packet)) feed(Buffer.from([byte]))
    expectPackets(packets, sent)
    expect(budget.held).toBe(0)
  })

  test('a client reads what the server frames, small and large', () => {
    const client = new StreamClient(framing, obfuscated)
    const { stream, feed } = open()
    feed(client.encode(randomBytes(40)))
    const sent = [8, 500, 504, 512, 70_000].map((bytes) => randomBytes(bytes))
    expectPackets(client.decode(Buffer.concat(sent.map((packet) => stream.frame(packet, systemRandom)))), sent)
  })

  test('a transport error is four bytes', () => {
    const client = new StreamClient(framing, obfuscated)
    const { stream, feed } = open()
    feed(client.encode(randomBytes(40)))
    const error = stream.error(404, systemRandom)
    const packet = framing === 'full' ? error : client.decode(error)[0]!
    expect(packet.readInt32LE()).toBe(-404)
  })
})

test('a frame beyond the limit is refused when its length is known, before it is stored', () => {
  const { feed, budget } = open()
  const head = Buffer.from('eeeeeeee00000000', 'hex')
  head.writeUInt32LE(MAX_FRAME_BYTES + 1, 4)
  expect(() => feed(head)).toThrow(/frame of/)
  expect(budget.held).toBe(0)
})

test('a partial frame holds at most twice what has arrived (invariant 1)', () => {
  const { feed, budget } = open()
  const head = Buffer.from('eeeeeeee00000000', 'hex')
  head.writeUInt32LE(MAX_FRAME_BYTES - 4, 4)
  feed(head)
  let arrived = 4
  for (let i = 0; i < 500; i++) {
    feed(randomBytes(1000))
    arrived += 1000
    expect(budget.held).toBeLessThanOrEqual(Math.max(64, arrived * 2))
  }
})

test('a large frame in one-byte pieces takes time in proportion to its size (invariant 2)', () => {
  const { packets, feed } = open()
  const packet = randomBytes(300_000)
  const byte = Buffer.alloc(1)
  const started = process.cpuUsage()
  for (const value of new StreamClient('intermediate', false).encode(packet)) {
    byte[0] = value
    feed(byte)
  }
  expect(packets).toEqual([packet])
  // Copying the whole for each piece would move 45 GB.
  expect(process.cpuUsage(started).user).toBeLessThan(3_000_000)
})

test('full refuses a damaged frame and one out of sequence', () => {
  const client = new StreamClient('full', false)
  const damaged = client.encode(randomBytes(40))
  damaged[20]! ^= 1
  expect(() => open().feed(damaged)).toThrow(/checksum/)
  const { feed } = open()
  const frame = new StreamClient('full', false).encode(randomBytes(40))
  feed(frame)
  expect(() => feed(frame)).toThrow(/sequence/)
})

test('abridged and intermediate tell a wish for a quick acknowledgement, and its answer starts with a set bit', () => {
  for (const [bytes, first] of [
    [Buffer.from('ef8211111111', 'hex'), 0],
    [Buffer.from('eeeeeeee08000080', 'hex'), 3],
  ] as const) {
    const stream = new StreamTransport(MAX_FRAME_BYTES, new ByteBudget(1 << 20))
    const asked: boolean[] = []
    const sink = {
      onPacket(_packet: Buffer, wantsQuickAck: boolean) {
        asked.push(wantsQuickAck)
        return true
      },
    }
    stream.feed(Buffer.concat([bytes, Buffer.alloc(8, 0x11)]).subarray(0, bytes[0] === 0xef ? 10 : 16), sink)
    expect(asked).toEqual([true])
    expect(stream.quickAck(0x80000001)![first]! & 0x80).toBe(0x80)
  }
})

test('browsers, scanners and TLS clients are refused at their first word', () => {
  for (const text of ['GET / HTTP/1.1\r\n', 'POST / HTTP/1.1', '\x16\x03\x01\x02\x00\x01\x00']) {
    expect(() => open().feed(Buffer.from(text, 'latin1'))).toThrow()
  }
})

test('any bytes in any pieces end in packets, a wait or a TransportError, and hold no more than they are', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 20 }), (pieces) => {
      const { feed, budget } = open()
      let arrived = 0
      try {
        for (const piece of pieces) {
          arrived += piece.length
          feed(Buffer.from(piece))
        }
      } catch (error) {
        expect((error as Error).name).toBe('TransportError')
      }
      expect(budget.held).toBeLessThanOrEqual(Math.max(64, arrived * 2))
    }),
    { numRuns: 2000 },
  )
})

test('both CRC-32 agree', () => {
  for (const bytes of [0, 1, 7, 1000]) {
    const data = randomBytes(bytes)
    expect(crc32Js(data)).toBe(crc32(data))
  }
})

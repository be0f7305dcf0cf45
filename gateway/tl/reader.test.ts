import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  NEWEST_LAYER,
  readObject,
  TlError,
  type TlErrorCode,
  TlReader,
  TlWriter,
  type tl,
  writeObject,
} from './index.js'
import { RandomObjects } from './test/random-objects.js'
import { isInLayer, readHistory } from './test/shapes.js'

const GZIP_PACKED = [0xa1, 0xcf, 0x72, 0x30]

function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(' ', ''), 'hex')
}

function codeOf(action: () => unknown): TlErrorCode | 'no error' {
  try {
    action()
    return 'no error'
  } catch (error) {
    if (error instanceof TlError) return error.code
    throw error
  }
}

/** A gzip_packed of `content`. */
function packed(content: Buffer): Buffer {
  const writer = new TlWriter(NEWEST_LAYER)
  writer.raw(Buffer.from(GZIP_PACKED))
  writer.bytesValue(gzipSync(content))
  return writer.finish()
}

const ping = writeObject(NEWEST_LAYER, { _: 'mt_ping', pingId: '12345678' as tl.RawInputUser['accessHash'] })

describe('reading', () => {
  it('starts at the offset and leaves what follows alone', () => {
    const bytes = Buffer.concat([Buffer.alloc(5, 255), ping, Buffer.alloc(9, 255)])
    expect(readObject(bytes, 5)).toEqual({ _: 'mt_ping', pingId: '12345678' })
    expect(readObject(new Uint8Array(ping))).toEqual({ _: 'mt_ping', pingId: '12345678' })
  })

  it('has no key for a flag that is not set', () => {
    const peer = { _: 'inputPeerSelf' } as const
    const request: tl.TlObject = {
      _: 'messages.getHistory',
      peer,
      ...zeroes,
      hash: '12345678' as tl.RawInputUser['accessHash'],
    }
    expect(Object.keys(readObject(writeObject(NEWEST_LAYER, { _: 'channelForbidden', ...channel })))).toEqual([
      '_',
      'id',
      'accessHash',
      'title',
    ])
    expect(readObject(writeObject(NEWEST_LAYER, request))).toEqual(request)
  })

  const zeroes = { offsetId: 0, offsetDate: 0, addOffset: 0, limit: 0, maxId: 0, minId: 0 }
  const channel = { id: 1, accessHash: '12345678' as tl.RawInputUser['accessHash'], title: '', broadcast: false }

  it('refuses what is cut off anywhere', () => {
    for (let size = 0; size < ping.length; size++) {
      expect(codeOf(() => readObject(ping.subarray(0, size)))).toBe('TRUNCATED')
    }
  })

  it('refuses constructors that nobody knows, and ones of another type than the field', () => {
    expect(codeOf(() => readObject(hex('78563412')))).toBe('UNKNOWN_CONSTRUCTOR')
    // users.getUsers with a Bool, a Peer and a vector where an InputUser belongs
    for (const wrong of ['b5757299', '22175159 0100000000000000', '15c4b51c 00000000']) {
      expect(codeOf(() => readObject(hex(`48a5910d 15c4b51c 01000000 ${wrong}`)))).toBe('UNKNOWN_CONSTRUCTOR')
    }
    expect(codeOf(() => readObject(hex('48a5910d b5757299')))).toBe('INVALID_VALUE')
  })

  it('takes only calls where a call is wrapped', () => {
    expect(readObject(Buffer.concat([hex('0d0d9bda c6000000'), hex('6b18f9c4')]))).toEqual({
      _: 'invokeWithLayer',
      layer: 198,
      query: { _: 'help.getConfig' },
    })
    expect(codeOf(() => readObject(Buffer.concat([hex('0d0d9bda c6000000'), hex('ea183b7f')])))).toBe(
      'UNKNOWN_CONSTRUCTOR',
    )
  })

  it('refuses a vector longer than its bytes, numbers beyond 53 bits, bad Bools and bad lengths', () => {
    expect(codeOf(() => readObject(hex('48a5910d 15c4b51c ffffffff')))).toBe('TRUNCATED')
    expect(codeOf(() => readObject(hex('48a5910d 15c4b51c 02000000 3fb1c1f7')))).toBe('TRUNCATED')
    expect(codeOf(() => readObject(hex('ffff1111 00')))).toBe('UNKNOWN_CONSTRUCTOR')
    expect(codeOf(() => new TlReader(hex('0000000000002000')).int53())).toBe('INVALID_VALUE')
    expect(new TlReader(hex('ffffffffffff1f00')).int53()).toBe(Number.MAX_SAFE_INTEGER)
    expect(codeOf(() => new TlReader(hex('00000000')).boolean())).toBe('INVALID_VALUE')
    expect(codeOf(() => new TlReader(hex('ff000000')).string())).toBe('INVALID_VALUE')
    expect(codeOf(() => new TlReader(hex('feffffff')).bytesValue())).toBe('TRUNCATED')
    expect(codeOf(() => new TlReader(hex('01')).string())).toBe('TRUNCATED')
    expect(codeOf(() => new TlReader(hex('0000')).string())).toBe('TRUNCATED')
    expect(codeOf(() => new TlReader(ping).raw(-1))).toBe('INVALID_VALUE')
  })

  it('pads after the length as it was written: some write three bytes of it where one would do', () => {
    for (const size of [0, 1, 2, 3, 4, 253, 254, 255]) {
      const content = Buffer.alloc(size, 'x')
      const padding = Buffer.alloc(-size & 3)
      const long = Buffer.concat([Buffer.from([254, size, 0, 0]), content, padding, hex('0d f0 ad 0b')])
      const bytes = new TlReader(long)
      expect(bytes.bytesValue().equals(content)).toBe(true)
      expect([bytes.int(), bytes.remaining]).toEqual([0x0badf00d, 0])
      const text = new TlReader(Buffer.concat([Buffer.alloc(4), long]), 4)
      expect(text.string()).toBe('x'.repeat(size))
      expect([text.int(), text.remaining]).toEqual([0x0badf00d, 0])
    }
  })

  it('refuses more elements of vectors than it may, also inside of gzip_packed', () => {
    const id = [{ _: 'inputUserSelf' }, { _: 'inputUserSelf' }, { _: 'inputUserSelf' }] as const
    const bytes = writeObject(NEWEST_LAYER, { _: 'users.getUsers', id: [...id] })
    const limits = { maxDepth: 8, maxInflatedBytes: 1000 }
    for (const input of [bytes, packed(bytes)]) {
      expect(new TlReader(input, 0, { ...limits, maxElements: 3 }).object()).toMatchObject({ _: 'users.getUsers' })
      expect(codeOf(() => new TlReader(input, 0, { ...limits, maxElements: 2 }).object())).toBe('LIMIT')
    }
  })

  it('refuses objects nested too deep', () => {
    const wrap = hex('0d0d9bda c6000000')
    const call = (depth: number) => Buffer.concat([...Array.from({ length: depth }, () => wrap), hex('6b18f9c4')])
    expect(readObject(call(60))).toMatchObject({ _: 'invokeWithLayer' })
    expect(codeOf(() => readObject(call(64)))).toBe('LIMIT')
    expect(codeOf(() => readObject(call(10_000)))).toBe('LIMIT')
  })
})

describe('gzip_packed', () => {
  it('is read through, once', () => {
    expect(readObject(packed(ping))).toEqual({ _: 'mt_ping', pingId: '12345678' })
    expect(codeOf(() => readObject(packed(packed(ping))))).toBe('LIMIT')
  })

  it('counts its depth', () => {
    const wrap = hex('0d0d9bda c6000000')
    const wraps = Buffer.concat(Array.from({ length: 40 }, () => wrap))
    const inner = Buffer.concat([wraps, hex('6b18f9c4')])
    expect(readObject(packed(inner))).toMatchObject({ _: 'invokeWithLayer' })
    expect(codeOf(() => readObject(Buffer.concat([wraps, packed(inner)])))).toBe('LIMIT')
  })

  it('inflates to no more than the limit, in all', () => {
    const bomb = packed(Buffer.alloc(64 * 1024 * 1024))
    expect(bomb.length).toBeLessThan(70_000)
    expect(codeOf(() => readObject(bomb))).toBe('LIMIT')
    const limits = { maxDepth: 8, maxInflatedBytes: 30 }
    const reader = new TlReader(Buffer.concat([packed(ping), packed(ping), packed(ping)]), 0, limits)
    reader.object()
    reader.object()
    expect(codeOf(() => reader.object())).toBe('LIMIT')
  })

  it('is refused when damaged', () => {
    for (const content of ['00000000', '04deadbe ef000000', '021f8b00']) {
      expect(codeOf(() => readObject(Buffer.concat([Buffer.from(GZIP_PACKED), hex(content)])))).toBe('INVALID_VALUE')
    }
  })
})

describe('bytes of a stranger', () => {
  const shapes = readHistory().filter((shape) => isInLayer(shape, NEWEST_LAYER))
  const objects = new RandomObjects(shapes)

  /** Objects, values and characters, as a measure of what reading has allocated; valueless flags are counted apart. */
  function sizeOf(value: unknown): number {
    if (value === true) return 0
    if (typeof value === 'string') return value.length
    if (value instanceof Uint8Array || typeof value !== 'object' || value === null) return 1
    return Object.entries(value).reduce((sum, [key, inner]) => (key === '_' ? sum : sum + sizeOf(inner)), 1)
  }

  function readsOrRefuses(bytes: Buffer): void {
    try {
      expect(sizeOf(readObject(bytes))).toBeLessThanOrEqual(bytes.length)
    } catch (error) {
      if (!(error instanceof TlError)) throw error
    }
  }

  it('give an object or a TlError: random ones behind every id', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat(shapes.length - 1), (tail, index) => {
        const bytes = Buffer.concat([Buffer.alloc(4), tail])
        bytes.writeUInt32LE(shapes[index]!.id)
        readsOrRefuses(bytes)
        readsOrRefuses(Buffer.from(tail))
      }),
      { numRuns: 5000 },
    )
  })

  it('give an object or a TlError: valid ones, cut off or changed at any place', () => {
    const change = fc.record({ at: fc.nat(), to: fc.constantFrom(0, 1, 127, 128, 253, 254, 255) })
    fc.assert(
      fc.property(fc.integer(), fc.array(change, { maxLength: 4 }), fc.nat(), (seed, changes, cut) => {
        const shape = shapes[(seed >>> 0) % shapes.length]!
        const bytes = writeObject(NEWEST_LAYER, objects.object(shape, seed) as tl.TlObject)
        for (const { at, to } of changes) bytes[at % bytes.length] = to
        readsOrRefuses(bytes)
        readsOrRefuses(bytes.subarray(0, cut % bytes.length))
      }),
      { numRuns: 5000 },
    )
  })
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { crossed, decode, decodeError, deepFrozen, encode, encodeError, roughBytes } from './codec.js'
import { ActorError, errorCode } from './index.js'

describe('the codec', () => {
  test('gives back what it was given', () => {
    // -0 comes back as 0, which nothing here tells apart.
    const leaf = fc.oneof(
      fc.string(),
      fc.integer(),
      fc.maxSafeInteger().map((n) => n + 0),
      fc.double({ noNaN: true }).map((n) => n + 0),
      fc.boolean(),
      fc.constant(null),
      fc.constant(undefined),
      fc.date({ noInvalidDate: true }),
      fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    )
    const { value } = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        leaf,
        fc.array(tie('value')),
        fc.dictionary(
          fc.string().filter((key) => key !== '__proto__'),
          tie('value'),
        ),
        fc.array(fc.tuple(fc.oneof(fc.string(), fc.integer()), tie('value'))).map((pairs) => new Map(pairs)),
        fc.array(fc.oneof(fc.string(), fc.integer())).map((items) => new Set(items)),
      ),
    }))
    fc.assert(
      fc.property(value, (given) => {
        expect(crossed(given)).toEqual(given)
      }),
    )
  })

  test('shares no memory with the bytes that it read', () => {
    const bytes = encode({ body: Buffer.from('hello') })
    const { body } = decode(bytes) as { body: Buffer }
    bytes.fill(0)
    expect(body.toString()).toBe('hello')
  })

  test('cannot be made to change prototypes', () => {
    const sent = decode(encode(JSON.parse('{"__proto__":{"isAdmin":true}}'))) as { isAdmin?: boolean }
    expect(sent.isAdmin).toBeUndefined()
    expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined()
  })

  test('answers bytes that it never made with CORRUPT or a value, never with anything else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        try {
          decode(bytes)
        } catch (error) {
          expect(errorCode(error)).toBe('CORRUPT')
        }
      }),
      { numRuns: 2_000 },
    )
  })

  test('carries errors with code, message and details; others as INTERNAL', () => {
    const refused = new ActorError('REFUSED', 'no', { reason: 'NO' }, new Error('kept here'))
    const carried = decodeError(encodeError(refused))
    expect([carried.code, carried.message, carried.details, carried.cause]).toEqual([
      'REFUSED',
      'no',
      { reason: 'NO' },
      undefined,
    ])
    expect(decodeError(encodeError(new TypeError('a bug'))).code).toBe('INTERNAL')
  })
})

test('deepFrozen freezes members of lists, records, Maps and Sets, and leaves byte arrays alone', () => {
  const value = { list: [{}], map: new Map([[{}, {}]]), set: new Set([{}]), bytes: Buffer.from('x') }
  deepFrozen(value)
  const members = [value, value.list, value.list[0], ...value.map.keys(), ...value.map.values(), ...value.set]
  expect(members.every((member) => Object.isFrozen(member))).toBe(true)
  value.bytes[0] = 1
})

test('roughBytes sees large strings and byte arrays, and looks at large lists for a moment only', () => {
  expect(roughBytes([{ body: Buffer.alloc(50_000) }])).toBeGreaterThan(50_000)
  expect(roughBytes(['x'.repeat(10_000)])).toBeGreaterThan(10_000)
  expect(roughBytes(Array(1_000_000).fill('0123456789'))).toBeGreaterThan(10_000_000)
  const cycle: unknown[] = []
  cycle.push(cycle)
  expect(roughBytes(cycle)).toBeLessThan(1_000)
})

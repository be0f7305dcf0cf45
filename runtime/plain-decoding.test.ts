import fc from 'fast-check'
import { expect, test } from 'vitest'
import { errorCode } from './errors.js'
import { PlainReader } from './plain-decoding.js'
import { MOST_PLAIN_BYTES, writePlain } from './plain-encoding.js'

const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.integer(),
    fc.integer({ min: -70_000, max: 70_000 }),
    fc.integer({ min: -300, max: 300 }),
    fc.maxSafeInteger(),
    fc.double().filter((each) => !Object.is(each, -0)),
    fc.boolean(),
    fc.constant(null),
    fc.constant(undefined),
    fc.string({ unit: 'binary-ascii', maxLength: 260 }),
    fc.array(tie('value'), { maxLength: 16 }),
  ),
}))

test('what was written is read as it was, to its last byte', () => {
  const bytes = Buffer.alloc(MOST_PLAIN_BYTES + 10)
  fc.assert(
    fc.property(value, fc.nat(10), (given, from) => {
      const to = writePlain(given, bytes, from)
      if (to < 0) return
      const reader = new PlainReader(bytes, from)
      expect(reader.value()).toEqual(given)
      expect(reader.at).toBe(to)
    }),
    { numRuns: 2_000 },
  )
})

test('P1: any bytes are a value within them, or CORRUPT', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      const reader = new PlainReader(bytes)
      try {
        reader.value()
      } catch (error) {
        expect(errorCode(error)).toBe('CORRUPT')
      }
      expect(reader.at).toBeLessThanOrEqual(bytes.length)
    }),
    { numRuns: 5_000 },
  )
  expect(() => new PlainReader(Buffer.alloc(100_000, 0x91)).value()).toThrow(/too deep/)
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  isLong,
  longFromBigInt,
  longFromBuffer,
  longFromInts,
  longFromNumber,
  longHigh,
  longLow,
  longToBigInt,
  longToBuffer,
  longToHex,
  randomLong,
  ZERO_LONG,
} from './index.js'

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })

describe('Long', () => {
  it('holds every signed 64-bit number, in the bytes that travel', () => {
    fc.assert(
      fc.property(int64, (value) => {
        const long = longFromBigInt(value)
        expect(longToBigInt(long)).toBe(value)
        expect(longToBuffer(long).readBigInt64LE()).toBe(value)
        expect(longFromBuffer(longToBuffer(long))).toBe(long)
        expect(longFromInts(longLow(long), longHigh(long))).toBe(long)
        expect(longToHex(long)).toBe(BigInt.asUintN(64, value).toString(16).padStart(16, '0'))
        expect(isLong(long)).toBe(true)
      }),
    )
  })

  it('takes exact whole numbers and refuses others', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        expect(longToBigInt(longFromNumber(value))).toBe(BigInt(value))
      }),
    )
    expect(longFromNumber(0)).toBe(ZERO_LONG)
    expect(() => longFromNumber(2 ** 53)).toThrow(RangeError)
    expect(() => longFromNumber(1.5)).toThrow(RangeError)
  })

  it('knows a long from another value', () => {
    for (const value of ['', '1234567', '123456789', '1234567\u0100', 8, undefined, null])
      expect(isLong(value)).toBe(false)
    expect(() => longFromBuffer(new Uint8Array(7))).toThrow(RangeError)
  })

  it('takes its randomness from outside', () => {
    expect(randomLong({ bytes: (count) => Buffer.alloc(count, 1) })).toBe('\u0001'.repeat(8))
  })
})

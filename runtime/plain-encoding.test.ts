import fc from 'fast-check'
import { Packr } from 'msgpackr'
import { describe, expect, test } from 'vitest'
import { decode } from './codec.js'
import { encodePlain } from './plain-encoding.js'

const packr = new Packr({ useRecords: true, moreTypes: true, copyBuffers: true })

const leaf = fc.oneof(
  fc.integer(),
  fc.integer({ min: -70_000, max: 70_000 }),
  fc.integer({ min: -300, max: 300 }),
  fc.maxSafeInteger(),
  fc.double(),
  fc.boolean(),
  fc.constant(null),
  fc.constant(undefined),
  fc.string({ maxLength: 40 }),
  fc.string({ unit: 'binary-ascii', maxLength: 300 }),
)
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof({ depthSize: 'small' }, leaf, fc.array(tie('value'), { maxLength: 20 })),
}))

describe('encodePlain', () => {
  test('gives the bytes that msgpackr gives, or nothing', () => {
    fc.assert(
      fc.property(value, (given) => {
        const bytes = encodePlain(given)
        if (bytes !== undefined) expect(Buffer.from(bytes)).toEqual(Buffer.from(packr.pack(given)))
      }),
      { numRuns: 1_000 },
    )
  })

  test('takes what facts and rows mostly are', () => {
    const fact = [1, ['p:1024:2049', 70_000, 1024, 1_790_000_000_123, 3, 'r00ff00ff00ff00ff']]
    expect(decode(encodePlain(fact)!)).toEqual(fact)
  })

  test('leaves all else alone', () => {
    for (const other of [
      {},
      new Map(),
      Buffer.of(1),
      1n,
      'é',
      'x'.repeat(256),
      Array(16).fill(0),
      [['x'.repeat(255)], {}],
    ]) {
      expect(encodePlain(other)).toBeUndefined()
    }
    expect(encodePlain(Array(15).fill('x'.repeat(100)))).toBeUndefined()
  })

  test('what it gave stays as it is', () => {
    const numbers = Array.from({ length: 5_000 }, (_, i) => i)
    const all = numbers.map((number) => encodePlain(['some text', number])!)
    expect(all.map((bytes) => decode(bytes))).toEqual(numbers.map((number) => ['some text', number]))
  })
})

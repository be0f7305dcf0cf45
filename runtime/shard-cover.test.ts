import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ShardRange } from './journal-store.js'
import { among, covering } from './shard-cover.js'

const shards = fc.uniqueArray(fc.integer({ min: 0, max: 3_000 }), { maxLength: 80 })
const single = (numbers: readonly number[]): ShardRange[] => numbers.map((shard) => ({ from: shard, to: shard }))

test('covers hold every shard once, in order, and few others', () => {
  fc.assert(
    fc.property(shards, (wanted) => {
      const covers = covering(single(wanted))
      const held = covers.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, at) => from + at))
      expect(held).toEqual([...new Set(held)].sort((a, b) => a - b))
      expect(wanted.filter((shard) => !held.includes(shard))).toEqual([])
      expect(held.length).toBeLessThanOrEqual(33 * wanted.length)
      for (const { from, to } of covers) expect(wanted).toEqual(expect.arrayContaining([from, to]))
    }),
  )
})

test('shards that lie near each other are one range, however many', () => {
  const every3rd = Array.from({ length: 1_000 }, (_, nth) => nth * 3)
  expect(covering(single(every3rd))).toEqual([{ from: 0, to: 2_997 }])
  expect(covering([{ from: 0, to: 1_000 }])).toEqual([{ from: 0, to: 1_000 }])
  expect(covering(single([5, 2_000]))).toEqual(single([5, 2_000]))
})

test('among knows its shards', () => {
  const has = among([
    { from: 2, to: 4 },
    { from: 9, to: 9 },
  ])
  expect([1, 2, 4, 5, 9].map(has)).toEqual([false, true, true, false, true])
})

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { errorCode, systemClock } from '../../runtime/index.js'
import { noLog, SeededRandom } from '../../runtime/testing/index.js'
import type { KvOperation, OrderedKv } from '../ports/ordered-kv.js'
import { SimulatedDisk } from '../simulated/simulated-disk.js'
import { SimulatedKv } from '../simulated/simulated-kv.js'
import { EagerClock } from '../testing/eager-clock.js'
import { openLmdbKv } from './lmdb-kv.js'

const bytes = (...values: number[]) => Buffer.from(values)
const put = (key: Buffer, size = 1): KvOperation => ({ key, value: Buffer.alloc(size, key[0]) })

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'heliograph-kv-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const openLmdb = (mapBytes = 64 * 1024 * 1024) =>
  openLmdbKv({ path: join(directory, 'data.mdb'), clock: systemClock, log: noLog, mapBytes })
const openSimulated = () => new SimulatedKv(new SimulatedDisk({ clock: new EagerClock(), random: new SeededRandom(3) }))
const drivers: [string, () => OrderedKv][] = [
  ['LMDB', openLmdb],
  ['a simulated disk', openSimulated],
]

describe.each(drivers)('OrderedKv on %s', (_, open) => {
  test('gets and ranges, both ways and with limits, against a model', async () => {
    const kv = open()
    const key = fc.uint8Array({ minLength: 1, maxLength: 3 }).map((each) => Buffer.from(each))
    const operation = fc.record({ key, value: fc.option(fc.uint8Array({ maxLength: 5 }), { nil: undefined }) })
    const question = fc.record({
      a: key,
      b: key,
      limit: fc.option(fc.nat({ max: 4 }), { nil: undefined }),
      reverse: fc.boolean(),
    })
    const model = new Map<string, Uint8Array>()
    const hex = (each: Uint8Array) => Buffer.from(each).toString('hex')
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 10 }), fc.array(question), async (batch, questions) => {
        await kv.write(batch)
        for (const each of batch) {
          if (each.value) model.set(hex(each.key), each.value)
          else model.delete(hex(each.key))
        }
        for (const { key: each } of batch) {
          const value = kv.get(each)
          expect(value && hex(value)).toBe(model.has(hex(each)) ? hex(model.get(hex(each))!) : undefined)
        }
        for (const { a, b, limit, reverse } of questions) {
          const [start, end] = Buffer.compare(a, b) <= 0 ? [a, b] : [b, a]
          const inside = [...model.keys()].filter((each) => each >= hex(start) && each < hex(end)).sort()
          const expected = (reverse ? inside.reverse() : inside).slice(0, limit ?? inside.length)
          const found = [...kv.range({ start, end, reverse, ...(limit !== undefined && { limit }) })]
          expect(found.map((pair) => hex(pair.key))).toEqual(expected)
          expect(found.map((pair) => hex(pair.value))).toEqual(expected.map((each) => hex(model.get(each)!)))
        }
      }),
      { numRuns: 60 },
    )
    await kv.close()
  })

  test('K2: of one key, what was given last stands, in a batch and among batches', async () => {
    const kv = open()
    const key = bytes(1)
    const given = [1, 2, 3, 4].map((value) =>
      kv.write([
        { key, value: undefined },
        { key, value: bytes(99) },
        { key, value: bytes(value) },
      ]),
    )
    await Promise.all(given)
    expect([...kv.get(key)!]).toEqual([4])
    await kv.close()
  })

  test('what was read stays as it was read', async () => {
    const kv = open()
    await kv.write([put(bytes(1), 5_000), put(bytes(2), 100_000)])
    const read = [
      kv.get(bytes(1))!,
      kv.get(bytes(2))!,
      ...[...kv.range({ start: bytes(0), end: bytes(9) })].map((pair) => pair.value),
    ]
    const before = read.map((each) => Buffer.from(each))
    await kv.write([
      { key: bytes(1), value: Buffer.alloc(5_000, 9) },
      { key: bytes(2), value: undefined },
    ])
    for (let i = 0; i < 50; i++) await kv.write([put(bytes(3, i), 5_000)])
    expect(read.map((each, i) => Buffer.compare(each, before[i]!))).toEqual([0, 0, 0, 0])
    await kv.close()
  })

  test('closing waits for what was written; afterwards nothing is taken', async () => {
    const kv = open()
    let isStored = false
    const writing = kv.write([put(bytes(1))]).then(() => {
      isStored = true
    })
    await kv.close()
    await writing
    expect(isStored).toBe(true)
    expect(await kv.write([put(bytes(2))]).catch((error: unknown) => errorCode(error))).toBe('STORE_UNAVAILABLE')
  })
})

describe('LMDB', () => {
  /** Both meta pages as they are in the file; the layout is LMDB's (lmdb.h, MDB_meta), which its files depend on. */
  function metaPages(): { transaction: number; isUnflushed: boolean }[] {
    const file = readFileSync(join(directory, 'data.mdb'))
    const pageHeaderBytes = 24
    const pageSize = file.readUInt32LE(pageHeaderBytes + 24)
    return [0, pageSize].map((page) => {
      const meta = page + pageHeaderBytes
      return {
        transaction: Number(file.readBigUInt64LE(meta + 128)),
        isUnflushed: (file.readUInt16LE(meta + 28) & 0x1000) !== 0,
      }
    })
  }

  test('K3: when a write resolves, the file names its transaction, and not as one that is still to be flushed', async () => {
    const kv = openLmdb()
    let last = 0
    for (let i = 0; i < 20; i++) {
      await kv.write([put(bytes(1, i), 10_000)])
      const metas = metaPages()
      const newest = Math.max(...metas.map(({ transaction }) => transaction))
      expect(newest).toBe(last === 0 ? newest : last + 1)
      expect(metas.map((meta) => meta.isUnflushed)).toEqual([false, false])
      last = newest
    }
    await kv.close()
  })

  test('the map grows by itself', async () => {
    const kv = openLmdb(1024 * 1024)
    for (let i = 0; i < 200; i++) await kv.write([put(bytes(1, i), 50_000)])
    const pairs = [...kv.range({ start: bytes(0), end: bytes(9) })]
    expect(pairs.map(({ value }) => value.length)).toEqual(Array(200).fill(50_000))
    await kv.close()
  })

  test('K5: writes at once share flushes', async () => {
    const kv = openLmdb()
    await Promise.all(Array.from({ length: 500 }, (_, i) => kv.write([put(bytes(1, i >> 8, i))])))
    expect(kv.counters.batches).toBe(500)
    expect(kv.counters.flushes).toBeLessThan(5)
    await kv.close()
  })
})

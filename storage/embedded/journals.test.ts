import { beforeEach, describe, expect, test } from 'vitest'
import { errorCode } from '../../runtime/index.js'
import { SeededRandom } from '../../runtime/testing/index.js'
import type { StorageProcess } from '../contract/harness.js'
import { actorNamed, commitOne, facts, follow, openNext, readAll, start } from '../contract/samples.js'
import { SimulatedDisk } from '../simulated/simulated-disk.js'
import { SimulatedKv } from '../simulated/simulated-kv.js'
import { EagerClock } from '../testing/eager-clock.js'
import { processOf } from '../testing/storage-process.js'
import { storageOn } from './embedded-storage.js'
import { actorText, endOfActorKey, positionKey, positionOf, space } from './keys.js'

/** The driver's own promises on a disk that fails, stalls or lies; the port's are in storage/contract/. */
const actor = actorNamed('a')
const text = actorText(actor)
let disk: SimulatedDisk
let kv: SimulatedKv
let process: StorageProcess

beforeEach(async () => {
  disk = new SimulatedDisk({ clock: new EagerClock(), random: new SeededRandom(7) })
  kv = new SimulatedKv(disk)
  process = processOf(await storageOn(kv, {}, async () => undefined))
})

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'acknowledged',
    (error: unknown) => errorCode(error),
  )

const snapshotAt = (pts: number) => ({
  snapshot: { position: { pts, ordinal: 0 }, version: 1, state: Buffer.from(`state ${pts}`) },
  rows: [],
  erased: [],
})

async function written(count: number) {
  const { journal } = await openNext(process, actor)
  for (let pts = 0; pts < count; pts++) await commitOne(journal, { pts, ordinal: 0 }, `${pts + 1}`)
  return journal
}

describe('a failing disk', () => {
  test('S5: what was refused left nothing, and the same commit may be tried again', async () => {
    const journal = await written(1)
    disk.fail(1)
    const again = () => commitOne(journal, { pts: 1, ordinal: 0 }, '2', { undelivered: true })
    expect(await codeOf(again())).toBe('STORE_UNAVAILABLE')
    expect(facts(await readAll(journal))).toEqual(['1'])
    expect(await codeOf(again())).toBe('acknowledged')
    expect(facts((await openNext(process, actor)).tail)).toEqual(['1', '2'])
  })

  test('S5: another commit than the refused one may follow, too', async () => {
    const journal = await written(1)
    disk.fail(1)
    expect(await codeOf(commitOne(journal, { pts: 1, ordinal: 0 }, 'refused'))).toBe('STORE_UNAVAILABLE')
    await commitOne(journal, { pts: 1, ordinal: 0 }, 'other')
    expect(facts((await openNext(process, actor)).tail)).toEqual(['1', 'other'])
  })

  test('S5, J4: after an unknown outcome only the repetition may follow, and nothing is opened until it is decided', async () => {
    const journal = await written(1)
    disk.stall()
    const repeat = () => commitOne(journal, { pts: 1, ordinal: 0 }, '2')
    expect(await codeOf(repeat())).toBe('OUTCOME_UNKNOWN')
    expect(await codeOf(openNext(process, actorNamed('another')))).toBe('STORE_UNAVAILABLE')
    expect(await codeOf(repeat())).toBe('STORE_UNAVAILABLE')
    disk.resume()
    await new Promise((resolve) => setImmediate(resolve))
    const other = journal.commit({ entries: follow({ pts: 1, ordinal: 0 }, ['other', 'longer']) })
    expect(await codeOf(other)).toBe('INTERNAL')
    expect(await codeOf(repeat())).toBe('acknowledged')
    expect(facts((await openNext(process, actor)).tail)).toEqual(['1', '2'])
  })

  test('S5: what a stalled disk stores after all is found by the next open', async () => {
    const journal = await written(1)
    disk.stall()
    expect(await codeOf(commitOne(journal, { pts: 1, ordinal: 0 }, '2'))).toBe('OUTCOME_UNKNOWN')
    journal.close()
    disk.resume()
    await new Promise((resolve) => setImmediate(resolve))
    expect(facts((await openNext(process, actor)).tail)).toEqual(['1', '2'])
  })

  test('a commit in flight at the takeover that the disk refuses is never seen', async () => {
    const journal = await written(1)
    disk.fail(1)
    const committing = codeOf(commitOne(journal, { pts: 1, ordinal: 0 }, 'refused'))
    const { tail } = await openNext(process, actor)
    expect(await committing).toBe('STORE_UNAVAILABLE')
    expect(facts(tail)).toEqual(['1'])
  })

  test('a slow disk only takes longer', async () => {
    disk.slow(500)
    const journal = await written(3)
    expect(facts(await readAll(journal))).toEqual(['1', '2', '3'])
  })
})

describe('sharing flushes', () => {
  test('K5: commits of many actors at once take far fewer flushes than commits', async () => {
    const before = kv.counters.flushes
    await Promise.all(
      Array.from({ length: 200 }, async (_, i) => {
        const { journal } = await openNext(process, actorNamed(`${i}`))
        for (let pts = 0; pts < 5; pts++) await commitOne(journal, { pts, ordinal: 0 }, 'x')
      }),
    )
    expect(kv.counters.batches).toBeGreaterThanOrEqual(1_000)
    expect(kv.counters.flushes - before).toBeLessThan(20)
  })
})

describe('what is stored', () => {
  const snapshots = () => [
    ...kv.range({ start: positionKey(space.snapshots, text, start), end: endOfActorKey(space.snapshots, text) }),
  ]

  test('S7: the last two snapshots are kept', async () => {
    const journal = await written(5)
    for (const pts of [1, 2, 4, 4, 5]) await journal.checkpoint(snapshotAt(pts))
    expect(snapshots().map(({ key }) => positionOf(key).pts)).toEqual([4, 5])
  })

  test('S7: a snapshot of a position that the journal does not have is passed over for the one before', async () => {
    const journal = await written(5)
    await journal.checkpoint(snapshotAt(3))
    await journal.checkpoint(snapshotAt(5))
    await kv.write([{ key: positionKey(space.commits, text, { pts: 5, ordinal: 0 }), value: undefined }])
    const { snapshot, tail } = await openNext(process, actor)
    expect(snapshot?.position).toEqual({ pts: 3, ordinal: 0 })
    expect(facts(tail)).toEqual(['4'])
  })

  test('a hole in a journal is CORRUPT, not a shorter history', async () => {
    await written(5)
    await kv.write([{ key: positionKey(space.commits, text, { pts: 3, ordinal: 0 }), value: undefined }])
    expect(await codeOf(openNext(process, actor))).toBe('CORRUPT')
  })

  test('a record that does not decode is CORRUPT', async () => {
    const key = positionKey(space.commits, text, { pts: 2, ordinal: 0 })
    await written(3)
    const whole = kv.get(key)!
    const broken = [
      Buffer.of(99, ...whole.subarray(1)),
      whole.subarray(0, -1),
      Buffer.concat([whole, Buffer.of(0)]),
      Buffer.alloc(0),
      Buffer.alloc(40, 0xff).fill(1, 0, 1),
    ]
    for (const value of broken) {
      await kv.write([{ key, value }])
      expect(await codeOf(openNext(process, actor))).toBe('CORRUPT')
    }
    await kv.write([{ key, value: whole }])
    expect(facts((await openNext(process, actor)).tail)).toEqual(['1', '2', '3'])
  })
})

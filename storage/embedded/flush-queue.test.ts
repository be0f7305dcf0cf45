import { describe, expect, test } from 'vitest'
import { type Clock, errorCode } from '../../runtime/index.js'
import type { KvOperation } from '../ports/ordered-kv.js'
import { EagerClock } from '../testing/eager-clock.js'
import { defaultFlushLimits, FlushFailed, type FlushLimits, FlushQueue, type FlushTarget } from './flush-queue.js'

/** A disk whose flushes end when the test says so. */
class HandDisk implements FlushTarget {
  readonly flushes: { readonly keys: string[]; readonly end: (error?: Error) => void }[] = []

  soon(start: () => void): void {
    queueMicrotask(start)
  }

  flush(batches: readonly (readonly KvOperation[])[]): Promise<void> {
    const keys = batches.flatMap((batch) => batch.map(({ key }) => Buffer.from(key).toString()))
    return new Promise((resolve, reject) => {
      this.flushes.push({ keys, end: (error) => (error ? reject(error) : resolve()) })
    })
  }
}

const operation = (key: string, bytes = 0): KvOperation[] => [{ key: Buffer.from(key), value: Buffer.alloc(bytes) }]
const settle = () => new Promise((resolve) => setImmediate(resolve))
const outcome = (work: Promise<void>) =>
  work.then(
    () => 'stored',
    (error: unknown) => errorCode(error),
  )

/** A clock on which no time passes. */
const stillClock: Clock = { now: () => 0, monotonic: () => 0, setTimer: () => ({ cancel() {} }) }

function started(limits: Partial<FlushLimits> = {}, clock = stillClock) {
  const disk = new HandDisk()
  return { disk, queue: new FlushQueue(disk, clock, { ...defaultFlushLimits, ...limits }) }
}

describe('FlushQueue', () => {
  test('K2, K5: what arrives during a flush forms the next, in order', async () => {
    const { disk, queue } = started()
    const outcomes = ['a', 'b'].map((key) => outcome(queue.write(operation(key))))
    await settle()
    outcomes.push(...['c', 'd', 'e'].map((key) => outcome(queue.write(operation(key)))))
    await settle()
    expect(disk.flushes.map(({ keys }) => keys)).toEqual([['a', 'b']])
    disk.flushes[0]!.end()
    await settle()
    expect(disk.flushes.map(({ keys }) => keys)).toEqual([
      ['a', 'b'],
      ['c', 'd', 'e'],
    ])
    disk.flushes[1]!.end()
    expect(await Promise.all(outcomes)).toEqual(Array(5).fill('stored'))
    expect(queue.counters).toMatchObject({ flushes: 2, batches: 5, bytes: 5 })
  })

  test('K3: nothing is acknowledged before the end of its flush', async () => {
    const { disk, queue } = started()
    let isAcknowledged = false
    const writing = queue.write(operation('a')).then(() => {
      isAcknowledged = true
    })
    for (let i = 0; i < 10; i++) await settle()
    expect(isAcknowledged).toBe(false)
    disk.flushes[0]!.end()
    await writing
  })

  test('K5: over the bound in bytes or count, STORE_UNAVAILABLE at once, until there is room again', async () => {
    for (const limits of [{ unflushedBytes: 100 }, { unflushedBatches: 2 }]) {
      const { disk, queue } = started(limits)
      const taken = ['a', 'b'].map((key) => outcome(queue.write(operation(key, 49))))
      expect(await outcome(queue.write(operation('c', 49)))).toBe('STORE_UNAVAILABLE')
      expect(queue.counters.refused).toBe(1)
      await settle()
      disk.flushes[0]!.end()
      expect(await Promise.all(taken)).toEqual(['stored', 'stored'])
      const next = outcome(queue.write(operation('d', 49)))
      await settle()
      disk.flushes[1]!.end()
      expect(await next).toBe('stored')
    }
  })

  test('K5: a single batch over the bound is taken when nothing else waits', async () => {
    const { disk, queue } = started({ unflushedBytes: 100 })
    const writing = outcome(queue.write(operation('a', 1_000)))
    await settle()
    disk.flushes[0]!.end()
    expect(await writing).toBe('stored')
  })

  test('K4: a flush that left nothing ends with STORE_UNAVAILABLE, and the next is tried', async () => {
    const { disk, queue } = started()
    const first = outcome(queue.write(operation('a')))
    await settle()
    const second = outcome(queue.write(operation('b')))
    disk.flushes[0]!.end(new FlushFailed('full', true))
    expect(await first).toBe('STORE_UNAVAILABLE')
    expect(queue.uncertain).toBe(false)
    await settle()
    disk.flushes[1]!.end()
    expect(await second).toBe('stored')
  })

  test('K4: a flush of unknown outcome stops everything until the process starts again', async () => {
    const { disk, queue } = started()
    const first = outcome(queue.write(operation('a')))
    await settle()
    const second = outcome(queue.write(operation('b')))
    disk.flushes[0]!.end(new FlushFailed('meta page', false))
    expect(await first).toBe('OUTCOME_UNKNOWN')
    expect(await second).toBe('STORE_UNAVAILABLE')
    expect(queue.uncertain).toBe(true)
    expect(await outcome(queue.write(operation('c')))).toBe('STORE_UNAVAILABLE')
    expect(disk.flushes.length).toBe(1)
    await queue.drain()
  })

  test('a disk that does not answer: unknown, refused behind it, and taken again once it has answered', async () => {
    const { disk, queue } = started({ stallAfterMs: 5_000 }, new EagerClock())
    const first = outcome(queue.write(operation('a')))
    await settle()
    const second = outcome(queue.write(operation('b')))
    expect(await first).toBe('OUTCOME_UNKNOWN')
    expect(await second).toBe('STORE_UNAVAILABLE')
    expect(queue.uncertain).toBe(true)
    expect(await outcome(queue.write(operation('c')))).toBe('STORE_UNAVAILABLE')
    disk.flushes[0]!.end()
    await settle()
    expect(queue.uncertain).toBe(false)
    const next = outcome(queue.write(operation('d')))
    await settle()
    expect(disk.flushes.map(({ keys }) => keys)).toEqual([['a'], ['d']])
    disk.flushes[1]!.end()
    expect(await next).toBe('stored')
  })

  test('drain waits for all that was written; afterwards nothing is taken', async () => {
    const { disk, queue } = started()
    const writing = outcome(queue.write(operation('a')))
    let isDrained = false
    const draining = queue.drain().then(() => {
      isDrained = true
    })
    await settle()
    expect(isDrained).toBe(false)
    disk.flushes[0]!.end()
    await draining
    expect(await writing).toBe('stored')
    expect(await outcome(queue.write(operation('b')))).toBe('STORE_UNAVAILABLE')
  })
})

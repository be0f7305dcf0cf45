import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Clock } from '../../runtime/index.js'
import { noLog } from '../../runtime/testing/index.js'
import type { OrderedKv } from '../ports/ordered-kv.js'
import { openLmdbKv } from './lmdb-kv.js'

/** A clock that stands; what waits for it is counted, and comes when the test says so. */
class StandingClock implements Clock {
  readonly waiting: { readonly delayMs: number; readonly fire: () => void }[] = []
  now = () => 0
  monotonic = () => 0
  setTimer(delayMs: number, fire: () => void) {
    this.waiting.push({ delayMs, fire })
    return { cancel: () => undefined }
  }
}

const STALL_AFTER_MS = 60_000

let directory: string
let clock: StandingClock
let kv: OrderedKv
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'heliograph-lmdb-'))
  clock = new StandingClock()
  kv = openLmdbKv({ path: join(directory, 'data.mdb'), clock, log: noLog, limits: { stallAfterMs: STALL_AFTER_MS } })
})
afterEach(async () => {
  await kv.close()
  rmSync(directory, { recursive: true })
})

const write = (key: number) => kv.write([{ key: Buffer.of(1, key), value: Buffer.of(key) }])
const pauses = () => clock.waiting.filter(({ delayMs }) => delayMs < STALL_AFTER_MS)

test('one who writes alone never waits; where many write, the next flush begins some milliseconds later', async () => {
  for (let i = 0; i < 5; i++) await write(i)
  expect(pauses()).toEqual([])
  await Promise.all([10, 11, 12, 13].map(write))
  const next = write(20)
  expect(pauses().map(({ delayMs }) => delayMs)).toEqual([4])
  expect(kv.get(Buffer.of(1, 20))).toBeUndefined()
  pauses()[0]!.fire()
  await next
  expect(kv.counters.flushes).toBe(7)
})

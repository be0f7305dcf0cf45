import { beforeEach, describe, expect, test } from 'vitest'
import { ActorError, errorCode, refusalReason } from '../../runtime/index.js'
import { MemoryRegister, noLog, SeededRandom, settled, VirtualClock } from '../../runtime/testing/index.js'
import { defaultLeaseLimits, type LeaseLimits, waitAfterRevocationMs } from './node-lease.js'
import { openSoleOwnership, type SoleOwnership } from './sole-owner.js'

let clock: VirtualClock
let register: MemoryRegister
let random: SeededRandom

beforeEach(() => {
  clock = new VirtualClock()
  register = new MemoryRegister()
  random = new SeededRandom(5)
})

const open = (more: { shardCount?: number; self?: string; lease?: Partial<LeaseLimits> } = {}) =>
  openSoleOwnership({ register, clock, random, log: noLog, shardCount: 16, ...more })

/** Runs virtual time until the opening has ended; returns how long that took. */
async function tookMs(opening: Promise<unknown>): Promise<number> {
  const sinceMs = clock.monotonic()
  let isOver = false
  void opening.then(
    () => {
      isOver = true
    },
    () => {
      isOver = true
    },
  )
  await settled()
  while (!isOver) await clock.advance(10)
  return clock.monotonic() - sinceMs
}

/** Ends without a word, as kill -9 does. */
function die(owner: SoleOwnership): void {
  owner.seal()
}

describe('taking all shards', () => {
  test('the first start owns them at once, under epoch 1', async () => {
    const owner = await open()
    expect([owner.epoch, owner.shardCount, owner.epochOf(0), owner.epochOf(15), owner.epochOf(16)]).toEqual([
      1,
      16,
      1,
      1,
      undefined,
    ])
    expect([owner.holds(3, 1), owner.holds(3, 2), owner.ownerOf(3)]).toEqual([true, false, 'local'])
  })

  test('O3: after an orderly end the next start need not wait; the epoch has risen', async () => {
    await (await open()).close()
    const opening = open()
    expect(await tookMs(opening)).toBeLessThan(10)
    expect((await opening).epoch).toBe(2)
  })

  test('O3: after a crash the lease is revoked and waited out, with the drift of both clocks', async () => {
    die(await open())
    const opening = open()
    const { lengthMs } = defaultLeaseLimits
    expect(await tookMs(opening)).toBeGreaterThanOrEqual(lengthMs + waitAfterRevocationMs(lengthMs, defaultLeaseLimits))
    expect((await opening).epoch).toBe(2)
  })

  test('O3: the wait covers the longer lease of the former owner', async () => {
    die(await open({ lease: { lengthMs: 9_000 } }))
    expect(await tookMs(open())).toBeGreaterThanOrEqual(18_000)
  })

  test('an owner that is alive is left alone', async () => {
    const owner = await open()
    const second = open()
    await tookMs(second)
    expect(refusalReason(await second.catch((error: unknown) => error))).toBe('ALREADY_OWNED')
    expect(owner.holds(0, 1)).toBe(true)
  })

  test('another number of shards is refused', async () => {
    await (await open()).close()
    const error = await open({ shardCount: 32 }).catch((reason: unknown) => reason)
    expect(refusalReason(error)).toBe('SHARD_COUNT_CHANGED')
  })
})

describe('the lease', () => {
  const advance = (ms: number) => clock.advance(ms)
  const silent = async () => {
    throw new ActorError('OUTCOME_UNKNOWN', 'no answer')
  }

  test('O2: it is renewed, and holds for as long as that goes well', async () => {
    const owner = await open()
    await advance(30_000)
    expect(owner.holds(0, 1)).toBe(true)
  })

  test('O2: it ends its length after the last renewal was sent, and is good again once the store answers', async () => {
    const owner = await open()
    register.before = silent
    await advance(defaultLeaseLimits.lengthMs + 50)
    expect(owner.holds(0, 1)).toBe(false)
    register.before = async () => undefined
    await advance(defaultLeaseLimits.renewEveryMs + 50)
    expect(owner.holds(0, 1)).toBe(true)
  })

  test('O2: an answer that comes late counts from when the renewal was sent', async () => {
    const owner = await open()
    let answer = () => {}
    register.before = () => new Promise((resolve) => (answer = resolve))
    await advance(defaultLeaseLimits.renewEveryMs + defaultLeaseLimits.lengthMs + 50)
    answer()
    await settled()
    expect(owner.holds(0, 1)).toBe(false)
  })

  test('O2: a wall clock that jumps ends it at once, either way, until the next renewal', async () => {
    for (const jumpMs of [60_000, -60_000]) {
      const owner = await open({ self: `${jumpMs}` })
      clock.jump(jumpMs)
      expect(owner.holds(0, owner.epoch)).toBe(false)
      await advance(defaultLeaseLimits.renewEveryMs + 50)
      expect(owner.holds(0, owner.epoch)).toBe(true)
      await owner.close()
    }
  })

  test('O2: a stalled event loop is seen by the look itself', async () => {
    const owner = await open()
    register.before = () => new Promise(() => undefined)
    await clock.advance(defaultLeaseLimits.lengthMs)
    expect(owner.holds(0, 1)).toBe(false)
  })

  test('W3: a lease that was revoked is lost for good', async () => {
    const owner = await open()
    const { incarnation } = (await register.readLease('local'))!
    await register.revokeLease({ node: 'local', incarnation })
    await advance(defaultLeaseLimits.renewEveryMs + 50)
    await owner.lost
    await advance(10_000)
    expect(owner.holds(0, 1)).toBe(false)
  })

  test('limits that cannot work are refused at start', async () => {
    const wrong: Partial<LeaseLimits>[] = [{ renewEveryMs: 1_000 }, { maxClockJumpMs: 2_000 }, { maxClockDrift: 0.5 }]
    for (const lease of wrong) await expect(open({ lease })).rejects.toThrow(TypeError)
    expect(errorCode(await register.read())).toBeUndefined()
  })
})

import { expect, test } from 'vitest'
import { noLog, VirtualClock } from '../../runtime/testing/index.js'
import type { OwnShard } from './cluster-ownership.js'
import { Handover } from './handover.js'

const SHARDS = 2_000

/** Gives all its shards away; each is quiet after `quietAfterMs`. Resolves with how many were sealed by each seal. */
async function seals(quietAfterMs: number, sealMs = 10): Promise<number[]> {
  const clock = new VirtualClock()
  const own: (OwnShard | undefined)[] = Array.from({ length: SHARDS }, () => ({ epoch: 1, phase: 'open' }))
  const sealed: number[] = []
  const later = (ms: number) => new Promise<void>((resolve) => clock.setTimer(ms, resolve))
  const handover = new Handover(
    {
      ...{ clock, log: noLog, shards: () => own, opened: () => {}, changed: () => {} },
      targetOf: () => ({ node: 'b', incarnation: '1' }),
      async seal(shards) {
        await later(sealMs)
        for (const shard of shards) own[shard] = undefined
        sealed.push(shards.length)
      },
      host: () => ({
        async release(ranges, _, released) {
          if (quietAfterMs > 0) await later(quietAfterMs)
          for (const { from, to } of ranges) for (let shard = from; shard <= to; shard++) released(shard)
        },
        acquire: () => {},
        abandon: () => {},
      }),
    },
    { drainMs: 5_000, drainingShards: 64, sliceMs: 10, sealAgainMs: 200 },
  )
  handover.look()
  while (own.some((each) => each !== undefined)) {
    await clock.advance(10)
    handover.look()
  }
  return sealed
}

test('V1: shards that are quiet at once are given away by a few seals', async () => {
  const sealed = await seals(0)
  expect(sealed.reduce((sum, count) => sum + count)).toBe(SHARDS)
  expect(sealed.length).toBeLessThanOrEqual(3)
})

test('V1: where shards take their time, few drain at once', async () => {
  const sealed = await seals(50)
  expect(sealed.reduce((sum, count) => sum + count)).toBe(SHARDS)
  expect(Math.max(...sealed)).toBeLessThanOrEqual(64)
})

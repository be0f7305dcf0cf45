import { expect, test } from 'vitest'
import { noLog, VirtualClock } from '../../runtime/testing/index.js'
import type { OwnShard } from './cluster-ownership.js'
import { Handover } from './handover.js'

const SHARDS = 2_000

interface Trial {
  /** Of each shard. */
  readonly actors: number
  /** When a shard is quiet after its drain has begun; undefined: at once. */
  readonly quietAfterMs?: (shard: number) => number | undefined
  readonly sealMs?: number
  /** Who gives shards away at this time; this node is `b`. */
  readonly givers?: readonly string[]
}

interface Move {
  readonly drainedAtMs: number
  sealedAtMs: number
}

/** Gives all its shards away; resolves with how many were sealed by each seal, and what became of each shard. */
async function moved({ actors, quietAfterMs = () => undefined, sealMs = 10, givers = ['b'] }: Trial) {
  const clock = new VirtualClock()
  const own: (OwnShard | undefined)[] = Array.from({ length: SHARDS }, () => ({ epoch: 1, phase: 'open' }))
  const seals: number[] = []
  const moves = new Map<number, Move>()
  let atOnce = 0
  let mostAtOnce = 0
  const later = (ms: number) => new Promise<void>((resolve) => clock.setTimer(ms, resolve))
  const handover = new Handover(
    {
      ...{ clock, log: noLog, shards: () => own, opened: () => {}, changed: () => {} },
      targetOf: () => ({ node: 'z', incarnation: '1' }),
      ...{ self: 'b', givers: () => givers },
      async seal(shards) {
        mostAtOnce = Math.max(mostAtOnce, ++atOnce)
        await later(sealMs)
        atOnce--
        for (const shard of shards) {
          own[shard] = undefined
          moves.get(shard)!.sealedAtMs = clock.monotonic()
        }
        seals.push(shards.length)
        handover.sealed('b')
      },
      host: () => ({
        async release(ranges, _, released) {
          for (const { from, to } of ranges) {
            for (let shard = from; shard <= to; shard++) {
              moves.set(shard, { drainedAtMs: clock.monotonic(), sealedAtMs: Number.NaN })
              const afterMs = quietAfterMs(shard)
              if (afterMs === undefined) released(shard)
              else void later(afterMs).then(() => released(shard))
            }
          }
        },
        sealed: () => {},
        residentsIn: () => actors,
        acquire: () => {},
        abandon: () => {},
      }),
    },
    {
      ...{ drainMs: 5_000, drainingShards: 64, groupShards: 64, groupActors: 16, mostGroupShards: 512 },
      ...{ gatherMs: 20, restMs: 250, turnMs: 300, sealAgainMs: 200 },
    },
  )
  handover.look()
  while (own.some((each) => each !== undefined)) await clock.advance(1)
  const waits = [...moves.values()].map(({ drainedAtMs, sealedAtMs }) => sealedAtMs - drainedAtMs)
  expect(seals.reduce((sum, count) => sum + count)).toBe(SHARDS)
  expect(mostAtOnce, 'V3').toBe(1)
  return { seals, waits, moves, tookMs: clock.monotonic() }
}

test('V1, V2: shards with actors move in groups, and each waits for the seal of its own group alone', async () => {
  const { seals, waits } = await moved({ actors: 1, sealMs: 40 })
  expect(Math.max(...seals)).toBe(64)
  expect(Math.max(...waits)).toBeLessThan(45)
})

test('V2: where nobody is in memory, few seals are enough', async () => {
  const { seals } = await moved({ actors: 0 })
  expect(Math.max(...seals)).toBe(512)
  expect(seals).toHaveLength(4)
})

test('V2: what is quiet soon is sealed together', async () => {
  const { seals, waits } = await moved({ actors: 1, quietAfterMs: (shard) => shard % 15, sealMs: 10 })
  expect(seals).toHaveLength(Math.ceil(SHARDS / 64))
  expect(Math.max(...waits)).toBeLessThan(30)
})

test('V2: a shard that takes long holds up nobody else, and is sealed once it is quiet', async () => {
  const { waits, moves } = await moved({ actors: 1, quietAfterMs: (shard) => (shard === 3 ? 700 : undefined) })
  const slow = moves.get(3)!
  expect(slow.sealedAtMs - slow.drainedAtMs).toBeLessThan(750)
  // One more seal may be under way, or rows may be gathered, when it becomes quiet.
  expect(waits.filter((waitMs) => waitMs > 45)).toHaveLength(1)
})

test('V4: a seal that takes long is followed by as long a rest, up to a bound', async () => {
  const quick = await moved({ actors: 1, sealMs: 10 })
  const slow = await moved({ actors: 1, sealMs: 100 })
  const slowest = await moved({ actors: 1, sealMs: 1_000 })
  const groups = Math.ceil(SHARDS / 64)
  expect(quick.tookMs).toBeLessThan(groups * 25)
  expect(slow.tookMs).toBeGreaterThan(groups * 190)
  expect(slowest.tookMs).toBeLessThan(groups * 1_300)
})

test('V5: an owner begins when it is its turn, and leaves the others theirs after each group', async () => {
  const { moves } = await moved({ actors: 1, givers: ['a', 'b', 'c'] })
  const begins = [...new Set([...moves.values()].map(({ drainedAtMs }) => drainedAtMs))].sort(
    (one, other) => one - other,
  )
  expect(begins[0], 'a comes to no seal').toBe(300)
  const rests = begins.slice(1).map((begin, at) => begin - begins[at]!)
  expect(Math.min(...rests), 'neither c nor a come to theirs').toBeGreaterThanOrEqual(600)
  expect(Math.max(...rests)).toBeLessThan(640)
})

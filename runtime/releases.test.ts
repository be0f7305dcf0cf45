/** Planned moves under load (releases.ts, shard-gates.ts). */
import { describe, expect, test } from 'vitest'
import { SeededRandom, settled } from './testing/index.js'
import { idIn, idsIn, keeper, outcomes, town } from './testing/keeper.js'

describe('a planned move', () => {
  test('under load loses no call, fails none, and keeps the order of each caller (G1, G2)', async () => {
    for (let seed = 1; seed <= 12; seed++) {
      const random = new SeededRandom(seed)
      const { cluster, clock } = town(['a', 'b', 'c'], { delayMs: () => random.int(9) })
      const shards = [0, 1, 2]
      const ids = shards.flatMap((shard) => idsIn(shard, 2))
      const calls: Promise<unknown>[] = []
      for (let step = 0; step < 120; step++) {
        for (const [index, { system }] of [...cluster.nodes.values()].entries()) {
          for (const id of ids) if (random.int(2) === 0) calls.push(keeper(system, id).add(index * 1_000 + step))
        }
        if (step % 30 === 10) {
          void cluster.move(shards.slice(random.int(2)), ['a', 'b', 'c'][random.int(3)] as string)
        }
        await clock.advance(random.int(6))
      }
      const ends = outcomes(calls)
      await clock.advance(20_000)
      expect((await ends).filter((each) => typeof each !== 'number')).toEqual([])
      let kept = 0
      for (const id of ids) {
        const read = keeper(cluster.at('a').system, id).kept()
        await clock.advance(100)
        const all = await read
        kept += all.length
        for (const caller of [0, 1, 2]) {
          const mine = all.filter((n) => Math.floor(n / 1_000) === caller)
          expect(mine).toEqual([...mine].sort((x, y) => x - y))
        }
      }
      expect(kept).toBe(calls.length)
      for (const { counts } of cluster.nodes.values()) expect([counts.parkedNow, counts.givenUp]).toEqual([0, 0])
    }
  })

  test('ends under continuous load: what has not started waits, and answers after the move', async () => {
    const { cluster, clock } = town()
    const id = idIn(0)
    const calls: Promise<unknown>[] = []
    let isMoved = false
    for (let ms = 0; ms < 200; ms++) {
      for (const { system } of cluster.nodes.values()) calls.push(keeper(system, id).add(ms))
      if (ms === 50) void cluster.move([0], 'b').then(() => (isMoved = true))
      await clock.advance(1)
      if (ms === 60) expect(isMoved).toBe(true)
    }
    await clock.advance(1_000)
    expect((await outcomes(calls)).filter((each) => typeof each !== 'number')).toEqual([])
    expect(cluster.at('a').system.health.residents()).toBe(0)
    expect(cluster.store.openHandles).toBe(cluster.at('b').system.health.residents())
  })

  test('waits for turns, reads, commits and answers under way, and lets nothing begin (L1, L2)', async () => {
    const { cluster, clock, gates } = town()
    const { system } = cluster.at('a')
    const [one, two, three] = idsIn(0, 3) as [number, number, number]
    const under = outcomes([
      keeper(system, one).addAt('turn', 1),
      keeper(system, two).slowKept('read'),
      keeper(system, three).addLater('later', 1),
    ])
    await settled()
    let isMoved = false
    void cluster.move([0], 'b').then(() => (isMoved = true))
    const next = keeper(system, one).add(2)
    for (const gate of ['turn', 'read', 'later']) {
      await clock.advance(20)
      expect(isMoved).toBe(false)
      gates.open(gate)
    }
    await clock.advance(20)
    expect(isMoved).toBe(true)
    expect(await under).toEqual([1, [], 1])
    expect(await next).toBe(2)
    // What was in memory goes along.
    expect(cluster.at('b').system.health.residents()).toBe(3)
  })

  test('gives up in time what does not end: its callers do not know the outcome (L3)', async () => {
    const { cluster, clock, gates } = town()
    const [one, two, three] = idsIn(0, 3) as [number, number, number]
    const here = cluster.at('a').system
    const there = cluster.at('c').system
    const calls = outcomes([
      keeper(here, one).addAt('never', 1),
      keeper(there, two).addAt('never too', 1),
      keeper(there, one).add(5),
    ])
    const read = keeper(there, three).slowKept('open later')
    await clock.advance(5)
    const moved = cluster.move([0], 'b', 300)
    await clock.advance(290)
    expect(cluster.epochOf(0)).toBe(1)
    await clock.advance(20)
    await moved
    await clock.advance(200)
    expect(await calls).toEqual(['OUTCOME_UNKNOWN', 'OUTCOME_UNKNOWN', 1])
    expect(cluster.at('a').counts.givenUp).toBe(3)
    // A read is asked again, of the new owner.
    gates.open('open later')
    await clock.advance(200)
    expect(await read).toEqual([])
    expect(cluster.sent.filter((each) => each.endsWith('slowKept'))).toHaveLength(2)
  })

  test('that is called off lets all go on where it was (L4)', async () => {
    const { cluster, clock, gates } = town()
    const id = idIn(0)
    const { system } = cluster.at('a')
    const first = keeper(system, id).addAt('turn', 1)
    await settled()
    const moved = cluster.move([0], 'b')
    const rest = [keeper(system, id).add(2), keeper(cluster.at('c').system, id).add(3)]
    await clock.advance(50)
    cluster.callOff('a', [0])
    await moved
    gates.open('turn')
    await clock.advance(200)
    expect([await first, ...(await Promise.all(rest))]).toEqual([1, 2, 3])
    expect(cluster.epochOf(0)).toBe(1)
    expect(cluster.at('a').counts.releases).toBe(0)
  })

  test('does not wait for itself: calls within a shard, and across shards that drain together, go on (G5)', async () => {
    for (const how of ['walk', 'walkLater'] as const) {
      for (const path of [
        [0, 0, 0],
        [0, 3, 0],
        [0, 1, 0],
        [0, 3, 1, 0, 3],
      ]) {
        const { cluster, clock, gates } = town()
        const used = new Map<number, number>()
        const [first, ...rest] = path.map((shard) => {
          const nth = used.get(shard) ?? 0
          used.set(shard, nth + 1)
          return idsIn(shard, nth + 1)[nth] as number
        }) as [number, ...number[]]
        const walked = outcomes([keeper(cluster.at('c').system, first)[how](rest, 'start')])
        await clock.advance(10)
        let isMoved = false
        // Shards 0 and 3 are a's, 1 is b's.
        void cluster.move([0, 1, 3], 'c').then(() => (isMoved = true))
        await clock.advance(10)
        expect(isMoved).toBe(false)
        gates.open('start')
        await clock.advance(250)
        expect(await walked).toEqual([how === 'walk' ? 1 : rest.length])
        expect(isMoved).toBe(true)
        for (const { counts } of cluster.nodes.values()) expect(counts.givenUp).toBe(0)
      }
    }
  })

  test('that waits for a turn elsewhere, which waits for the shard in another chain, lets it in after a while (G5)', async () => {
    const { cluster, clock, gates } = town()
    const [here, asked] = idsIn(0, 2) as [number, number]
    const elsewhere = idIn(1)
    gates.open('at once')
    const calls = outcomes([keeper(cluster.at('b').system, elsewhere).walk([asked], 'soon')])
    await settled()
    const behind = outcomes([keeper(cluster.at('a').system, here).walk([elsewhere], 'at once')])
    await clock.advance(10)
    const moved = cluster.move([0], 'c', 2_000)
    await clock.advance(50)
    gates.open('soon')
    await clock.advance(900)
    expect(cluster.ownerOf(0)).toBe('a')
    await clock.advance(300)
    await moved
    expect([await calls, await behind]).toEqual([[1], [1]])
    expect(cluster.at('a').counts.givenUp).toBe(0)
  })

  test('that gave something up does not keep its writer, also when the shard is opened again (L3)', async () => {
    const { cluster, clock, gates } = town(['a'])
    const { system, ownership } = cluster.at('a')
    const id = idIn(0)
    for (const [gate, isKept] of [
      ['ends', true],
      ['never', false],
    ] as const) {
      const call = outcomes([keeper(system, id).addAt(gate, 1)])
      await settled()
      ownership.draining.add(0)
      const released = system.release([{ from: 0, to: 0 }], 100, () => undefined)
      gates.open('ends')
      await clock.advance(200)
      await Promise.all([released, call])
      cluster.callOff('a', [0])
      await keeper(system, id).kept()
      expect(cluster.store.opens.at(-1)?.mayKeepWriter).toBe(isKept)
    }
  })

  test('drops what nobody waits for', async () => {
    const { cluster, clock, gates } = town()
    const { system, log } = cluster.at('a')
    await keeper(system, idIn(0)).tellLater(idIn(1), 'effect')
    await settled()
    await Promise.all([cluster.move([0], 'b'), clock.advance(20)])
    expect(cluster.ownerOf(0)).toBe('b')
    gates.open('effect')
    await clock.advance(20)
    const told = keeper(cluster.at('b').system, idIn(1)).kept()
    await clock.advance(20)
    expect(await told).toEqual([])
    expect(log.lines.map(({ message }) => message)).toContain('an effect failed')
  })

  test('of many shards tells of each as soon as it is drained', async () => {
    const { cluster, clock, gates } = town(['a'])
    const { system } = cluster.at('a')
    const busy = keeper(system, idIn(5)).addAt('turn', 1)
    await keeper(system, idIn(6)).add(1)
    const { ownership } = cluster.at('a')
    for (let shard = 0; shard < 16; shard++) ownership.draining.add(shard)
    const released: number[] = []
    let isOver = false
    void system.release([{ from: 0, to: 15 }], 5_000, (shard) => released.push(shard)).then(() => (isOver = true))
    await clock.advance(10)
    expect(released).toHaveLength(15)
    expect([released.includes(5), isOver]).toEqual([false, false])
    gates.open('turn')
    await clock.advance(10)
    expect([released.at(-1), isOver, await busy]).toEqual([5, true, 1])
  })
})

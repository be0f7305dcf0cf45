import { describe, expect, test } from 'vitest'
import { BEQUEST_SINK } from './bequests.js'
import { idIn, idsIn, keeper, OWED, outcomes, town } from './testing/keeper.js'

/** The store says when an open vouches for what is not so (S9): then calls fail here. */
describe('what is in memory when a shard moves', () => {
  test('goes along: the next owner reads nothing, and goes on (Q2, Q3)', async () => {
    const { cluster, clock } = town()
    const [one, two] = idsIn(0, 2) as [number, number]
    const { system } = cluster.at('a')
    await Promise.all([keeper(system, one).add(1), keeper(system, two).add(2), keeper(system, one).add(3)])
    await keeper(system, one).remind(clock.now() + 60_000)
    await Promise.all([cluster.move([0], 'b'), clock.advance(20)])
    expect(cluster.store.handed).toBe(2)
    const calls = outcomes([keeper(system, one).add(4), keeper(system, one).kept(), keeper(system, two).kept()])
    await clock.advance(50)
    expect(await calls).toEqual([3, [1, 3, 4], [2]])
    expect(cluster.at('b').system.health.residents()).toBe(2)
    await Promise.all([cluster.move([0], 'c'), clock.advance(20)])
    expect(cluster.store.handed).toBe(4)
    const later = outcomes([keeper(system, one).kept()])
    await clock.advance(50)
    expect(await later).toEqual([[1, 3, 4]])
  })

  test('what is undelivered is resumed at once by the next owner', async () => {
    const { cluster, clock } = town()
    const id = idIn(0)
    await keeper(cluster.at('a').system, id).add(OWED)
    await Promise.all([cluster.move([0], 'b'), clock.advance(20)])
    expect(cluster.store.journal(`keeper/${id}`).entries).toHaveLength(2)
  })

  test('is forgotten when the move is called off, and when the actor is activated again (Q1)', async () => {
    const { cluster, clock, gates } = town()
    const [busy, idle] = idsIn(0, 2) as [number, number]
    const { system } = cluster.at('a')
    await keeper(system, idle).add(1)
    const under = outcomes([keeper(system, busy).addAt('turn', 1)])
    await clock.advance(5)
    void cluster.move([0], 'b')
    await clock.advance(20)
    cluster.callOff('a', [0])
    await clock.advance(20)
    const again = outcomes([keeper(system, idle).add(2)])
    await clock.advance(20)
    expect(await again).toEqual([2])
    gates.open('turn')
    await clock.advance(20)
    expect(await under).toEqual([1])
    // Now nothing more can be kept: if something is handed over, it is of the first drain.
    cluster.store.handsOver = false
    await Promise.all([cluster.move([0], 'b'), clock.advance(20)])
    const kept = outcomes([keeper(system, idle).kept()])
    await clock.advance(50)
    expect(await kept).toEqual([[1, 2]])
    expect(cluster.store.handed).toBe(0)
  })

  test('is not sent of a shard that was taken, not sealed (Q2)', async () => {
    const { cluster, clock, gates } = town()
    const [busy, idle] = idsIn(0, 2) as [number, number]
    const { system } = cluster.at('a')
    await keeper(system, idle).add(1)
    void outcomes([keeper(system, busy).addAt('turn', 1)])
    await clock.advance(5)
    void cluster.move([0], 'b')
    await clock.advance(20)
    cluster.give([0], 'c')
    gates.open('turn')
    const kept = outcomes([keeper(cluster.at('c').system, idle).kept()])
    await clock.advance(500)
    expect(await kept).toEqual([[1]])
    expect(cluster.frames.filter(({ frame }) => frame.sink === BEQUEST_SINK)).toEqual([])
  })

  test('is dropped when it comes after the first activation, or for another epoch (Q3)', async () => {
    const { cluster, clock } = town(['a', 'b', 'c'], { limits: { sweepEveryMs: 1_000_000 } })
    const id = idIn(0)
    await keeper(cluster.at('a').system, id).add(1)
    await Promise.all([cluster.move([0], 'b'), clock.advance(20)])
    const parcel = cluster.frames.find(({ frame }) => frame.sink === BEQUEST_SINK)!.frame
    const { system } = cluster.at('b')
    const added = outcomes([keeper(system, id).add(2)])
    await clock.advance(20)
    expect(await added).toEqual([2])
    // Its activation ends, and a copy of the frame comes late.
    await clock.advance(40 * 60_000)
    expect(system.health.residents()).toBe(0)
    system.deliver('a', parcel)
    await clock.advance(20)
    expect(system.health.residents()).toBe(0)
    const kept = outcomes([keeper(system, id).kept()])
    await clock.advance(50)
    expect(await kept).toEqual([[1, 2]])
    cluster.at('c').system.deliver('a', parcel)
    await Promise.all([cluster.move([0], 'c'), clock.advance(20)])
    const there = outcomes([keeper(cluster.at('c').system, id).kept()])
    await clock.advance(50)
    expect(await there).toEqual([[1, 2]])
  })

  test('is forgotten by the next owner when the shard does not come (Q4)', async () => {
    const { cluster, clock } = town()
    const id = idIn(0)
    await keeper(cluster.at('a').system, id).add(1)
    await Promise.all([cluster.move([0], 'b'), clock.advance(20)])
    const parcel = cluster.frames.find(({ frame }) => frame.sink === BEQUEST_SINK)!.frame
    const { system } = cluster.at('c')
    system.deliver('a', parcel)
    await clock.advance(20)
    expect(system.health.residents()).toBe(0)
  })
})

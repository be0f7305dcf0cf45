/** Calls for shards that nobody has open (shard-gates.ts, outgoing-calls.ts). */
import { describe, expect, test } from 'vitest'
import { ActorError } from './index.js'
import { idIn, idsIn, Keeper, keeper, outcomes, town } from './testing/keeper.js'

describe('calls for shards without an owner', () => {
  test('wait in order until there is one, and no longer than their deadline (G1)', async () => {
    const { cluster, clock } = town()
    const id = idIn(0)
    cluster.give([0], undefined)
    await clock.advance(10)
    const { system, counts } = cluster.at('c')
    const soon = system.ref(Keeper, id, { deadlineMs: clock.now() + 200 }).add(1)
    const calls = outcomes([soon, keeper(system, id).add(2), keeper(system, id).add(3)])
    await clock.advance(1_000)
    expect(counts.parkedNow).toBe(2)
    cluster.give([0], 'b')
    await clock.advance(20)
    expect(await calls).toEqual(['DEADLINE_EXCEEDED', 1, 2])
    expect([counts.parkedNow, counts.mostParked]).toEqual([0, 3])
  })

  test('are bounded in count and bytes: beyond it OVERLOADED, and nothing happened (G4)', async () => {
    const { cluster, clock } = town(['a', 'b'], { limits: { parkedCalls: 3, parkedBytes: 150 } })
    cluster.give([0], undefined)
    await clock.advance(10)
    const { system } = cluster.at('b')
    const many = outcomes(idsIn(0, 5).map((id) => keeper(system, id).kept()))
    await clock.advance(50)
    cluster.give([0], 'b')
    await clock.advance(50)
    expect(await many).toEqual([[], [], [], 'OVERLOADED', 'OVERLOADED'])
    cluster.give([0], undefined)
    await clock.advance(10)
    const gate = 'x'.repeat(100)
    const large = outcomes([keeper(system, idIn(0)).slowKept(gate), keeper(system, idIn(0)).slowKept(gate)])
    await clock.advance(20_000)
    expect(await large).toEqual(['DEADLINE_EXCEEDED', 'OVERLOADED'])
    expect(cluster.at('b').counts.parkedNow).toBe(0)
  })

  test('count among those under way, with all others of their kind', async () => {
    const { cluster, clock } = town(['a', 'b'], { limits: { inFlightCalls: 8 } })
    cluster.give([0], undefined)
    await clock.advance(10)
    const { system } = cluster.at('b')
    const calls = outcomes(Array.from({ length: 8 }, () => keeper(system, idIn(0)).kept()))
    await clock.advance(20_000)
    const ends = await calls
    expect(ends.filter((each) => each === 'DEADLINE_EXCEEDED')).toHaveLength(6)
    expect(ends.filter((each) => each === 'OVERLOADED')).toHaveLength(2)
  })

  test('wait for a new owner that may not open yet where that is known first, and are never passed on', async () => {
    const { cluster, clock } = town()
    cluster.opensAtOnce = false
    cluster.give([0], 'b')
    await clock.advance(10)
    const read = keeper(cluster.at('c').system, idIn(0)).add(1)
    await clock.advance(500)
    expect([cluster.at('c').counts.parkedNow, cluster.at('b').counts.parkedNow]).toEqual([0, 1])
    // It goes to somebody else after all.
    cluster.give([0], 'a')
    await clock.advance(5)
    expect(cluster.at('b').counts.parkedNow).toBe(0)
    cluster.open('a', [0])
    await clock.advance(20)
    expect(await read).toBe(1)
    expect(cluster.sent.filter((each) => each.startsWith('b>'))).toEqual([])
  })

  test('are made again after an answer that says that nothing happened, also of a node that stops', async () => {
    for (const code of ['NOT_OWNER', 'STOPPED'] as const) {
      const { cluster, clock } = town()
      let refusals = 3
      cluster.fate = () => (refusals-- > 0 ? new ActorError(code, 'not here') : 'arrives')
      const added = keeper(cluster.at('c').system, idIn(0)).add(1)
      await clock.advance(500)
      expect(await added).toBe(1)
      expect(cluster.sent).toHaveLength(4)
    }
  })

  test('are asked again after an unknown outcome only if they read', async () => {
    const { cluster, clock } = town()
    let failures = 2
    cluster.fate = () => (failures-- > 0 ? new ActorError('OUTCOME_UNKNOWN', 'the stream ended') : 'arrives')
    const { system } = cluster.at('c')
    const calls = outcomes([keeper(system, idIn(0)).kept(), keeper(system, idIn(0)).add(1)])
    await clock.advance(500)
    expect(await calls).toEqual([[], 'OUTCOME_UNKNOWN'])
    failures = 1_000
    const late = outcomes([system.ref(Keeper, idIn(0), { deadlineMs: clock.now() + 300 }).kept()])
    await clock.advance(500)
    expect(await late).toEqual(['DEADLINE_EXCEEDED'])
  })

  test('with `ifActive` activate nothing: here, on an owner that may not open, or after a move', async () => {
    const { cluster, clock } = town()
    cluster.store.handsOver = false
    const id = idIn(0)
    const asked = (node: string) => cluster.at(node).system.ref(Keeper, id, { ifActive: true }).kept()
    await keeper(cluster.at('a').system, id).add(1)
    const moved = cluster.move([0], 'b')
    const during = outcomes([asked('a'), asked('c')])
    await clock.advance(300)
    await moved
    expect(await during).toEqual([undefined, undefined])
    cluster.opensAtOnce = false
    cluster.give([0], 'c')
    await clock.advance(10)
    const waiting = outcomes([asked('c'), asked('b')])
    await clock.advance(20)
    expect(await waiting).toEqual([undefined, undefined])
    expect([...cluster.nodes.values()].map(({ system }) => system.health.residents())).toEqual([0, 0, 0])
  })

  test('a node that owns nothing calls all the same', async () => {
    const { cluster, clock } = town(['a', 'gateway'])
    await Promise.all([cluster.move([...Array(16).keys()], 'a'), clock.advance(50)])
    const { system } = cluster.at('gateway')
    await system.start()
    const calls = outcomes([1, 2, 3, 4, 5].map((id) => keeper(system, id).add(id)))
    await clock.advance(50)
    expect(await calls).toEqual([1, 1, 1, 1, 1])
    expect(system.health.residents()).toBe(0)
    await system.stop()
  })
})

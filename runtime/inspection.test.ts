/** What operators are told of actors (inspection.ts, hot-actors.ts). */
import { describe, expect, test } from 'vitest'
import { HotActors } from './hot-actors.js'
import { Counter, counterActor, Gates } from './testing/counter.js'
import { type Fate, noMetrics, SeededRandom, settled, testSystem } from './testing/index.js'

function counters() {
  const gates = new Gates()
  return { gates, ...testSystem([counterActor(gates)], { metrics: noMetrics }) }
}

describe('hot actors', () => {
  test('are named in order, by what they ran in the last seconds, and forgotten afterwards (H1)', async () => {
    const { system, clock } = counters()
    for (let id = 1; id <= 20; id++) for (let n = 0; n < id; n++) await system.ref(Counter, id).totalInTurn()
    expect(system.inspection.hot('counter', 3)).toEqual([
      { key: '20', turns: 20 },
      { key: '19', turns: 19 },
      { key: '18', turns: 18 },
    ])
    expect(system.inspection.hot('nothing', 3)).toEqual([])
    await clock.advance(4_000)
    expect(system.inspection.hot('counter', 1)).toEqual([{ key: '20', turns: 20 }])
    await clock.advance(12_000)
    expect(system.inspection.hot('counter', 1)).toEqual([])
  })

  test('of very many turns are found by samples, and what is remembered is bounded (H1, H2)', () => {
    const hot = new HotActors(new SeededRandom(3))
    const at = (n: number) => ({ kind: { name: 'k' }, key: `${n}`, address: `k/${n}` }) as never
    const random = new SeededRandom(4)
    const turns = 1_000_000
    for (let turn = 0; turn < turns; turn++) hot.turn(at(turn % 10 === 0 ? -1 : random.int(200_000)), turn / 250)
    const [first, second] = hot.of('k', 10, 4_000)
    expect(first?.key).toBe('-1')
    expect(Math.abs((first?.turns ?? 0) - turns / 10)).toBeLessThan(turns / 30)
    expect(second?.turns).toBeLessThan(turns / 100)
    expect(hot.of('k', 1_000_000, 4_000).length).toBeLessThanOrEqual(2 * 4_096)
  })
})

describe('one actor', () => {
  test('is told with its shard, its mailbox, its head and its size', async () => {
    const { system, gates } = counters()
    expect(system.inspection.actor('counter', '1')).toMatchObject({ owner: 'solo', resident: undefined })
    expect(system.inspection.actor('nothing', '1')).toBeUndefined()
    await system.ref(Counter, 1).add(5)
    const waits = system.ref(Counter, 1).waitFor('gate')
    const behind = [system.ref(Counter, 1).add(1), system.ref(Counter, 1).add(1)]
    await settled()
    expect(system.inspection.actor('counter', '1')?.resident).toMatchObject({
      phase: 'active',
      epoch: 1,
      waitingCalls: 2,
      underWay: 1,
      head: { pts: 1, ordinal: 0 },
    })
    expect(system.inspection.actor('counter', '1')?.resident?.stateBytes).toBeGreaterThan(2)
    gates.open('gate')
    await Promise.all([waits, ...behind])
  })

  test('keeps its last error, also past its activation', async () => {
    const { system, store, clock } = counters()
    await system
      .ref(Counter, 1)
      .fail(false, 'bug')
      .catch(() => undefined)
    expect(system.inspection.actor('counter', '1')?.lastError).toEqual({
      atMs: clock.now(),
      message: 'RangeError: a bug',
    })
    store.fate = (operation): Fate => (operation === 'commit' ? 'unavailable' : 'ok')
    await system
      .ref(Counter, 1)
      .add(1)
      .catch(() => undefined)
    const report = system.inspection.actor('counter', '1')
    expect([report?.resident, report?.lastError?.message]).toEqual([
      undefined,
      expect.stringContaining('the disk is full'),
    ])
    await system
      .ref(Counter, 2)
      .fail(false, 'refused')
      .catch(() => undefined)
    expect(system.inspection.actor('counter', '2')?.lastError).toBeUndefined()
  })
})

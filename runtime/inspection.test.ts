/** What operators are told of actors (inspection.ts). */
import { describe, expect, test } from 'vitest'
import { Counter, counterActor, Gates } from './testing/counter.js'
import { type Fate, noMetrics, settled, testSystem } from './testing/index.js'

function counters() {
  const gates = new Gates()
  return { gates, ...testSystem([counterActor(gates)], { metrics: noMetrics }) }
}

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

import { describe, expect, test } from 'vitest'
import { Counter, counterActor, Gates } from './testing/counter.js'
import { SoloOwnership, settled, testSystem } from './testing/index.js'

describe('a system', () => {
  test('answers, stores, and has it again after a restart', async () => {
    const gates = new Gates()
    const first = testSystem([counterActor(gates)])
    const counter = first.system.ref(Counter, 7)
    expect(await Promise.all([counter.add(1), counter.add(2), counter.total()])).toEqual([1, 3, 3])
    expect(first.store.journal('counter/7').entries).toHaveLength(2)
    await first.system.stop()
    expect(first.store.openHandles).toBe(0)
    const second = testSystem([counterActor(gates)], { store: first.store, ownership: new SoloOwnership(2) })
    expect(await second.system.ref(Counter, 7).total()).toBe(3)
    await settled()
  })
})

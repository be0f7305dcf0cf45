import { expect, test } from 'vitest'
import { Counter, counterActor, Gates } from './testing/counter.js'
import { type Fate, MemoryStore, settled, testSystem } from './testing/index.js'

test('K2: rows that are made while a checkpoint without rows is in flight are written by the next one', async () => {
  const gates = new Gates()
  const store = new MemoryStore()
  let checkpoints = 0
  store.fate = async (operation): Promise<Fate> => {
    if (operation === 'checkpoint') await gates.pass(`checkpoint ${++checkpoints}`)
    return 'ok'
  }
  const actor = counterActor(gates, {
    limits: { checkpointEntries: 1 },
    derive: (_state, entry, at, _body, rows) => {
      if (entry.amount > 1) rows.put('large', '', at.pts, entry.amount)
    },
  })
  const { system } = testSystem([actor], { store })
  const counter = system.ref(Counter, 1)
  await counter.add(1)
  await counter.add(1)
  gates.open('checkpoint 1')
  await settled()
  expect(gates.isWaiting('checkpoint 2')).toBe(true)
  await counter.add(20)
  for (const checkpoint of [2, 3, 4]) gates.open(`checkpoint ${checkpoint}`)
  await system.stop()
  expect([...store.journal('counter/1').rows.values()].map(({ table, order }) => [table, order])).toEqual([
    ['large', 3],
  ])
})

test('K3: an activation that could not be checkpointed on its way out goes once it can (Y2)', async () => {
  const store = new MemoryStore()
  let isFull = true
  store.fate = (operation) => (operation === 'checkpoint' && isFull ? 'unavailable' : 'ok')
  const { system, clock } = testSystem([counterActor(new Gates())], { store, limits: { residentActors: 1 } })
  for (let i = 0; i < 20; i++) await system.ref(Counter, 1).add(1)
  await system.ref(Counter, 2).add(1)
  await clock.advance(2_000)
  isFull = false
  await system.ref(Counter, 2).total()
  await clock.advance(4_000)
  expect(system.health.residents()).toBe(1)
})

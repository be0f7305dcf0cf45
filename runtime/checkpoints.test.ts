import { describe, expect, test } from 'vitest'
import { Counter, counterActor, Gates } from './testing/counter.js'
import { type Fate, MemoryStore, SoloOwnership, settled, testSystem, VirtualClock } from './testing/index.js'
import { Ledger, ledgerActor } from './testing/ledger.js'

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

test('K5: actors that become due together take turns, and those that are late do not wait', async () => {
  const gates = new Gates()
  const store = new MemoryStore()
  let begun = 0
  let writing = 0
  let most = 0
  store.fate = async (operation): Promise<Fate> => {
    if (operation !== 'checkpoint') return 'ok'
    most = Math.max(most, ++writing)
    await gates.pass(`checkpoint ${++begun}`)
    writing--
    return 'ok'
  }
  const { system } = testSystem([counterActor(gates, { limits: { checkpointEntries: 8 } })], { store })
  const ids = Array.from({ length: 20 }, (_, id) => id + 1)
  const add = () => Promise.all(ids.map((id) => system.ref(Counter, id).add(1)))
  for (let i = 0; i < 11; i++) await add()
  await settled()
  expect(most).toBe(4)
  await add()
  await settled()
  expect(most).toBe(ids.length)
  for (let i = 1; i <= begun; i++) gates.open(`checkpoint ${i}`)
  await settled()
  expect(writing).toBe(0)
  await system.stop()
})

describe('K4: what was erased leaves the disk', () => {
  const WITHIN_MS = 10_000
  const isStored = (store: MemoryStore) => store.journal('ledger/a').entries.some(({ body }) => body !== undefined)

  async function erased(limits = {}) {
    const store = new MemoryStore()
    const clock = new VirtualClock()
    const first = testSystem([ledgerActor({ limits })], { store, clock })
    const ledger = first.system.ref(Ledger, 'a')
    await ledger.put(1, 'secret')
    await ledger.erase(1)
    expect(isStored(store)).toBe(true)
    expect(store.undelivered.size).toBe(1)
    /** As after kill -9: the first system is never heard of again. */
    const restart = async () => {
      store.fate = () => 'ok'
      const second = testSystem([ledgerActor({ limits })], { store, clock, ownership: new SoloOwnership(2) })
      await second.system.start()
      return second
    }
    return { ...first, ledger, restart }
  }

  test('though the actor sits idle, and its row goes with it', async () => {
    const { store, clock } = await erased()
    await clock.advance(WITHIN_MS)
    expect(isStored(store)).toBe(false)
    await clock.advance(WITHIN_MS)
    expect(store.undelivered.size).toBe(0)
  })

  test('though the actor is in use all the time', async () => {
    const { store, clock, ledger } = await erased()
    for (let i = 0; i < 20; i++) {
      await ledger.note('busy')
      await clock.advance(WITHIN_MS / 20)
    }
    expect(isStored(store)).toBe(false)
  })

  test('before the actor leaves memory', async () => {
    const { store, clock, system } = await erased({ idleAfterMs: 1_000 })
    await clock.advance(WITHIN_MS)
    expect([system.health.residents(), isStored(store)]).toEqual([0, false])
  })

  test('when the node stops', async () => {
    const { store, system } = await erased()
    await system.stop()
    expect(isStored(store)).toBe(false)
  })

  test('once the store takes checkpoints again', async () => {
    const { store, clock } = await erased()
    store.fate = (operation) => (operation === 'checkpoint' ? 'unavailable' : 'ok')
    await clock.advance(60_000)
    expect(isStored(store)).toBe(true)
    store.fate = () => 'ok'
    await clock.advance(WITHIN_MS)
    expect(isStored(store)).toBe(false)
  })

  test('after a crash, without anybody calling the actor', async () => {
    const { store, clock, restart } = await erased()
    const { system } = await restart()
    await clock.advance(WITHIN_MS)
    expect(isStored(store)).toBe(false)
    await clock.advance(WITHIN_MS)
    expect(store.undelivered.size).toBe(0)
    await system.stop()
  })

  test('after a crash that a call finds before a sweep does', async () => {
    const { store, clock, restart } = await erased()
    const { system } = await restart()
    await system.ref(Ledger, 'a').note('called')
    await clock.advance(WITHIN_MS)
    expect(isStored(store)).toBe(false)
    await system.stop()
  })

  test('and the row stays as long as it cannot', async () => {
    const { store, clock } = await erased({ idleAfterMs: 1_000 })
    store.fate = (operation) => (operation === 'checkpoint' ? 'unavailable' : 'ok')
    await clock.advance(60_000)
    expect([isStored(store), store.undelivered.size]).toEqual([true, 1])
  })
})

/** What stays in memory and what is stored: Y1-Y3 of residency.ts, K1-K3 of checkpoints.ts, A2 of activation.ts. */
import { describe, expect, test } from 'vitest'
import { type ActorDefinition, encode, errorCode } from './index.js'
import { Counter, type CounterShape, counterActor, Gates } from './testing/counter.js'
import { SoloOwnership, settled, testSystem, VirtualClock } from './testing/index.js'
import { Ledger, ledgerActor } from './testing/ledger.js'

function counters(more: Partial<ActorDefinition<CounterShape>> = {}, given: Parameters<typeof testSystem>[1] = {}) {
  const gates = new Gates()
  const rig = testSystem([counterActor(gates, more)], given)
  return { ...rig, gates, counter: rig.system.ref(Counter, 1) }
}

describe('passivation', () => {
  test('an idle activation goes after idleAfterMs; the next call opens it again and may keep the writer (Y1)', async () => {
    const { counter, clock, store, system } = counters({ limits: { idleAfterMs: 10_000 } })
    await counter.add(3)
    await clock.advance(9_000)
    expect(system.health.residents()).toBe(1)
    await clock.advance(6_000)
    expect(system.health.residents()).toBe(0)
    expect(store.openHandles).toBe(0)
    expect(await counter.total()).toBe(3)
    expect(store.opens.map(({ attempt, mayKeepWriter }) => [attempt, mayKeepWriter])).toEqual([
      [1, true],
      [2, true],
    ])
  })

  test('one that is used stays (Y3), and one that has something under way (Y1)', async () => {
    const { counter, clock, system, gates } = counters({ limits: { idleAfterMs: 10_000 } })
    for (let i = 0; i < 10; i++) {
      await counter.total()
      await clock.advance(4_000)
    }
    expect(system.health.residents()).toBe(1)
    const running = counter.addLater(1, 'gate').catch(errorCode)
    await clock.advance(60_000)
    expect(system.health.residents()).toBe(1)
    gates.open('gate')
    await running
    await clock.advance(20_000)
    expect(system.health.residents()).toBe(0)
  })

  test('one that may not go stays', async () => {
    const { counter, clock, system } = counters({
      limits: { idleAfterMs: 1_000 },
      mayPassivate: (self) => self.state.total > 0,
    })
    await counter.total()
    await clock.advance(60_000)
    expect(system.health.residents()).toBe(1)
    await counter.add(1)
    await clock.advance(20_000)
    expect(system.health.residents()).toBe(0)
  })

  test('a definition whose questions throw holds up nothing', async () => {
    const mayPassivate = () => {
      throw new Error('a bad question')
    }
    const { counter, clock, system } = counters({ limits: { idleAfterMs: 1_000 }, mayPassivate })
    await counter.total()
    await system.ref(Counter, 2).total()
    await clock.advance(20_000)
    expect(system.health.residents()).toBe(0)
  })

  test('beyond residentActors the least recently used goes (Y2)', async () => {
    const clock = new VirtualClock()
    const { system } = counters({}, { clock, limits: { residentActors: 3 } })
    for (const id of [1, 2, 3]) {
      await system.ref(Counter, id).total()
      await clock.advance(10)
    }
    await system.ref(Counter, 1).total()
    await system.ref(Counter, 4).total()
    expect(system.health.residents()).toBe(3)
    expect(await system.ref(Counter, 1, { ifActive: true }).total()).toBe(0)
    expect(await system.ref(Counter, 2, { ifActive: true }).total()).toBeUndefined()
  })

  test('beyond residentActors busy ones stay, and those that may not passivate go last (Y2)', async () => {
    const clock = new VirtualClock()
    const { system, gates } = counters(
      { mayPassivate: (self) => self.id !== 2 },
      { clock, limits: { residentActors: 3 } },
    )
    const running = system.ref(Counter, 1).waitFor('gate')
    await settled()
    for (const id of [2, 3, 4]) {
      await clock.advance(10)
      await system.ref(Counter, id).total()
    }
    const isActive = async (id: number) => (await system.ref(Counter, id, { ifActive: true }).total()) !== undefined
    expect([await isActive(1), await isActive(2), await isActive(3)]).toEqual([true, true, false])
    const busy = system.ref(Counter, 4).waitFor('gate4')
    await system.ref(Counter, 5).total()
    expect([await isActive(1), await isActive(2), await isActive(4)]).toEqual([true, false, true])
    gates.open('gate')
    gates.open('gate4')
    await Promise.all([running, busy])
  })
})

describe('activation', () => {
  test('happens once for calls that come together (X3)', async () => {
    const { counter, store } = counters()
    await Promise.all([counter.add(1), counter.total(), counter.add(2)])
    expect(store.opens).toHaveLength(1)
  })

  test('that the store refuses fails the calls that wait, and the next takes a new writer (O2)', async () => {
    const { counter, store, system } = counters()
    store.fate = () => 'unavailable'
    const codes = await Promise.all([counter.add(1), counter.total()].map((call) => call.catch(errorCode)))
    expect(codes).toEqual(['STORE_UNAVAILABLE', 'STORE_UNAVAILABLE'])
    expect(system.health.residents()).toBe(0)
    store.fate = () => 'ok'
    expect(await counter.add(1)).toBe(1)
    expect(store.opens.map(({ mayKeepWriter }) => mayKeepWriter)).toEqual([true, false])
    expect(store.opens.map(({ attempt }) => attempt)).toEqual([1, 2])
  })

  test('of a journal with a hole is refused as corrupt (A2)', async () => {
    const { counter, store } = counters()
    const fact = encode([1, { type: 'added', amount: 1 }])
    store.journal('counter/1').entries.push({ pts: 2, ordinal: 0, count: 1, atMs: 1, fact })
    expect(await counter.total().catch(errorCode)).toBe('CORRUPT')
    expect(store.openHandles).toBe(0)
  })

  test('of entries or snapshots of a newer format is refused with the cure (J8)', async () => {
    const newer = counters({
      state: { ...counterActor(new Gates()).state, version: 2 },
      limits: { checkpointEntries: 1 },
    })
    await newer.counter.add(1)
    await newer.system.stop()
    const older = counters({}, { store: newer.store, ownership: new SoloOwnership(2) })
    await expect(older.counter.total()).rejects.toThrow(/run a newer program/)
  })

  test('decodes a snapshot of an older format with the definition (J8)', async () => {
    const old = counters({ limits: { checkpointEntries: 1 } })
    await old.counter.add(4)
    await old.system.stop()
    const { state } = counterActor(new Gates())
    const decode = (stored: unknown, version: number) => ({
      total: (stored as { total: number }).total * 10,
      adds: version,
    })
    const later = counters(
      { state: { ...state, version: 2, decode } },
      { store: old.store, ownership: new SoloOwnership(2) },
    )
    expect(await later.counter.total()).toBe(40)
  })
})

describe('checkpoints', () => {
  const limits = { checkpointEntries: 4, checkpointBytes: 1_000_000 }

  test('are taken after so many entries, and activation replays the rest only', async () => {
    const { counter, store, system } = counters({ limits })
    for (let i = 0; i < 6; i++) await counter.add(1)
    await settled()
    expect(store.checkpoints).toBe(1)
    expect(store.journal('counter/1').snapshot?.position).toEqual({ pts: 4, ordinal: 0 })
    await system.stop()
    const again = counters({ limits }, { store, ownership: new SoloOwnership(2) })
    expect(await again.counter.total()).toBe(6)
  })

  test('store what is durable only, while turns go on (K1)', async () => {
    const { counter, store, system } = counters({ limits })
    await counter.total()
    const pending: (() => void)[] = []
    store.fate = (operation) =>
      operation === 'commit' ? new Promise((resolve) => pending.push(() => resolve('ok'))) : 'ok'
    const calls = Array.from({ length: 40 }, () => counter.add(1))
    // Each commit is followed by more turns: the checkpoint has to hold them back for a moment.
    const more: Promise<number>[] = []
    for (let i = 0; i < 30; i++) {
      await settled()
      pending.shift()?.()
      more.push(counter.add(1))
      const { snapshot, entries } = store.journal('counter/1')
      expect(snapshot?.position.pts ?? 0).toBeLessThanOrEqual(entries.length)
    }
    store.fate = () => 'ok'
    for (const done of pending) done()
    await Promise.all([...calls, ...more])
    expect(store.checkpoints).toBeGreaterThan(0)
    await system.stop()
    const again = counters({ limits }, { store, ownership: new SoloOwnership(2) })
    expect(await again.counter.total()).toBe(70)
  })

  test('that fail are tried again; beyond a bound turns wait for one (K3)', async () => {
    const { counter, store, clock } = counters({ limits })
    store.fate = (operation) => (operation === 'checkpoint' ? 'unavailable' : 'ok')
    let answered = 0
    for (let i = 0; i < 20; i++)
      void counter.add(1).then(
        () => answered++,
        () => undefined,
      )
    for (let i = 0; i < 20; i++) {
      void counter.add(1).then(
        () => answered++,
        () => undefined,
      )
      await settled()
    }
    expect(answered).toBeGreaterThanOrEqual(16)
    const waiting = answered
    await settled()
    expect(answered).toBe(waiting)
    expect(waiting).toBeLessThan(40)
    store.fate = () => 'ok'
    await clock.advance(1_100)
    expect(answered).toBe(40)
    expect(store.journal('counter/1').snapshot).toBeDefined()
  })

  test('that are overtaken end the activation', async () => {
    const { counter, store, system } = counters({ limits: { checkpointEntries: 1 } })
    store.fate = (operation) => (operation === 'checkpoint' ? 'overtaken' : 'ok')
    await counter.add(1)
    await settled()
    expect(system.health.residents()).toBe(0)
    expect(store.openHandles).toBe(0)
  })

  test('are taken on the way out when that is worthwhile', async () => {
    const { counter, store, clock, system } = counters({ limits: { idleAfterMs: 4_000 } })
    for (let i = 0; i < 3; i++) await counter.add(1)
    await clock.advance(20_000)
    expect([system.health.residents(), store.checkpoints]).toEqual([0, 0])
    for (let i = 0; i < 20; i++) await counter.add(1)
    await clock.advance(20_000)
    expect([system.health.residents(), store.checkpoints]).toEqual([0, 1])
    expect(await counter.total()).toBe(23)
  })
})

describe('what an idle activation holds', () => {
  test('is packed after half a minute, and again after each use (Y1, A4)', async () => {
    const { state } = counterActor(new Gates())
    let packed = 0
    let unpacked = 0
    const { counter, clock, store } = counters({
      state: {
        ...state,
        encode: ({ total, adds }) => {
          packed++
          return [total, adds]
        },
        decode: (stored) => {
          unpacked++
          const [total, adds] = stored as [number, number]
          return { total, adds }
        },
      },
    })
    await counter.add(4)
    await clock.advance(25_000)
    expect([packed, unpacked]).toEqual([0, 0])
    await clock.advance(10_000)
    expect([packed, unpacked]).toEqual([1, 0])
    expect(await counter.total()).toBe(4)
    expect(await counter.total()).toBe(4)
    expect([packed, unpacked]).toEqual([1, 1])
    await clock.advance(40_000)
    expect([packed, unpacked]).toEqual([2, 1])
    expect(await counter.add(1)).toBe(5)
    expect([unpacked, store.checkpoints, store.opens.length]).toEqual([2, 0, 1])
  })

  test('is not packed while it is in use', async () => {
    const { state } = counterActor(new Gates())
    let packed = 0
    const encode = (value: unknown) => {
      packed++
      return value
    }
    const { counter, clock } = counters({ state: { ...state, encode } })
    for (let i = 0; i < 20; i++) {
      await counter.total()
      await clock.advance(5_000)
    }
    expect(packed).toBe(0)
  })

  test('stays as it is when its state cannot be encoded', async () => {
    const { state } = counterActor(new Gates())
    const encode = () => {
      throw new Error('a bad state')
    }
    const { counter, clock, system } = counters({ state: { ...state, encode }, limits: { idleAfterMs: 100_000 } })
    await counter.add(4)
    await clock.advance(60_000)
    expect(await counter.total()).toBe(4)
    await clock.advance(140_000)
    expect(system.health.residents()).toBe(0)
  })

  test('is neither cached entries nor derived rows, which it finds in the store again (Y1)', async () => {
    const { system, clock, store } = testSystem([ledgerActor()])
    const ledger = system.ref(Ledger, 'a')
    for (let i = 0; i < 20; i++) await ledger.put(i, `text ${i}`)
    expect(store.journal('ledger/a').rows.size).toBe(0)
    await clock.advance(6_000)
    expect(store.journal('ledger/a').rows.size).toBe(20)
    expect(await ledger.row(7)).toEqual({ text: 'text 7' })
    expect((await ledger.entries({ pts: 18, ordinal: 0 }, 10)).map(({ pts }) => pts)).toEqual([19, 20])
    await ledger.put(7, 'new')
    expect((await ledger.rows(6, 8, 10)).map(({ value }) => value)).toEqual([
      { text: 'text 6' },
      { text: 'new' },
      { text: 'text 8' },
    ])
    expect((await ledger.entries({ pts: 17, ordinal: 0 }, 10)).map(({ pts }) => pts)).toEqual([18, 19, 20, 21])
  })
})

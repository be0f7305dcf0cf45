/** D1-D3 of reminders.ts, and timers. */
import { describe, expect, test } from 'vitest'
import { errorCode, type Turn } from './index.js'
import { SoloOwnership, settled, testSystem, VirtualClock } from './testing/index.js'
import { Ledger, type LedgerShape, ledgerActor } from './testing/ledger.js'

const limits = { sweepEveryMs: 10_000 }

function ledgers(given: Parameters<typeof testSystem>[1] = {}) {
  const rig = testSystem([ledgerActor()], { limits, ...given })
  return { ...rig, ledger: rig.system.ref(Ledger, 'a') }
}

describe('reminders', () => {
  test('fire at or after their time, and their due row goes (D1)', async () => {
    const { ledger, clock, store } = ledgers()
    await ledger.remind('ring', clock.now() + 5_000, 'hello')
    expect([...store.dueRows.keys()]).toEqual([`ledger/a/ring/${clock.now() + 5_000}`])
    await clock.advance(4_990)
    expect(await ledger.rung()).toEqual([])
    await clock.advance(100)
    expect(await ledger.rung()).toEqual(['hello'])
    expect(store.dueRows.size).toBe(0)
    await clock.advance(60_000)
    expect(await ledger.rung()).toEqual(['hello'])
  })

  test('and entries stand at whole milliseconds on a clock that counts fractions of them', async () => {
    const { ledger, clock, store, system } = ledgers({ clock: new VirtualClock(1_700_000_000_000.7) })
    const untils: number[] = []
    const { due } = store
    store.due = (shards, untilMs, limit) => {
      untils.push(untilMs)
      return due.call(store, shards, untilMs, limit)
    }
    await system.start()
    await ledger.remind('ring', 1_700_000_005_000, 'hello')
    await clock.advance(5_100.3)
    expect(await ledger.rung()).toEqual(['hello'])
    await clock.advance(20_000.1)
    const times = store.commits.flatMap(({ entries }) => entries.map(({ atMs }) => atMs))
    expect([...times, ...untils].filter((time) => !Number.isSafeInteger(time))).toEqual([])
    expect(times.length * untils.length).toBeGreaterThan(0)
    await system.stop()
  })

  test('have their due row before the entry that sets them', async () => {
    const { ledger, clock, store } = ledgers()
    store.fate = (operation) => (operation === 'commit' ? 'unavailable' : 'ok')
    expect(await ledger.remind('ring', clock.now(), 'lost').catch(errorCode)).toBe('STORE_UNAVAILABLE')
    store.fate = () => 'ok'
    await ledger.remind('ring', clock.now() + 1, 'kept')
    expect(store.commits[0]?.before?.due).toEqual([{ name: 'ring', dueAtMs: clock.now() + 1 }])
  })

  test('that are far away are found by a scan, also when the actor has gone and the system was restarted', async () => {
    const first = ledgers()
    const { clock, store } = first
    await first.ledger.remind('ring', clock.now() + 3_600_000, 'far')
    await first.system.stop()
    const { system } = ledgers({ clock, store, ownership: new SoloOwnership(2) })
    await system.start()
    await clock.advance(3_590_000)
    expect(system.health.residents()).toBe(0)
    await clock.advance(11_000)
    expect(await system.ref(Ledger, 'a').rung()).toEqual(['far'])
    await system.stop()
  })

  test('that were due while nothing ran fire after the start', async () => {
    const { clock, store, ...first } = ledgers()
    await first.ledger.remind('ring', clock.now() + 50, 'late')
    await first.system.stop()
    await clock.advance(100_000)
    const { system } = ledgers({ clock, store, ownership: new SoloOwnership(2) })
    await system.start()
    await clock.advance(50)
    expect(await system.ref(Ledger, 'a').rung()).toEqual(['late'])
    await system.stop()
  })

  test('fire again until the turn that handled them is durable (D1)', async () => {
    const { ledger, clock, store, system } = ledgers()
    await system.start()
    await ledger.remind('ring', clock.now() + 1_000, 'again')
    let failures = 0
    store.fate = (operation) => (operation === 'commit' && failures++ < 2 ? 'unavailable' : 'ok')
    await clock.advance(1_100)
    expect(await ledger.rung()).toEqual([])
    expect(store.dueRows.size).toBe(1)
    await clock.advance(30_000)
    expect(failures).toBeGreaterThan(2)
    expect(await ledger.rung()).toEqual(['again'])
    expect(store.dueRows.size).toBe(0)
    await system.stop()
  })

  test('whose handler fails are tried again by later scans, and do not hold up others', async () => {
    const { ledger, clock, store, system, log } = ledgers()
    await system.start()
    await ledger.remind('fail', clock.now() + 100, 'x')
    await ledger.remind('ring', clock.now() + 200, 'fine')
    await clock.advance(25_000)
    expect(await ledger.rung()).toEqual(['fine'])
    expect(store.dueRows.size).toBe(1)
    expect(log.lines.filter(({ level }) => level === 'error').length).toBeGreaterThan(1)
    await system.stop()
  })

  test('that are moved fire once, at the new time; that are cancelled never; stale rows go (D2)', async () => {
    const { ledger, clock, store } = ledgers()
    const at = clock.now()
    await ledger.remind('ring', at + 1_000, 'early')
    await ledger.remind('ring', at + 3_000, 'late')
    await settled()
    expect([...store.dueRows.keys()]).toEqual([`ledger/a/ring/${at + 3_000}`])
    await clock.advance(2_000)
    expect(await ledger.rung()).toEqual([])
    await clock.advance(2_000)
    expect(await ledger.rung()).toEqual(['late'])
    await ledger.remind('ring', clock.now() + 100, 'never')
    await ledger.cancel('ring')
    await clock.advance(1_000)
    expect(await ledger.rung()).toEqual(['late'])
    expect(store.dueRows.size).toBe(0)
  })

  test('a row without its reminder, left by a crash, is removed by the first scan', async () => {
    const { store, system, clock } = ledgers()
    const actor = { kind: 'ledger', key: 'a', shard: 3 }
    store.dueRows.set('ledger/a/ring/5', { actor, name: 'ring', dueAtMs: 5 })
    await system.start()
    await clock.advance(100)
    expect(store.dueRows.size).toBe(0)
    await system.stop()
  })

  test('a row that is needed again is written after its removal has ended (D2)', async () => {
    const { ledger, clock, store } = ledgers()
    const dueAtMs = clock.now() + 1_000
    await ledger.remind('ring', dueAtMs, 'one')
    let remove = () => {}
    store.fate = (operation) =>
      operation === 'remove' ? new Promise((resolve) => (remove = () => resolve('ok'))) : 'ok'
    await ledger.cancel('ring')
    const setAgain = ledger.remind('ring', dueAtMs, 'two')
    await settled()
    expect(store.commits).toHaveLength(2)
    store.fate = () => 'ok'
    remove()
    await setAgain
    expect(store.dueRows.size).toBe(1)
    await clock.advance(1_100)
    expect(await ledger.rung()).toEqual(['two'])
  })

  test('a stale row that several scans find is removed once, and what needs it again waits for that (D2)', async () => {
    const { ledger, store, system, clock } = ledgers()
    const dueAtMs = clock.now()
    const actor = { kind: 'ledger', key: 'a', shard: 3 }
    store.dueRows.set(`ledger/a/ring/${dueAtMs}`, { actor, name: 'ring', dueAtMs })
    const removals: (() => void)[] = []
    store.fate = (operation) =>
      operation === 'remove' ? new Promise((resolve) => removals.push(() => resolve('ok'))) : 'ok'
    await system.start()
    await clock.advance(100_000)
    expect(removals).toHaveLength(1)
    const setAgain = ledger.remind('ring', dueAtMs, 'again')
    await settled()
    store.fate = () => 'ok'
    for (const remove of removals) remove()
    await setAgain
    await clock.advance(100_000)
    expect(await ledger.rung()).toEqual(['again'])
    await system.stop()
  })

  test('keep to the wall clock when it is set back', async () => {
    const clock = new VirtualClock()
    const { ledger } = ledgers({ clock })
    await ledger.remind('ring', clock.now() + 1_000, 'x')
    clock.jump(-5_000)
    await clock.advance(5_900)
    expect(await ledger.rung()).toEqual([])
    await clock.advance(300)
    expect(await ledger.rung()).toEqual(['x'])
  })

  test('are no entries that an actor sees, and survive a snapshot', async () => {
    const { ledger, clock, store, system } = ledgers()
    await ledger.remind('ring', clock.now() + 500_000, 'kept')
    for (let i = 0; i < 20; i++) await ledger.put(i, 'x')
    await system.stop()
    expect(store.journal('ledger/a').snapshot?.position.pts).toBe(20)
    const again = ledgers({ clock, store, ownership: new SoloOwnership(2) })
    await again.system.start()
    await clock.advance(500_100)
    expect(await again.ledger.rung()).toEqual(['kept'])
    await again.system.stop()
  })
})

describe('timers', () => {
  test('run as turns, once; setting one again moves it', async () => {
    const { ledger, clock } = ledgers()
    await ledger.tickIn(1_000)
    await clock.advance(900)
    await ledger.tickIn(1_000)
    await clock.advance(900)
    expect(await ledger.rung()).toEqual([])
    await clock.advance(200)
    expect(await ledger.rung()).toEqual(['tick'])
    await clock.advance(10_000)
    expect(await ledger.rung()).toEqual(['tick'])
  })

  test('die with the activation', async () => {
    const rig = testSystem([ledgerActor({ limits: { idleAfterMs: 1_000 } })])
    await rig.system.ref(Ledger, 'a').tickIn(30_000)
    await rig.clock.advance(60_000)
    expect(rig.store.commits).toEqual([])
  })
})

describe('erasing', () => {
  const erasing = () => {
    const erased: string[] = []
    const reminders = {
      ring: async (turn: Turn<LedgerShape>) => {
        await turn.erase()
        erased.push(turn.id)
      },
      fail: () => {},
    }
    const rig = testSystem([ledgerActor({ reminders })], { limits })
    return { ...rig, erased, ledger: rig.system.ref(Ledger, 'a') }
  }

  test('leaves nothing of the actor and its reminder; the next call finds it as if it had never been', async () => {
    const { ledger, clock, store, erased, system } = erasing()
    await ledger.put(1, 'one')
    await ledger.remind('ring', clock.now() + 1_000, '')
    await clock.advance(2_000)
    expect(erased).toEqual(['a'])
    expect([store.journals.size, store.dueRows.size, store.openHandles]).toEqual([0, 0, 0])
    expect(await ledger.model()).toEqual([])
    await ledger.put(2, 'two')
    expect(await ledger.model()).toEqual([[2, 'two']])
    await system.stop()
  })

  test('comes again when it fails, whatever became of the journal (D1)', async () => {
    for (const fate of ['unavailable', 'unknown-lost', 'unknown-stored'] as const) {
      const { system, ledger, clock, store, erased } = erasing()
      await system.start()
      await ledger.put(1, 'one')
      await ledger.remind('ring', clock.now() + 1_000, '')
      store.fate = (operation) => (operation === 'erase' ? fate : 'ok')
      await clock.advance(2_000)
      expect(erased).toEqual([])
      expect(await ledger.model()).toEqual([[1, 'one']])
      store.fate = () => 'ok'
      await clock.advance(60_000)
      expect([erased, store.journals.size, store.dueRows.size]).toEqual([['a'], 0, 0])
      await system.stop()
    }
  })

  test('keeps what calls bring meanwhile for the next activation', async () => {
    const { ledger, clock, store, erased } = erasing()
    await ledger.put(1, 'one')
    await ledger.remind('ring', clock.now() + 1_000, '')
    let letGo = () => {}
    store.fate = (operation) => (operation === 'erase' ? new Promise((resolve) => (letGo = () => resolve('ok'))) : 'ok')
    await clock.advance(2_000)
    const put = ledger.put(2, 'two')
    await settled()
    letGo()
    await put
    expect([erased, await ledger.model()]).toEqual([['a'], [[2, 'two']]])
  })
})

/** Group commit and R1: M1-M5 of commits.ts, A3 of activation.ts, O2 of activations.ts. */
import { describe, expect, test } from 'vitest'
import { type ActorDefinition, errorCode } from './index.js'
import { Counter, type CounterShape, counterActor, Gates } from './testing/counter.js'
import { type Fate, settled, testSystem } from './testing/index.js'

/** A store whose commits wait until the test says what becomes of them. */
function counters(more: Partial<ActorDefinition<CounterShape>> = {}) {
  const gates = new Gates()
  const rig = testSystem([counterActor(gates, more)])
  const pending: ((fate: Fate) => void)[] = []
  rig.store.fate = (operation) => (operation === 'commit' ? new Promise((resolve) => pending.push(resolve)) : 'ok')
  const decide = async (fate: Fate) => {
    await settled()
    const next = pending.shift()
    if (next === undefined) throw new Error('no commit is in flight')
    next(fate)
    await settled()
  }
  return { ...rig, gates, counter: rig.system.ref(Counter, 1), decide, pending }
}

/** What a promise has come to so far. */
function watch(promise: Promise<unknown>) {
  const seen: { value?: unknown; code?: string | undefined } = {}
  promise.then(
    (value) => {
      seen.value = value
    },
    (error) => {
      seen.code = errorCode(error)
    },
  )
  return seen
}

describe('answers', () => {
  test('of turns, reads, no-ops and errors wait until what they saw is durable (R1)', async () => {
    const { counter, decide } = counters()
    await counter.total()
    const calls = [counter.add(1), counter.total(), counter.totalInTurn(), counter.fail(false, 'refused')].map(watch)
    await settled()
    expect(calls).toEqual([{}, {}, {}, {}])
    await decide('ok')
    expect(calls).toEqual([{ value: 1 }, { value: 1 }, { value: 1 }, { code: 'REFUSED' }])
  })

  test('that saw nothing new do not wait for a commit that came later', async () => {
    const { counter, gates, decide } = counters()
    await counter.total()
    const early = watch(counter.waitFor('gate'))
    gates.open('gate')
    await settled()
    expect(early).toEqual({ value: 0 })
    const adding = watch(counter.add(1))
    await decide('ok')
    expect(adding).toEqual({ value: 1 })
  })

  test('are never given when the lease ended meanwhile: the outcome is unknown where something was stored', async () => {
    const { counter, decide, ownership, system } = counters()
    await counter.total()
    const calls = [counter.add(1), counter.total()].map(watch)
    await settled()
    ownership.isHeld = false
    await decide('ok')
    expect(calls).toEqual([{ code: 'OUTCOME_UNKNOWN' }, { code: 'NOT_OWNER' }])
    expect(system.health.residents()).toBe(0)
  })

  test('are not given by an activation of an older epoch', async () => {
    const { counter, ownership, store } = counters()
    await counter.total()
    ownership.epoch = 2
    expect(await counter.total()).toBe(0)
    expect(store.opens.map(({ epoch }) => epoch)).toEqual([1, 2])
  })
})

describe('commits', () => {
  test('are one at a time; turns that come meanwhile share the next, which leaves at once (M1)', async () => {
    const { counter, decide, pending, store } = counters()
    await counter.total()
    const first = watch(counter.add(1))
    await settled()
    const others = [counter.add(1), counter.add(1), counter.add(1)].map(watch)
    await settled()
    expect(pending).toHaveLength(1)
    await decide('ok')
    expect(first).toEqual({ value: 1 })
    expect(others).toEqual([{}, {}, {}])
    expect(pending).toHaveLength(1)
    await decide('ok')
    expect(others).toEqual([{ value: 2 }, { value: 3 }, { value: 4 }])
    expect(store.commits.map(({ entries }) => entries.length)).toEqual([1, 3])
  })

  test('of calls of one tick are one', async () => {
    const { counter, decide, store } = counters()
    await counter.total()
    const all = Promise.all([counter.add(1), counter.add(1), counter.add(1)])
    await decide('ok')
    expect(await all).toEqual([1, 2, 3])
    expect(store.commits).toHaveLength(1)
  })

  test('hold whole turns (M1)', async () => {
    const { counter, gates, decide, pending, store } = counters()
    await counter.total()
    const twice = watch(counter.addTwice('gate'))
    await settled()
    expect(pending).toHaveLength(0)
    gates.open('gate')
    await decide('ok')
    expect(twice).toEqual({ value: 2 })
    expect(store.commits.map(({ entries }) => entries.length)).toEqual([2])
  })

  test('of unknown outcome are repeated as they were until it is known (M2)', async () => {
    for (const fate of ['unknown-stored', 'unknown-lost'] as const) {
      const { counter, decide, clock, store, pending } = counters()
      await counter.total()
      const adding = watch(counter.add(1))
      await decide(fate)
      expect(adding).toEqual({})
      const next = watch(counter.add(1))
      await clock.advance(50)
      await decide('unknown-lost')
      await clock.advance(100)
      await decide('unavailable')
      expect(pending).toHaveLength(0)
      await clock.advance(200)
      await decide('ok')
      expect(adding).toEqual({ value: 1 })
      await decide('ok')
      expect(next).toEqual({ value: 2 })
      expect(store.journal('counter/1').entries).toHaveLength(2)
    }
  })

  test('whose outcome stays unknown end the activation, and the next takes a new writer (M2, O2)', async () => {
    const { counter, clock, store } = counters()
    await counter.total()
    store.fate = (operation) => (operation === 'commit' ? 'unknown-lost' : 'ok')
    const adding = watch(counter.add(1))
    await clock.advance(9_000)
    expect(adding).toEqual({})
    await clock.advance(2_000)
    expect(adding).toEqual({ code: 'OUTCOME_UNKNOWN' })
    const afterwards = watch(counter.add(1))
    await clock.advance(25_000)
    expect(afterwards).toEqual({ code: 'OUTCOME_UNKNOWN' })
    store.fate = () => 'ok'
    expect(await counter.add(1)).toBe(1)
    expect(store.opens.at(-1)?.mayKeepWriter).toBe(false)
    expect(store.opens.at(-1)?.attempt).toBe(2)
  })

  test('that fail take every turn built on them along, and the next call activates anew (M3)', async () => {
    const { counter, decide, store } = counters()
    await counter.total()
    const calls = [counter.add(1), counter.total()].map(watch)
    await settled()
    const sealed = watch(counter.add(1))
    await settled()
    await decide('unavailable')
    expect([...calls, sealed].map(({ code }) => code)).toEqual(Array(3).fill('STORE_UNAVAILABLE'))
    const again = watch(counter.add(5))
    await decide('ok')
    expect(again).toEqual({ value: 5 })
    // It failed with nothing in flight: the writer may be kept (J3).
    expect(store.opens.map(({ mayKeepWriter }) => mayKeepWriter)).toEqual([true, true])
    const late = watch(counter.add(1))
    await decide('may-land')
    expect(late.code).toBe('STORE_UNAVAILABLE')
    const after = watch(counter.add(1))
    await decide('ok')
    expect(after).toEqual({ value: 6 })
    expect(store.opens.map(({ mayKeepWriter }) => mayKeepWriter)).toEqual([true, true, false])
    expect(store.openHandles).toBe(1)
  })

  test('that fail take a turn along that still runs; calls that had not started run in the next activation', async () => {
    const { counter, gates, decide, store } = counters()
    await counter.total()
    const first = watch(counter.add(1))
    await settled()
    const running = watch(counter.addTwice('gate'))
    const waiting = watch(counter.add(7))
    await settled()
    await decide('unavailable')
    expect(first.code).toBe('STORE_UNAVAILABLE')
    expect(running.code).toBe('STORE_UNAVAILABLE')
    await decide('ok')
    expect(waiting).toEqual({ value: 7 })
    gates.open('gate')
    await settled()
    expect(store.journal('counter/1').entries).toHaveLength(1)
    expect(await counter.total()).toBe(7)
  })

  test('that are overtaken leave the outcome of what was in flight open', async () => {
    const { counter, decide, store } = counters()
    await counter.total()
    const inFlight = watch(counter.add(1))
    await settled()
    const sealed = watch(counter.add(1))
    const read = watch(counter.total())
    await settled()
    await decide('overtaken')
    expect([inFlight, sealed, read].map(({ code }) => code)).toEqual(['OUTCOME_UNKNOWN', 'OVERTAKEN', 'OVERTAKEN'])
    const again = watch(counter.add(1))
    await decide('ok')
    expect(again).toEqual({ value: 1 })
    expect(store.opens.at(-1)?.mayKeepWriter).toBe(false)
  })

  test('times never go back, though the wall clock does (J2)', async () => {
    const { counter, clock, store } = counters()
    store.fate = () => 'ok'
    await counter.add(1)
    clock.jump(-60_000)
    await counter.add(1)
    const [first, second] = store.journal('counter/1').entries
    expect(second?.atMs).toBe(first?.atMs)
  })
})

describe('a fold that fails', () => {
  const spoilt = (): Partial<ActorDefinition<CounterShape>> => ({
    state: {
      version: 1,
      initial: () => ({ total: 0, adds: 0 }),
      apply(state, { amount }) {
        state.total += amount
        if (amount === 13) throw new Error('unlucky')
        return state
      },
    },
  })

  test('keeps nothing of its turn, and what was whole before it (A3)', async () => {
    const { counter, decide, store, gates } = counters(spoilt())
    await counter.total()
    const before = watch(counter.add(1))
    await settled()
    const reading = watch(counter.slowTotal('read'))
    const bad = watch(counter.add(13))
    const waiting = watch(counter.add(2))
    await settled()
    expect(bad).toEqual({ code: 'INTERNAL' })
    gates.open('read')
    await decide('ok')
    expect(before).toEqual({ value: 1 })
    expect(reading).toEqual({ code: 'INTERNAL' })
    await decide('ok')
    expect(waiting).toEqual({ value: 3 })
    expect(store.journal('counter/1').entries).toHaveLength(2)
  })
})

describe('effects', () => {
  test('of `later` start when the entry is durable, and answer; the mailbox goes on meanwhile', async () => {
    const { counter, decide, gates } = counters()
    await counter.total()
    const later = watch(counter.addLater(1, 'gate'))
    await settled()
    expect(gates.isWaiting('gate')).toBe(false)
    await decide('ok')
    expect(gates.isWaiting('gate')).toBe(true)
    const next = watch(counter.add(1))
    await decide('ok')
    expect(next).toEqual({ value: 2 })
    gates.open('gate')
    await settled()
    expect(later).toEqual({ value: 1 })
  })

  test('do not start when the commit fails', async () => {
    const { counter, decide, gates } = counters()
    await counter.total()
    const later = watch(counter.addLater(1, 'gate'))
    await decide('unavailable')
    expect(later).toEqual({ code: 'STORE_UNAVAILABLE' })
    expect(gates.isWaiting('gate')).toBe(false)
  })

  test('and frames leave in the order of their turns (M4), a throw leaving them as they are (U2)', async () => {
    const left: string[] = []
    const base = counterActor(new Gates())
    const { system, counter, decide } = counters({
      methods: {
        ...base.methods,
        add(turn, amount) {
          turn.append({ type: 'added', amount })
          turn.send(turn.node, 'sink', `frame ${amount}`)
          turn.afterwards(async () => {
            left.push(`effect ${amount}`)
          })
          if (amount === 2) throw new Error('too late')
          return turn.state.total
        },
      },
    })
    system.receive('sink', (payload) => left.push(String(payload)))
    await counter.total()
    const calls = [1, 2, 3].map((amount) => watch(counter.add(amount)))
    await settled()
    expect(left).toEqual([])
    await decide('ok')
    expect(left.filter((each) => each.startsWith('effect'))).toEqual(['effect 1', 'effect 2', 'effect 3'])
    expect(left.filter((each) => each.startsWith('frame'))).toEqual(['frame 1', 'frame 2', 'frame 3'])
    expect(calls).toEqual([{ value: 1 }, { code: 'INTERNAL' }, { value: 6 }])
  })
})

/** How calls become turns: R1-R4 of turns.ts, X1-X3 of dispatcher.ts, C1-C2 of call.ts. */
import { describe, expect, test } from 'vitest'
import { type ActorDefinition, ActorError, actorType, errorCode, implement, numberKey, refusalReason } from './index.js'
import { Counter, type CounterShape, counterActor, Gates } from './testing/counter.js'
import { settled, testSystem } from './testing/index.js'

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    (value) => `answered ${String(value)}`,
    (error) => errorCode(error) ?? String(error),
  )

const errorOf = (promise: Promise<unknown>): Promise<ActorError> =>
  promise.then(
    () => expect.fail('it answered'),
    (error) => error,
  )

function counters(more: Partial<ActorDefinition<CounterShape>> = {}, given: Parameters<typeof testSystem>[1] = {}) {
  const gates = new Gates()
  const rig = testSystem([counterActor(gates, more)], given)
  return { ...rig, gates, counter: rig.system.ref(Counter, 1) }
}

describe('turns', () => {
  test('run one at a time, in the order of their calls (R1)', async () => {
    const { counter, gates } = counters()
    await counter.total()
    const slow = counter.addTwice('gate')
    const next = counter.add(10)
    await settled()
    expect(gates.isWaiting('gate')).toBe(true)
    gates.open('gate')
    expect(await slow).toBe(2)
    expect(await next).toBe(12)
  })

  test('are told with the trace of their call', async () => {
    const told: string[] = []
    const { system } = counters(
      {},
      { onTurn: ({ actor, method, traceId }) => told.push(`${actor} ${method} ${traceId}`) },
    )
    const counter = system.ref(Counter, 1, { traceId: 'trace-1' })
    await counter.add(1)
    await counter.total()
    expect(told).toEqual(['counter/1 add trace-1', 'counter/1 total trace-1'])
  })

  test('let reads start while they wait (R1)', async () => {
    const { counter, gates } = counters()
    const waiting = counter.waitFor('turn')
    const reading = counter.slowTotal('read')
    expect(await counter.total()).toBe(0)
    gates.open('read')
    expect(await reading).toBe(0)
    gates.open('turn')
    await waiting
  })

  test('a read that was called before a turn could end starts all the same while the actor is opened', async () => {
    const { counter, gates } = counters()
    const waiting = counter.waitFor('turn')
    expect(await counter.total()).toBe(0)
    gates.open('turn')
    await waiting
  })

  test('a read must not append', async () => {
    const { counter, store } = counters({
      methods: {
        ...counterActor(new Gates()).methods,
        total: (turn) => turn.append({ type: 'added', amount: 1 }).pts,
      },
    })
    expect(await codeOf(counter.total())).toBe('INTERNAL')
    expect(store.commits).toEqual([])
  })

  test('a turn that has ended appends nothing more (U3)', async () => {
    let leaked: () => unknown = () => undefined
    const { counter, store } = counters({
      methods: {
        ...counterActor(new Gates()).methods,
        totalInTurn: (turn) => {
          leaked = () => turn.append({ type: 'added', amount: 1 })
          return 0
        },
      },
    })
    await counter.totalInTurn()
    expect(leaked).toThrow(/has ended/)
    expect(store.commits).toEqual([])
  })

  test('that throw commit what they appended, and only the answer is an error (U2)', async () => {
    const { counter, store, log } = counters()
    const refused = await errorOf(counter.fail(true, 'refused'))
    expect(refusalReason(refused)).toBe('NOT_TODAY')
    expect(await counter.total()).toBe(1)
    const bug = await errorOf(counter.fail(true, 'bug'))
    expect(bug.code).toBe('INTERNAL')
    expect(bug.message).toContain('counter/1.fail')
    expect(store.journal('counter/1').entries).toHaveLength(2)
    const logged = log.lines.find(({ level }) => level === 'error')
    expect(bug.message).toContain(String(logged?.fields.traceId))
  })

  test('an error that says "nothing happened" is no truth after an append', async () => {
    const inner = new ActorError('OVERLOADED', 'full', { retryAfterMs: 5 })
    const { counter } = counters({
      methods: {
        ...counterActor(new Gates()).methods,
        add(turn, amount) {
          if (amount > 0) turn.append({ type: 'added', amount })
          throw inner
        },
      },
    })
    expect((await errorOf(counter.add(0))).details.retryAfterMs).toBe(5)
    expect(await codeOf(counter.add(1))).toBe('OUTCOME_UNKNOWN')
  })
})

describe('mailboxes', () => {
  const limits = { mailboxCalls: 2, mailboxBytes: 4_000, mailboxAgeMs: 1_000 }

  test('are bounded in calls (X2)', async () => {
    const { counter, gates } = counters({ limits })
    const running = counter.waitFor('gate')
    await settled()
    const waiting = [counter.add(1), counter.add(1)]
    const refused = await errorOf(counter.add(1))
    expect(refused.code).toBe('OVERLOADED')
    expect(refused.details.retryAfterMs).toBeGreaterThan(0)
    gates.open('gate')
    await running
    expect(await Promise.all(waiting)).toEqual([1, 2])
    expect(await counter.add(1)).toBe(3)
  })

  test('are bounded in bytes (X2)', async () => {
    const { counter, gates } = counters({ limits })
    const running = counter.waitFor('gate')
    await settled()
    const big = counter.waitFor('x'.repeat(3_000))
    expect(await codeOf(counter.waitFor('y'.repeat(3_000)))).toBe('OVERLOADED')
    gates.open('gate')
    gates.open('x'.repeat(3_000))
    await Promise.all([running, big])
  })

  test('are bounded in age (X2)', async () => {
    const { counter, clock, gates } = counters({ limits })
    const running = counter.waitFor('gate')
    await settled()
    const waiting = counter.add(1)
    await clock.advance(1_100)
    expect(await codeOf(counter.add(1))).toBe('OVERLOADED')
    gates.open('gate')
    await Promise.all([running, waiting])
    expect(await counter.add(1)).toBe(2)
  })

  test('count reads that run', async () => {
    const { counter, gates } = counters({ limits })
    await counter.total()
    const reads = [counter.slowTotal('gate'), counter.slowTotal('gate2')]
    expect(await codeOf(counter.total())).toBe('OVERLOADED')
    gates.open('gate')
    gates.open('gate2')
    await Promise.all(reads)
    expect(await counter.total()).toBe(0)
  })

  test('count what waits for the disk: a slow one lets no turns pile up', async () => {
    const { counter, store } = counters({ limits })
    await counter.total()
    let done = () => {}
    store.fate = (operation) => (operation === 'commit' ? new Promise((resolve) => (done = () => resolve('ok'))) : 'ok')
    const started = Array.from({ length: 10 }, () => codeOf(counter.add(1)))
    await settled()
    const refused = (await Promise.race([Promise.all(started.slice(4)), settled()])) as string[]
    expect(refused).toEqual(Array(6).fill('OVERLOADED'))
    store.fate = () => 'ok'
    done()
    expect(await Promise.all(started.slice(0, 4))).toEqual(['answered 1', 'answered 2', 'answered 3', 'answered 4'])
  })

  test('of a node are bounded in all', async () => {
    const { system, gates, counter } = counters({}, { limits: { inFlightCalls: 2 } })
    const calls = [counter.waitFor('gate'), system.ref(Counter, 2).waitFor('gate2')]
    await settled()
    expect(await codeOf(system.ref(Counter, 3).total())).toBe('OVERLOADED')
    gates.open('gate')
    gates.open('gate2')
    await Promise.all(calls)
    expect(await system.ref(Counter, 3).total()).toBe(0)
  })
})

describe('deadlines', () => {
  test('that have passed are refused before anything happens', async () => {
    const { system, clock, store } = counters()
    const late = system.ref(Counter, 1, { deadlineMs: clock.now() })
    expect(await codeOf(late.add(1))).toBe('DEADLINE_EXCEEDED')
    expect(store.opens).toEqual([])
  })

  test('pass in the mailbox: the turn never starts (C2)', async () => {
    const { system, clock, gates, counter } = counters()
    const running = codeOf(counter.waitFor('gate'))
    const late = codeOf(system.ref(Counter, 1, { deadlineMs: clock.now() + 500 }).add(1))
    await clock.advance(600)
    expect(await late).toBe('DEADLINE_EXCEEDED')
    gates.open('gate')
    await running
    expect(await counter.total()).toBe(0)
  })

  test('pass while the turn runs: the outcome is unknown (C2), and the stack shows the caller', async () => {
    const { clock, gates, counter, store } = counters()
    await counter.total()
    async function theCaller() {
      return await counter.addTwice('gate')
    }
    const late = errorOf(theCaller())
    await clock.advance(9_980)
    expect(gates.isWaiting('gate')).toBe(true)
    await clock.advance(40)
    const error = await late
    expect(error.code).toBe('OUTCOME_UNKNOWN')
    expect(error.stack).toContain('theCaller')
    gates.open('gate')
    await settled()
    expect(store.journal('counter/1').entries).toHaveLength(2)
  })

  test('are told by the wall clock when a turn starts, also when no timer has rung', async () => {
    const { system, clock, gates, counter } = counters()
    const running = counter.waitFor('gate')
    const late = codeOf(system.ref(Counter, 1, { deadlineMs: clock.now() + 500 }).add(1))
    await settled()
    clock.jump(501)
    gates.open('gate')
    await running
    expect(await late).toBe('DEADLINE_EXCEEDED')
    expect(await counter.total()).toBe(0)
  })
})

interface Relay {
  /** Calls the relays of the path one after the other from inside of each other; answers what the last one saw. */
  forward(path: readonly number[], how: 'turn' | 'later', deadlineMs?: number): Promise<Seen>
}
interface Seen {
  readonly traceId: string
  readonly deadlineMs: number
}
const Relay = actorType<Relay, number>('relay', { methods: { forward: 'turn' }, ...numberKey })
interface RelayShape {
  contract: Relay
  id: number
  state: undefined
  entry: never
  memory: undefined
}
const relay = implement<RelayShape>({
  type: Relay,
  state: { version: 1, initial: () => undefined, apply: () => undefined },
  methods: {
    forward(turn, path, how, deadlineMs) {
      const [next, ...rest] = path
      const { traceId } = turn
      if (next === undefined) return { traceId, deadlineMs: turn.deadlineMs }
      const options = deadlineMs === undefined ? {} : { deadlineMs }
      if (how === 'turn') return turn.ref(Relay, next, options).forward(rest, how)
      return turn.later((effect) => effect.ref(Relay, next, options).forward(rest, how))
    },
  },
})

describe('chains of calls', () => {
  test('that come back to an actor that waits are refused at once, naming the chain (X1)', async () => {
    const { system } = testSystem([relay])
    const error = await errorOf(system.ref(Relay, 1).forward([2, 3, 1], 'turn'))
    expect(error.code).toBe('CALL_CYCLE')
    expect(error.details.chain).toEqual(['relay/1', 'relay/2', 'relay/3', 'relay/1'])
    expect(error.message).toContain('relay/1 > relay/2 > relay/3 > relay/1')
    expect(await codeOf(system.ref(Relay, 1).forward([1], 'turn'))).toBe('CALL_CYCLE')
  })

  test('may come back from an effect: the turn is over', async () => {
    const { system } = testSystem([relay])
    expect(await codeOf(system.ref(Relay, 1).forward([2, 1, 2], 'later'))).toContain('answered')
  })

  test('a deadline shrinks hop by hop and never grows; the trace goes along', async () => {
    const { system, clock } = testSystem([relay])
    const deadlineMs = clock.now() + 1_000
    const first = system.ref(Relay, 1, { deadlineMs, traceId: 'trace-7' })
    for (const how of ['turn', 'later'] as const) {
      expect(await first.forward([2, 3], how, deadlineMs - 100)).toEqual({
        traceId: 'trace-7',
        deadlineMs: deadlineMs - 100,
      })
      expect(await first.forward([2, 3], how, deadlineMs + 100)).toEqual({ traceId: 'trace-7', deadlineMs })
    }
    const defaulted = await system.ref(Relay, 1).forward([2], 'turn')
    expect(defaulted.deadlineMs).toBe(clock.now() + 10_000)
    expect(defaulted.traceId).not.toBe((await system.ref(Relay, 1).forward([2], 'turn')).traceId)
  })
})

describe('ifActive', () => {
  test('answers undefined and activates nothing when the actor is not in memory', async () => {
    const { system, store, counter } = counters()
    const ifActive = system.ref(Counter, 1, { ifActive: true })
    expect(await ifActive.total()).toBeUndefined()
    expect(store.opens).toEqual([])
    await counter.add(5)
    expect(await ifActive.total()).toBe(5)
  })
})

describe('local values', () => {
  interface Echo {
    echo(value: unknown): Promise<unknown>
    kept(): Promise<unknown>
  }
  const Echo = actorType<Echo, number>('echo', { methods: { echo: 'turn', kept: 'read' }, ...numberKey })
  interface EchoShape {
    contract: Echo
    id: number
    state: undefined
    entry: never
    memory: { kept: unknown }
  }
  const echo = implement<EchoShape>({
    type: Echo,
    state: { version: 1, initial: () => undefined, apply: () => undefined },
    memory: () => ({ kept: undefined }),
    methods: {
      echo(turn, value) {
        turn.memory.kept = value
        return value
      },
      kept: (turn) => turn.memory.kept,
    },
  })

  test('cross the codec both ways in `cross`', async () => {
    const { system } = testSystem([echo], { localValues: 'cross' })
    const value = { map: new Map([[1, { a: new Set([2]) }]]), bytes: Buffer.from('x'), none: undefined }
    const answer = await system.ref(Echo, 1).echo(value)
    expect(answer).toEqual(value)
    expect(answer).not.toBe(value)
    expect(await system.ref(Echo, 1).kept()).not.toBe(answer)
    expect(await codeOf(system.ref(Echo, 1).echo(Symbol('no')))).toBe('INTERNAL')
  })

  test('are frozen in `freeze`, deeply', async () => {
    const { system } = testSystem([echo], { localValues: 'freeze' })
    const value = { list: [{ a: 1 }], map: new Map([['k', { b: 1 }]]) }
    expect(await system.ref(Echo, 1).echo(value)).toBe(value)
    expect(Object.isFrozen(value.list[0])).toBe(true)
    expect(Object.isFrozen(value.map.get('k'))).toBe(true)
  })

  test('are passed as they are in `pass`', async () => {
    const { system } = testSystem([echo], { localValues: 'pass' })
    const value = { a: 1 }
    expect(await system.ref(Echo, 1).echo(value)).toBe(value)
    expect(Object.isFrozen(value)).toBe(false)
  })
})

describe('references', () => {
  test('have the methods of the contract and no others', () => {
    const { counter } = counters()
    expect(typeof counter.add).toBe('function')
    expect('then' in counter).toBe(false)
    expect('constructorless' in counter).toBe(false)
  })

  test('refuse keys that break the rule, and kinds that the system does not have', () => {
    const { system } = counters()
    expect(() => system.ref(Counter, -1)).toThrow(TypeError)
    expect(() => system.ref({ ...Counter, key: () => 'a/b' }, 1)).toThrow(TypeError)
    expect(() => system.ref({ ...Counter, key: () => 'x'.repeat(201) }, 1)).toThrow(TypeError)
    expect(() => system.ref(Relay, 1)).toThrow(/no actors of kind relay/)
  })
})

describe('health', () => {
  test('tells the age of the oldest turn or waiting call', async () => {
    const { system, clock, counter, gates } = counters()
    await counter.total()
    expect(system.health.oldestWaitMs()).toBe(0)
    const running = codeOf(counter.waitFor('gate'))
    await clock.advance(3_000)
    expect(system.health.oldestWaitMs()).toBe(3_000)
    gates.open('gate')
    await running
    expect(system.health.oldestWaitMs()).toBe(0)
    expect(system.health.residents()).toBe(1)
  })
})

describe('stopping', () => {
  test('refuses new calls, lets turns end, and closes every journal', async () => {
    const { system, counter, gates, store } = counters()
    const running = counter.addTwice('gate')
    await settled()
    const stopping = system.stop()
    expect(await codeOf(counter.add(1))).toBe('STOPPED')
    gates.open('gate')
    expect(await running).toBe(2)
    await stopping
    expect(store.openHandles).toBe(0)
    expect(store.journal('counter/1').entries).toHaveLength(2)
    expect(await codeOf(counter.total())).toBe('STOPPED')
  })

  test('does not wait for effects that nobody waits for', async () => {
    let started = false
    const { system, counter, store } = counters({
      methods: {
        ...counterActor(new Gates()).methods,
        totalInTurn(turn) {
          turn.afterwards(() => {
            started = true
            return new Promise(() => undefined)
          })
          return 0
        },
      },
    })
    await counter.totalInTurn()
    await system.stop()
    expect(started).toBe(true)
    expect(store.openHandles).toBe(0)
  })

  test('gives up what does not end in time, and tells its callers', async () => {
    const { system, counter, clock, store } = counters()
    const running = codeOf(counter.waitFor('never'))
    const waiting = codeOf(counter.add(1))
    await settled()
    const stopping = system.stop()
    await clock.advance(10_100)
    await stopping
    expect(await running).toBe('OUTCOME_UNKNOWN')
    expect(await waiting).toBe('DEADLINE_EXCEEDED')
    expect(store.openHandles).toBe(0)
    expect(clock.armed).toBe(0)
  })
})

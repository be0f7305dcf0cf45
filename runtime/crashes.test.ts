/**
 * Random histories of one actor: turns, reads, slow, failing, unknown and overtaken commits, failing opens and checkpoints,
 * passivation, lost leases, crashes. Whatever happens:
 * - an answer never precedes the durability of what it saw (R1, invariant 5);
 * - the journal holds every acknowledged entry once, in order (invariants 2 to 4), and nothing that was refused;
 * - the state after reopening is the fold of the journal.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type ActorSystem, actorType, decode, errorCode, implement, numberKey } from './index.js'
import { type Fate, MemoryStore, noMetrics, SoloOwnership, settled, testSystem, VirtualClock } from './testing/index.js'

interface Log {
  /** Appends `size` entries of the operation, with an await in between when `isSlow`; answers all operations so far. */
  write(op: number, size: number, isSlow: boolean): Promise<readonly number[]>
  /** As `write`, answered by an effect. */
  writeLater(op: number): Promise<readonly number[]>
  /** Appends, then throws. */
  writeAndThrow(op: number): Promise<void>
  read(): Promise<readonly number[]>
  slowRead(): Promise<readonly number[]>
  peek(): Promise<readonly number[]>
}
const Log = actorType<Log, number>('log', {
  methods: { write: 'turn', writeLater: 'turn', writeAndThrow: 'turn', read: 'read', slowRead: 'read', peek: 'turn' },
  ...numberKey,
})
interface LogShape {
  contract: Log
  id: number
  state: number[]
  entry: { op: number; part: number; of: number }
  memory: undefined
}

const CHECKPOINT_ENTRIES = 2
const RETRYABLE = new Set<string>([
  'STORE_UNAVAILABLE',
  'OUTCOME_UNKNOWN',
  'OVERTAKEN',
  'NOT_OWNER',
  'DEADLINE_EXCEEDED',
  'OVERLOADED',
])

function logActor(clock: VirtualClock) {
  const pause = () => new Promise<void>((resolve) => clock.setTimer(5, resolve))
  return implement<LogShape>({
    type: Log,
    state: {
      version: 1,
      initial: () => [],
      apply(state, { op, part }) {
        state.push(op * 10 + part)
        return state
      },
    },
    methods: {
      async write(turn, op, size, isSlow) {
        for (let part = 0; part < size; part++) {
          if (part > 0 && isSlow) await pause()
          turn.append({ op, part, of: size })
        }
        return [...turn.state]
      },
      writeLater(turn, op) {
        turn.append({ op, part: 0, of: 1 })
        const seen = [...turn.state]
        return turn.later(async () => seen)
      },
      writeAndThrow(turn, op) {
        turn.append({ op, part: 0, of: 1 })
        throw new Error('after all')
      },
      read: (turn) => [...turn.state],
      async slowRead(turn) {
        await pause()
        return [...turn.state]
      },
      peek: (turn) => [...turn.state],
    },
    limits: { checkpointEntries: CHECKPOINT_ENTRIES, idleAfterMs: 2_000 },
  })
}

const fate = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Fate>('ok') },
  { weight: 4, arbitrary: fc.constantFrom<Fate>('unavailable', 'unknown-stored', 'unknown-lost', 'overtaken') },
)
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('write' as const),
      size: fc.integer({ min: 1, max: 3 }),
      isSlow: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('writeLater' as const, 'writeAndThrow' as const) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('read' as const, 'slowRead' as const, 'peek' as const) }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('decide' as const), fate }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(0, 3, 10, 40, 300, 5_000) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom('crash' as const, 'lose lease' as const, 'hold' as const) }),
  },
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

/** One actor, its callers, and what they were told. */
class History {
  readonly clock = new VirtualClock()
  readonly store = new MemoryStore()
  ownership = new SoloOwnership(1)
  system: ActorSystem
  /** Operations whose outcome no later state may contradict. */
  readonly acknowledged = new Map<number, number>()
  readonly refused = new Set<number>()
  #ops = 0
  #decisions: ((fate: Fate) => void)[] = []
  #answers = 0
  /** By the metrics: calls that wait in mailboxes. */
  waiting = 0
  readonly #broken: string[] = []
  #holds = true

  constructor() {
    this.system = this.#start()
  }

  #start(): ActorSystem {
    this.#decisions = []
    const generation = this.ownership
    this.store.fate = (operation) => {
      if (operation === 'remove' || !this.#holds) return 'ok'
      // A dead process's operations may still reach the store, or not: they wait for ever, or until a decision.
      return new Promise((resolve) => {
        if (generation === this.ownership) this.#decisions.push(resolve)
      })
    }
    this.waiting = 0
    const metrics = {
      ...noMetrics,
      queueDepth: (_kind: string, change: 1 | -1) => {
        if (generation === this.ownership) this.waiting += change
      },
    }
    const { clock, store, ownership } = this
    return testSystem([logActor(clock)], { clock, store, ownership, metrics }).system
  }

  get durable(): number[] {
    return (this.store.journals.get('log/1')?.entries ?? []).map(({ fact }) => {
      const [, { op, part }] = decode(fact) as [number, LogShape['entry']]
      return op * 10 + part
    })
  }

  async take(next: Step): Promise<void> {
    const log = this.system.ref(Log, 1)
    const op = ++this.#ops
    if (next.do === 'write') this.#told(op, next.size, log.write(op, next.size, next.isSlow))
    else if (next.do === 'writeLater') this.#told(op, 1, log.writeLater(op))
    else if (next.do === 'writeAndThrow') this.#thrown(op, log.writeAndThrow(op))
    else if (next.do === 'read' || next.do === 'slowRead' || next.do === 'peek') this.#told(op, 0, log[next.do]())
    else if (next.do === 'decide') this.#decisions.shift()?.(next.fate)
    else if (next.do === 'wait') await this.clock.advance(next.ms)
    else if (next.do === 'hold') this.#holds = !this.#holds
    else if (next.do === 'lose lease') this.#changeEpoch()
    else this.#crash()
    await settled()
  }

  /** The lease is lost, and the shard comes back under a new epoch. */
  #changeEpoch(): void {
    this.ownership.epoch++
  }

  /** The process is gone, its operations under way with it; what it told nobody does not count. */
  #crash(): void {
    this.ownership.isHeld = false
    this.ownership = new SoloOwnership(this.ownership.epoch + 1)
    this.system = this.#start()
  }

  #told(op: number, size: number, promise: Promise<readonly number[]>): void {
    const process = this.ownership
    promise.then(
      (seen) => {
        if (process !== this.ownership) return
        this.#answers++
        // R1: all that the answer shows is durable, as a prefix of the journal.
        const shown = this.durable.slice(0, seen.length)
        if (shown.join() !== seen.join()) this.#broken.push(`told ${seen}, durable ${shown}`)
        if (size > 0) this.acknowledged.set(op, size)
      },
      (error) => this.#failed(op, error),
    )
  }

  #thrown(op: number, promise: Promise<void>): void {
    promise.catch((error) => {
      // The turn's own error is told only when what it appended is durable.
      if (errorCode(error) === 'INTERNAL') this.acknowledged.set(op, 1)
      else this.#failed(op, error)
    })
  }

  #failed(op: number, error: unknown): void {
    const code = errorCode(error)
    if (code === undefined || !RETRYABLE.has(code)) this.#broken.push(`operation ${op}: ${String(error)}`)
    if (code !== 'OUTCOME_UNKNOWN') this.refused.add(op)
  }

  async end(): Promise<void> {
    this.#holds = false
    for (const decide of this.#decisions.splice(0)) decide('ok')
    await this.clock.advance(60_000)
    for (const decide of this.#decisions.splice(0)) decide('ok')
    await settled()
    expect(this.#broken).toEqual([])
    const durable = this.durable
    expect(new Set(durable).size).toBe(durable.length)
    for (const [op, size] of this.acknowledged) {
      const from = durable.indexOf(op * 10)
      expect(durable.slice(from, from + size)).toEqual(Array.from({ length: size }, (_, part) => op * 10 + part))
    }
    for (const op of this.refused) expect(durable.filter((each) => Math.floor(each / 10) === op)).toEqual([])
    expect(await this.system.ref(Log, 1).peek()).toEqual(durable)
    expect(this.waiting).toBe(0)
    await this.system.stop()
    expect(this.system.health.residents()).toBe(0)
    this.ownership = new SoloOwnership(this.ownership.epoch + 1)
    this.system = this.#start()
    expect(await this.system.ref(Log, 1).read()).toEqual(durable)
  }

  get answers(): number {
    return this.#answers
  }
}

test('no random history breaks a promise', async () => {
  let answers = 0
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), async (steps) => {
      const history = new History()
      for (const each of steps) await history.take(each)
      await history.end()
      answers += history.answers
    }),
    { numRuns: 800 },
  )
  expect(answers).toBeGreaterThan(1_000)
})

/**
 * Random histories of shards that move, are moved back, called off, given up and taken by force, under calls from every node.
 * Whatever happens:
 * - an acknowledged call is in the journal once, one of unknown outcome at most once, any other not at all (invariants 2, 3);
 * - every call ends, nothing stays parked, and no handle stays open;
 * - where moves are planned and have the time that they need, no call fails, and calls of one caller keep their order, unless
 *   a shard comes back to where a call of it has just been refused.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type ActorSystem, actorType, decode, errorCode, implement, numberKey, shardOf } from './index.js'
import { SeededRandom, settled, TestCluster, type VirtualClock } from './testing/index.js'

interface Notes {
  add(n: number): Promise<number>
  /** Takes its time before it appends. */
  addSlowly(n: number, ms: number): Promise<number>
  /** Answers some time after its turn. */
  addLater(n: number, ms: number): Promise<number>
  /** Has another one add first, which takes its time. */
  addBeyond(n: number, ids: readonly number[], ms: number): Promise<number>
  all(): Promise<readonly number[]>
}
const Notes = actorType<Notes, number>('notes', {
  methods: { add: 'turn', addSlowly: 'turn', addLater: 'turn', addBeyond: 'turn', all: 'read' },
  ...numberKey,
})
interface NotesShape {
  contract: Notes
  id: number
  state: number[]
  entry: number
  memory: undefined
}

const NODES = ['a', 'b', 'c']
const IDS = [1, 2, 3, 4, 5, 6]

function notesActor(now: () => VirtualClock) {
  const pause = (ms: number) => new Promise<void>((resolve) => now().setTimer(ms, resolve))
  return implement<NotesShape>({
    type: Notes,
    state: {
      version: 1,
      initial: () => [],
      apply(state, n) {
        state.push(n)
        return state
      },
    },
    methods: {
      add: (turn, n) => turn.append(n).pts,
      async addSlowly(turn, n, ms) {
        await pause(ms)
        return turn.append(n).pts
      },
      addLater(turn, n, ms) {
        const { pts } = turn.append(n)
        return turn.later(async () => {
          await pause(ms)
          return pts
        })
      },
      async addBeyond(turn, n, [next, ...rest], ms) {
        if (next === undefined) await pause(ms)
        // What is appended below counts for nobody: it has no number of a call.
        else await turn.ref(Notes, next).addBeyond(-1, rest, ms)
        return turn.append(n).pts
      },
      all: (turn) => turn.state,
    },
    limits: { idleAfterMs: 3_000 },
  })
}

const id = fc.constantFrom(...IDS)
const node = fc.constantFrom(...NODES)
const ms = fc.constantFrom(1, 7, 40, 150)
const call = fc.record({
  do: fc.constant('call' as const),
  node,
  id,
  how: fc.constantFrom('add', 'slowly', 'later'),
  ms,
})
const chain = fc.record({
  do: fc.constant('chain' as const),
  node,
  ids: fc.subarray(IDS, { minLength: 2, maxLength: 3 }),
  ms,
})
const wait = fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(0, 1, 3, 10, 60, 400) })
const move = fc.record({ do: fc.constant('move' as const), ids: fc.subarray(IDS, { minLength: 1 }), node })
const planned = fc.oneof(
  { weight: 8, arbitrary: call },
  { weight: 1, arbitrary: chain },
  { weight: 4, arbitrary: wait },
  {
    weight: 2,
    arbitrary: move,
  },
)
const unplanned = fc.oneof(
  { weight: 8, arbitrary: planned },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('move in haste' as const), ids: fc.subarray(IDS, { minLength: 1 }), node }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom('call off' as const, 'revoke' as const, 'pause' as const), node }),
  },
)
type Step = typeof unplanned extends fc.Arbitrary<infer T> ? T : never

const shardsOf = (ids: readonly number[]) => [...new Set(ids.map((each) => shardOf('notes', String(each), 16)))]
const notes = (system: ActorSystem, to: number) => system.ref(Notes, to)

class History {
  readonly cluster: TestCluster
  readonly made: { readonly n: number; readonly node: string; readonly id: number; outcome: unknown }[] = []
  readonly #ends: Promise<unknown>[] = []
  readonly #movedMs = new Map<number, number>()
  #n = 0

  constructor(seed: number) {
    const random = new SeededRandom(seed)
    this.cluster = new TestCluster(NODES, [notesActor(() => this.cluster.clock)], { delayMs: () => random.int(8) })
  }

  async take(step: Step): Promise<void> {
    const { cluster } = this
    if (step.do === 'wait') await cluster.clock.advance(step.ms)
    else if (step.do === 'call') this.#call(step.node, step.id, step.how, step.ms)
    else if (step.do === 'chain') {
      const [first, ...rest] = step.ids as [number, ...number[]]
      this.#made(step.node, first, (n) => notes(cluster.at(step.node).system, first).addBeyond(n, rest, step.ms))
    } else if (step.do === 'move') this.#move(shardsOf(step.ids), step.node)
    else if (step.do === 'move in haste') this.#ends.push(cluster.move(shardsOf(step.ids), step.node, 30))
    else if (step.do === 'call off') cluster.callOff(step.node, [...cluster.at(step.node).ownership.draining])
    else if (step.do === 'revoke') this.#revoke(step.node)
    else cluster.at(step.node).ownership.hasLease = !cluster.at(step.node).ownership.hasLease
    await settled()
  }

  /** Not back again at once. */
  #move(shards: readonly number[], to: string): void {
    const nowMs = this.cluster.clock.monotonic()
    const quiet = shards.filter((shard) => nowMs - (this.#movedMs.get(shard) ?? -1_000) > 50)
    const note = () => {
      for (const shard of quiet) this.#movedMs.set(shard, this.cluster.clock.monotonic())
    }
    note()
    this.#ends.push(this.cluster.move(quiet, to, 5_000).then(note))
  }

  #call(from: string, to: number, how: string, forMs: number): void {
    const ref = notes(this.cluster.at(from).system, to)
    this.#made(from, to, (n) => {
      if (how === 'add') return ref.add(n)
      return how === 'slowly' ? ref.addSlowly(n, forMs) : ref.addLater(n, forMs)
    })
  }

  #made(from: string, to: number, make: (n: number) => Promise<number>): void {
    const call = { n: ++this.#n, node: from, id: to, outcome: undefined as unknown }
    this.made.push(call)
    this.#ends.push(
      make(call.n).then(
        (pts) => {
          call.outcome = pts
        },
        (error) => {
          call.outcome = errorCode(error) ?? error
        },
      ),
    )
  }

  /** The node finds that it has lost its lease; others have its shards, and it begins anew. */
  #revoke(lost: string): void {
    const { cluster } = this
    const { ownership, system } = cluster.at(lost)
    const shards = [...Array(16).keys()].filter((shard) => cluster.ownerOf(shard) === lost)
    const heir = NODES.find((each) => each !== lost) as string
    ownership.hasLease = false
    cluster.give(shards, heir)
    system.abandon()
    cluster.clock.setTimer(300, () => {
      ownership.hasLease = true
    })
  }

  journal(of: number): number[] {
    const { entries } = this.cluster.store.journal(`notes/${of}`)
    return entries.map(({ fact }) => (decode(fact) as [number, number])[1]).filter((n) => n > 0)
  }

  async end(): Promise<void> {
    const { cluster } = this
    for (const { ownership } of cluster.nodes.values()) ownership.hasLease = true
    await cluster.clock.advance(30_000)
    await Promise.all(this.#ends)
    for (const { n, id: to, outcome } of this.made) {
      const times = this.journal(to).filter((each) => each === n).length
      if (typeof outcome === 'number') expect([n, times]).toEqual([n, 1])
      else if (outcome === 'OUTCOME_UNKNOWN') expect(times).toBeLessThanOrEqual(1)
      else expect([outcome, times]).toEqual([outcome, 0])
    }
    const reads = Promise.all(IDS.map((each) => notes(cluster.at('a').system, each).all()))
    await cluster.clock.advance(100)
    const all = await reads
    for (const [index, each] of IDS.entries()) {
      expect(all[index]?.filter((n) => n > 0)).toEqual(this.journal(each))
    }
    for (const { counts } of cluster.nodes.values()) expect(counts.parkedNow).toBe(0)
    const residents = [...cluster.nodes.values()].map(({ system }) => system.health.residents())
    expect(cluster.store.openHandles).toBe(residents.reduce((sum, each) => sum + each, 0))
    await Promise.all([
      ...[...cluster.nodes.values()].map(({ system }) => system.stop()),
      cluster.clock.advance(10_000),
    ])
    expect(cluster.store.openHandles).toBe(0)
  }
}

test('planned moves fail no call, and keep the order of each caller', async () => {
  let calls = 0
  await fc.assert(
    fc.asyncProperty(fc.integer(), fc.array(planned, { minLength: 10, maxLength: 80 }), async (seed, steps) => {
      const history = new History(seed)
      for (const each of steps) await history.take(each)
      await history.end()
      calls += history.made.length
      expect(history.made.filter(({ outcome }) => typeof outcome !== 'number')).toEqual([])
      for (const each of IDS) {
        const made = new Map(history.made.map(({ n, node: from }) => [n, from]))
        for (const from of NODES) {
          const mine = history.journal(each).filter((n) => made.get(n) === from)
          expect(mine).toEqual([...mine].sort((x, y) => x - y))
        }
      }
    }),
    { numRuns: 150 },
  )
  expect(calls).toBeGreaterThan(500)
})

test('moves in haste, moves that are called off, lost leases and revocations lose nothing and do nothing twice', async () => {
  const outcomes = new Set<unknown>()
  await fc.assert(
    fc.asyncProperty(fc.integer(), fc.array(unplanned, { minLength: 10, maxLength: 80 }), async (seed, steps) => {
      const history = new History(seed)
      for (const each of steps) await history.take(each)
      await history.end()
      for (const { outcome } of history.made) if (typeof outcome !== 'number') outcomes.add(outcome)
    }),
    { numRuns: 150 },
  )
  const expected = ['NOT_OWNER', 'OUTCOME_UNKNOWN', 'DEADLINE_EXCEEDED', 'STORE_UNAVAILABLE', 'OVERTAKEN', 'CALL_CYCLE']
  expect([...outcomes].filter((outcome) => !expected.includes(outcome as string))).toEqual([])
})

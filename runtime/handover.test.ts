/** Shards that change hands while they are called: releases, parked calls, epochs (shard-gates.ts, releases.ts). */
import { describe, expect, test } from 'vitest'
import { ActorError, type ActorSystem, actorType, errorCode, implement, numberKey, shardOf } from './index.js'
import { Gates } from './testing/counter.js'
import { type Fate, SeededRandom, settled, TestCluster } from './testing/index.js'

/** Keeps what it is told, in order, and passes calls on. */
interface Keeper {
  add(n: number): Promise<number>
  kept(): Promise<readonly number[]>
  slowKept(gate: string): Promise<readonly number[]>
  /** Adds once the gate is open. */
  addAt(gate: string, n: number): Promise<number>
  /** Answers outside of its turn, once the gate is open. */
  addLater(gate: string, n: number): Promise<number>
  /** Each calls the next of the path from its turn, once the gate is open, and adds. */
  walk(path: readonly number[], gate: string): Promise<number>
  /** As `walk`, outside of its turn. */
  walkLater(path: readonly number[], gate: string): Promise<number>
  /** Adds, and calls another one with nobody waiting, once the gate is open. */
  tellLater(id: number, gate: string): Promise<void>
  frameLater(gate: string): Promise<void>
  remind(dueAtMs: number): Promise<void>
  tickIn(ms: number): Promise<void>
}
const Keeper = actorType<Keeper, number>('keeper', {
  methods: {
    add: 'turn',
    kept: 'read',
    slowKept: 'read',
    addAt: 'turn',
    addLater: 'turn',
    walk: 'turn',
    walkLater: 'turn',
    tellLater: 'turn',
    frameLater: 'turn',
    remind: 'turn',
    tickIn: 'turn',
  },
  ...numberKey,
})
/** What is appended by the runtime's own turns, and what is undelivered. */
const [OWED, RESUMED, RUNG, TICKED] = [900_001, 900_002, 900_003, 900_004]

interface KeeperShape {
  contract: Keeper
  id: number
  state: number[]
  entry: number
  memory: undefined
  reminders: { ring: undefined }
  timers: 'tick'
}

function keeperActor(gates: Gates) {
  return implement<KeeperShape>({
    type: Keeper,
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
      kept: (turn) => turn.state,
      async slowKept(turn, gate) {
        await gates.pass(gate)
        return turn.state
      },
      async addAt(turn, gate, n) {
        await gates.pass(gate)
        return turn.append(n).pts
      },
      addLater(turn, gate, n) {
        const { pts } = turn.append(n)
        return turn.later(async () => {
          await gates.pass(gate)
          return pts
        })
      },
      async walk(turn, [next, ...rest], gate) {
        await gates.pass(gate)
        if (next !== undefined) await turn.ref(Keeper, next).walk(rest, gate)
        return turn.append(0).pts
      },
      walkLater(turn, [next, ...rest], gate) {
        turn.append(0)
        return turn.later(async (effect) => {
          await gates.pass(gate)
          return next === undefined ? 0 : 1 + (await effect.ref(Keeper, next).walkLater(rest, gate))
        })
      },
      tellLater(turn, id, gate) {
        turn.append(0)
        turn.afterwards(async (effect) => {
          await gates.pass(gate)
          await effect.ref(Keeper, id).add(1)
        })
      },
      frameLater(turn, gate) {
        turn.afterwards(async (effect) => {
          await gates.pass(gate)
          effect.send('a', 'sink', 1)
          effect.send('b', 'sink', 1)
        })
      },
      remind: (turn, dueAtMs) => turn.remind('ring', dueAtMs),
      tickIn: (turn, ms) => turn.setTimer('tick', ms),
    },
    reminders: { ring: (turn) => void turn.append(RUNG) },
    timers: { tick: (turn) => void turn.append(TICKED) },
    delivery: {
      owes: (n) => n === OWED,
      settled: (self) => !self.state.includes(OWED) || self.state.includes(RESUMED),
      resume: (turn) => void turn.append(RESUMED),
    },
  })
}

function town(names: readonly string[] = ['a', 'b', 'c'], options: ConstructorParameters<typeof TestCluster>[2] = {}) {
  const gates = new Gates()
  const cluster = new TestCluster(names, [keeperActor(gates)], options)
  return { cluster, gates, clock: cluster.clock }
}

/** The first ids whose actors are in the shard. */
function idsIn(shard: number, count = 1): number[] {
  const ids: number[] = []
  for (let id = 1; ids.length < count; id++) if (shardOf('keeper', String(id), 16) === shard) ids.push(id)
  return ids
}
const idIn = (shard: number) => idsIn(shard)[0] as number

/** What becomes of calls: their answers in the order in which they were made, or codes. */
function outcomes(promises: readonly Promise<unknown>[]): Promise<unknown[]> {
  return Promise.all(promises.map((promise) => promise.catch((error) => errorCode(error) ?? error)))
}

const keeper = (system: ActorSystem, id: number) => system.ref(Keeper, id)

describe('a planned move', () => {
  test('under load loses no call, fails none, and keeps the order of each caller (G1, G2)', async () => {
    for (let seed = 1; seed <= 12; seed++) {
      const random = new SeededRandom(seed)
      const { cluster, clock } = town(['a', 'b', 'c'], { delayMs: () => random.int(9) })
      const shards = [0, 1, 2]
      const ids = shards.flatMap((shard) => idsIn(shard, 2))
      const calls: Promise<unknown>[] = []
      for (let step = 0; step < 120; step++) {
        for (const [index, { system }] of [...cluster.nodes.values()].entries()) {
          for (const id of ids) if (random.int(2) === 0) calls.push(keeper(system, id).add(index * 1_000 + step))
        }
        if (step % 30 === 10) {
          void cluster.move(shards.slice(random.int(2)), ['a', 'b', 'c'][random.int(3)] as string)
        }
        await clock.advance(random.int(6))
      }
      const ends = outcomes(calls)
      await clock.advance(20_000)
      expect((await ends).filter((each) => typeof each !== 'number')).toEqual([])
      let kept = 0
      for (const id of ids) {
        const read = keeper(cluster.at('a').system, id).kept()
        await clock.advance(100)
        const all = await read
        kept += all.length
        for (const caller of [0, 1, 2]) {
          const mine = all.filter((n) => Math.floor(n / 1_000) === caller)
          expect(mine).toEqual([...mine].sort((x, y) => x - y))
        }
      }
      expect(kept).toBe(calls.length)
      for (const { counts } of cluster.nodes.values()) expect([counts.parkedNow, counts.givenUp]).toEqual([0, 0])
    }
  })

  test('ends under continuous load: what has not started waits, and answers after the move', async () => {
    const { cluster, clock } = town()
    const id = idIn(0)
    const calls: Promise<unknown>[] = []
    let isMoved = false
    for (let ms = 0; ms < 200; ms++) {
      for (const { system } of cluster.nodes.values()) calls.push(keeper(system, id).add(ms))
      if (ms === 50) void cluster.move([0], 'b').then(() => (isMoved = true))
      await clock.advance(1)
      if (ms === 60) expect(isMoved).toBe(true)
    }
    await clock.advance(1_000)
    expect((await outcomes(calls)).filter((each) => typeof each !== 'number')).toEqual([])
    expect(cluster.at('a').system.health.residents()).toBe(0)
    expect(cluster.store.openHandles).toBe(cluster.at('b').system.health.residents())
  })

  test('waits for turns, reads, commits and answers under way, and lets nothing begin (L1, L2)', async () => {
    const { cluster, clock, gates } = town()
    const { system } = cluster.at('a')
    const [one, two, three] = idsIn(0, 3) as [number, number, number]
    const under = outcomes([
      keeper(system, one).addAt('turn', 1),
      keeper(system, two).slowKept('read'),
      keeper(system, three).addLater('later', 1),
    ])
    await settled()
    let isMoved = false
    void cluster.move([0], 'b').then(() => (isMoved = true))
    const next = keeper(system, one).add(2)
    for (const gate of ['turn', 'read', 'later']) {
      await clock.advance(20)
      expect(isMoved).toBe(false)
      gates.open(gate)
    }
    await clock.advance(20)
    expect(isMoved).toBe(true)
    expect(await under).toEqual([1, [], 1])
    expect(await next).toBe(2)
    expect(cluster.at('b').system.health.residents()).toBe(1)
  })

  test('gives up in time what does not end: its callers do not know the outcome (L3)', async () => {
    const { cluster, clock, gates } = town()
    const [one, two, three] = idsIn(0, 3) as [number, number, number]
    const here = cluster.at('a').system
    const there = cluster.at('c').system
    const calls = outcomes([
      keeper(here, one).addAt('never', 1),
      keeper(there, two).addAt('never too', 1),
      keeper(there, one).add(5),
    ])
    const read = keeper(there, three).slowKept('open later')
    await clock.advance(5)
    const moved = cluster.move([0], 'b', 300)
    await clock.advance(290)
    expect(cluster.epochOf(0)).toBe(1)
    await clock.advance(20)
    await moved
    await clock.advance(200)
    expect(await calls).toEqual(['OUTCOME_UNKNOWN', 'OUTCOME_UNKNOWN', 1])
    expect(cluster.at('a').counts.givenUp).toBe(3)
    // A read is asked again, of the new owner.
    gates.open('open later')
    await clock.advance(200)
    expect(await read).toEqual([])
    expect(cluster.sent.filter((each) => each.endsWith('slowKept'))).toHaveLength(2)
  })

  test('that is called off lets all go on where it was (L4)', async () => {
    const { cluster, clock, gates } = town()
    const id = idIn(0)
    const { system } = cluster.at('a')
    const first = keeper(system, id).addAt('turn', 1)
    await settled()
    const moved = cluster.move([0], 'b')
    const rest = [keeper(system, id).add(2), keeper(cluster.at('c').system, id).add(3)]
    await clock.advance(50)
    cluster.callOff('a', [0])
    await moved
    gates.open('turn')
    await clock.advance(200)
    expect([await first, ...(await Promise.all(rest))]).toEqual([1, 2, 3])
    expect(cluster.epochOf(0)).toBe(1)
    expect(cluster.at('a').counts.releases).toBe(0)
  })

  test('does not wait for itself: calls within a shard, and across shards that drain together, go on (G5)', async () => {
    for (const how of ['walk', 'walkLater'] as const) {
      for (const path of [
        [0, 0, 0],
        [0, 3, 0],
        [0, 1, 0],
        [0, 3, 1, 0, 3],
      ]) {
        const { cluster, clock, gates } = town()
        const used = new Map<number, number>()
        const [first, ...rest] = path.map((shard) => {
          const nth = used.get(shard) ?? 0
          used.set(shard, nth + 1)
          return idsIn(shard, nth + 1)[nth] as number
        }) as [number, ...number[]]
        const walked = outcomes([keeper(cluster.at('c').system, first)[how](rest, 'start')])
        await clock.advance(10)
        let isMoved = false
        // Shards 0 and 3 are a's, 1 is b's.
        void cluster.move([0, 1, 3], 'c').then(() => (isMoved = true))
        await clock.advance(10)
        expect(isMoved).toBe(false)
        gates.open('start')
        await clock.advance(250)
        expect(await walked).toEqual([how === 'walk' ? 1 : rest.length])
        expect(isMoved).toBe(true)
        for (const { counts } of cluster.nodes.values()) expect(counts.givenUp).toBe(0)
      }
    }
  })

  test('that waits for a turn elsewhere, which waits for the shard in another chain, lets it in after a while (G5)', async () => {
    const { cluster, clock, gates } = town()
    const [here, asked] = idsIn(0, 2) as [number, number]
    const elsewhere = idIn(1)
    gates.open('at once')
    const calls = outcomes([keeper(cluster.at('b').system, elsewhere).walk([asked], 'soon')])
    await settled()
    const behind = outcomes([keeper(cluster.at('a').system, here).walk([elsewhere], 'at once')])
    await clock.advance(10)
    const moved = cluster.move([0], 'c', 2_000)
    await clock.advance(50)
    gates.open('soon')
    await clock.advance(900)
    expect(cluster.ownerOf(0)).toBe('a')
    await clock.advance(300)
    await moved
    expect([await calls, await behind]).toEqual([[1], [1]])
    expect(cluster.at('a').counts.givenUp).toBe(0)
  })

  test('that gave something up does not keep its writer, also when the shard is opened again (L3)', async () => {
    const { cluster, clock, gates } = town(['a'])
    const { system, ownership } = cluster.at('a')
    const id = idIn(0)
    for (const [gate, isKept] of [
      ['ends', true],
      ['never', false],
    ] as const) {
      const call = outcomes([keeper(system, id).addAt(gate, 1)])
      await settled()
      ownership.draining.add(0)
      const released = system.release([{ from: 0, to: 0 }], 100, () => undefined)
      gates.open('ends')
      await clock.advance(200)
      await Promise.all([released, call])
      cluster.callOff('a', [0])
      await keeper(system, id).kept()
      expect(cluster.store.opens.at(-1)?.mayKeepWriter).toBe(isKept)
    }
  })

  test('drops what nobody waits for', async () => {
    const { cluster, clock, gates } = town()
    const { system, log } = cluster.at('a')
    await keeper(system, idIn(0)).tellLater(idIn(1), 'effect')
    await settled()
    await Promise.all([cluster.move([0], 'b'), clock.advance(20)])
    expect(cluster.ownerOf(0)).toBe('b')
    gates.open('effect')
    await clock.advance(20)
    const told = keeper(cluster.at('b').system, idIn(1)).kept()
    await clock.advance(20)
    expect(await told).toEqual([])
    expect(log.lines.map(({ message }) => message)).toContain('an effect failed')
  })

  test('of many shards tells of each as soon as it is drained', async () => {
    const { cluster, clock, gates } = town(['a'])
    const { system } = cluster.at('a')
    const busy = keeper(system, idIn(5)).addAt('turn', 1)
    await keeper(system, idIn(6)).add(1)
    const { ownership } = cluster.at('a')
    for (let shard = 0; shard < 16; shard++) ownership.draining.add(shard)
    const released: number[] = []
    let isOver = false
    void system.release([{ from: 0, to: 15 }], 5_000, (shard) => released.push(shard)).then(() => (isOver = true))
    await clock.advance(10)
    expect(released).toHaveLength(15)
    expect([released.includes(5), isOver]).toEqual([false, false])
    gates.open('turn')
    await clock.advance(10)
    expect([released.at(-1), isOver, await busy]).toEqual([5, true, 1])
  })
})

describe('calls for shards without an owner', () => {
  test('wait in order until there is one, and no longer than their deadline (G1)', async () => {
    const { cluster, clock } = town()
    const id = idIn(0)
    cluster.give([0], undefined)
    await clock.advance(10)
    const { system, counts } = cluster.at('c')
    const soon = system.ref(Keeper, id, { deadlineMs: clock.now() + 200 }).add(1)
    const calls = outcomes([soon, keeper(system, id).add(2), keeper(system, id).add(3)])
    await clock.advance(1_000)
    expect(counts.parkedNow).toBe(2)
    cluster.give([0], 'b')
    await clock.advance(20)
    expect(await calls).toEqual(['DEADLINE_EXCEEDED', 1, 2])
    expect([counts.parkedNow, counts.mostParked]).toEqual([0, 3])
  })

  test('are bounded in count and bytes: beyond it OVERLOADED, and nothing happened (G4)', async () => {
    const { cluster, clock } = town(['a', 'b'], { limits: { parkedCalls: 3, parkedBytes: 150 } })
    cluster.give([0], undefined)
    await clock.advance(10)
    const { system } = cluster.at('b')
    const many = outcomes(idsIn(0, 5).map((id) => keeper(system, id).kept()))
    await clock.advance(50)
    cluster.give([0], 'b')
    await clock.advance(50)
    expect(await many).toEqual([[], [], [], 'OVERLOADED', 'OVERLOADED'])
    cluster.give([0], undefined)
    await clock.advance(10)
    const gate = 'x'.repeat(100)
    const large = outcomes([keeper(system, idIn(0)).slowKept(gate), keeper(system, idIn(0)).slowKept(gate)])
    await clock.advance(20_000)
    expect(await large).toEqual(['DEADLINE_EXCEEDED', 'OVERLOADED'])
    expect(cluster.at('b').counts.parkedNow).toBe(0)
  })

  test('count among those under way, with all others of their kind', async () => {
    const { cluster, clock } = town(['a', 'b'], { limits: { inFlightCalls: 8 } })
    cluster.give([0], undefined)
    await clock.advance(10)
    const { system } = cluster.at('b')
    const calls = outcomes(Array.from({ length: 8 }, () => keeper(system, idIn(0)).kept()))
    await clock.advance(20_000)
    const ends = await calls
    expect(ends.filter((each) => each === 'DEADLINE_EXCEEDED')).toHaveLength(6)
    expect(ends.filter((each) => each === 'OVERLOADED')).toHaveLength(2)
  })

  test('wait for a new owner that may not open yet where that is known first, and are never passed on', async () => {
    const { cluster, clock } = town()
    cluster.opensAtOnce = false
    cluster.give([0], 'b')
    await clock.advance(10)
    const read = keeper(cluster.at('c').system, idIn(0)).add(1)
    await clock.advance(500)
    expect([cluster.at('c').counts.parkedNow, cluster.at('b').counts.parkedNow]).toEqual([0, 1])
    // It goes to somebody else after all.
    cluster.give([0], 'a')
    await clock.advance(5)
    expect(cluster.at('b').counts.parkedNow).toBe(0)
    cluster.open('a', [0])
    await clock.advance(20)
    expect(await read).toBe(1)
    expect(cluster.sent.filter((each) => each.startsWith('b>'))).toEqual([])
  })

  test('are made again after an answer that says that nothing happened, also of a node that stops', async () => {
    for (const code of ['NOT_OWNER', 'STOPPED'] as const) {
      const { cluster, clock } = town()
      let refusals = 3
      cluster.fate = () => (refusals-- > 0 ? new ActorError(code, 'not here') : 'arrives')
      const added = keeper(cluster.at('c').system, idIn(0)).add(1)
      await clock.advance(500)
      expect(await added).toBe(1)
      expect(cluster.sent).toHaveLength(4)
    }
  })

  test('are asked again after an unknown outcome only if they read', async () => {
    const { cluster, clock } = town()
    let failures = 2
    cluster.fate = () => (failures-- > 0 ? new ActorError('OUTCOME_UNKNOWN', 'the stream ended') : 'arrives')
    const { system } = cluster.at('c')
    const calls = outcomes([keeper(system, idIn(0)).kept(), keeper(system, idIn(0)).add(1)])
    await clock.advance(500)
    expect(await calls).toEqual([[], 'OUTCOME_UNKNOWN'])
    failures = 1_000
    const late = outcomes([system.ref(Keeper, idIn(0), { deadlineMs: clock.now() + 300 }).kept()])
    await clock.advance(500)
    expect(await late).toEqual(['DEADLINE_EXCEEDED'])
  })

  test('with `ifActive` activate nothing: here, on an owner that may not open, or after a move', async () => {
    const { cluster, clock } = town()
    const id = idIn(0)
    const asked = (node: string) => cluster.at(node).system.ref(Keeper, id, { ifActive: true }).kept()
    await keeper(cluster.at('a').system, id).add(1)
    const moved = cluster.move([0], 'b')
    const during = outcomes([asked('a'), asked('c')])
    await clock.advance(300)
    await moved
    expect(await during).toEqual([undefined, undefined])
    cluster.opensAtOnce = false
    cluster.give([0], 'c')
    await clock.advance(10)
    const waiting = outcomes([asked('c'), asked('b')])
    await clock.advance(20)
    expect(await waiting).toEqual([undefined, undefined])
    expect([...cluster.nodes.values()].map(({ system }) => system.health.residents())).toEqual([0, 0, 0])
  })

  test('a node that owns nothing calls all the same', async () => {
    const { cluster, clock } = town(['a', 'gateway'])
    await Promise.all([cluster.move([...Array(16).keys()], 'a'), clock.advance(50)])
    const { system } = cluster.at('gateway')
    await system.start()
    const calls = outcomes([1, 2, 3, 4, 5].map((id) => keeper(system, id).add(id)))
    await clock.advance(50)
    expect(await calls).toEqual([1, 1, 1, 1, 1])
    expect(system.health.residents()).toBe(0)
    await system.stop()
  })
})

describe('a node whose lease was revoked', () => {
  test('abandons all at once, tells what is true, and takes shards again under new epochs', async () => {
    const { cluster, clock, gates } = town()
    const { system, ownership } = cluster.at('a')
    const there = cluster.at('c').system
    const [one, two, three, four] = idsIn(0, 4) as [number, number, number, number]
    let isStored = false
    cluster.store.fate = async (operation, actor): Promise<Fate> => {
      if (operation === 'commit' && actor.key === String(four)) await gates.pass('commit')
      return 'ok'
    }
    const calls = outcomes([
      keeper(system, one).addAt('turn', 1),
      keeper(system, one).add(2),
      keeper(system, two).slowKept('read'),
      keeper(system, three).addLater('later', 1),
      keeper(system, four)
        .add(1)
        .then(() => (isStored = true)),
      keeper(there, four).kept(),
    ])
    await clock.advance(5)
    ownership.hasLease = false
    cluster.give([0, 3, 6, 9, 12, 15], 'b')
    system.abandon()
    expect(system.health.residents()).toBe(0)
    await clock.advance(300)
    for (const gate of ['turn', 'read', 'later', 'commit']) gates.open(gate)
    await clock.advance(300)
    expect(await calls).toEqual(['NOT_OWNER', 1, 'NOT_OWNER', 'OUTCOME_UNKNOWN', 'OUTCOME_UNKNOWN', []])
    expect(isStored).toBe(false)
    // It joins again.
    ownership.hasLease = true
    await Promise.all([cluster.move([0], 'a'), clock.advance(50)])
    expect(await keeper(system, one).add(3)).toBe(2)
    expect(cluster.store.opens.at(-1)?.epoch).toBe(cluster.epochOf(0))
    expect(cluster.store.journal(`keeper/${one}`).writer?.epoch).toBe(3)
  })

  test('answers nothing that ended later under its epoch, also outside of turns', async () => {
    const { cluster, clock, gates } = town()
    const later = outcomes([keeper(cluster.at('a').system, idIn(0)).addLater('later', 1)])
    await settled()
    cluster.give([0], 'b')
    await clock.advance(10)
    gates.open('later')
    await clock.advance(10)
    expect(await later).toEqual(['OUTCOME_UNKNOWN'])
    expect(cluster.store.journal(`keeper/${idIn(0)}`).entries).toHaveLength(1)
  })

  test('ends a release that is under way', async () => {
    const { cluster, clock } = town()
    const { system, ownership } = cluster.at('a')
    const call = outcomes([keeper(system, idIn(0)).addAt('never', 1)])
    await settled()
    const moved = cluster.move([0], 'b', 60_000)
    await clock.advance(50)
    ownership.hasLease = false
    system.abandon()
    await clock.advance(50)
    await moved
    expect(await call).toEqual(['NOT_OWNER'])
  })
})

describe('what an overtaken actor sends', () => {
  test('is refused with OVERTAKEN or dropped by who knows a newer epoch, and taken by who is merely behind', async () => {
    const { cluster, clock, gates } = town(['a', 'b', 'c'])
    const got: string[] = []
    for (const node of ['a', 'b', 'c']) cluster.at(node).system.receive('sink', () => got.push(node))
    const { system } = cluster.at('c')
    const id = idIn(2)
    await keeper(system, id).tellLater(idIn(1), 'call')
    await keeper(system, id).frameLater('frame')
    await settled()
    // b learns of the new epoch first; a and the sender itself do not.
    cluster.at('b').ownership.learn(
      100,
      [...Array(16).keys()].map((shard) => ({ owner: 'b', epoch: shard === 2 ? 2 : 1 })),
    )
    gates.open('call')
    gates.open('frame')
    await clock.advance(20)
    expect(got).toEqual(['a'])
    expect(cluster.at('b').counts.overtakenFrames).toBe(1)
    expect(cluster.frames[0]?.frame.from).toEqual([1, 2])
    expect(cluster.sent.at(-1)).toContain('c>b')
    expect(cluster.at('c').log.lines.some(({ fields }) => errorCode(fields.error) === 'OVERTAKEN')).toBe(true)
    expect(cluster.store.journals.has(`keeper/${idIn(1)}`)).toBe(false)
  })

  test('does not leave when its own node knows better', async () => {
    const { cluster, clock, gates } = town()
    const got: string[] = []
    cluster.at('a').system.receive('sink', () => got.push('a'))
    const { system, counts } = cluster.at('a')
    await keeper(system, idIn(0)).tellLater(idIn(3), 'call')
    await keeper(system, idIn(0)).frameLater('frame')
    cluster.give([0], 'b')
    await clock.advance(20)
    gates.open('call')
    gates.open('frame')
    await clock.advance(20)
    expect([got, counts.overtakenFrames, cluster.frames]).toEqual([[], 2, []])
    expect(await keeper(system, idIn(3)).kept()).toEqual([])
  })
})

describe("turns of the runtime's own", () => {
  test('run on the node that owns the shard, or not at all', async () => {
    const { cluster, clock } = town(['a', 'b'], { limits: { sweepEveryMs: 10_000 } })
    for (const { system } of cluster.nodes.values()) await system.start()
    const { system } = cluster.at('a')
    const id = idIn(0)
    await keeper(system, id).remind(clock.now() + 1_000)
    await keeper(system, id).tickIn(500)
    await keeper(system, id).add(OWED)
    // Nobody knows an owner when they come due.
    cluster.give([0], undefined)
    await clock.advance(5_000)
    cluster.give([0], 'b')
    await clock.advance(200)
    const kept = keeper(system, id).kept()
    await clock.advance(50)
    expect([...(await kept)].sort((x, y) => x - y)).toEqual([OWED, RESUMED, RUNG])
    expect(cluster.sent).toEqual([`a>b keeper/${id}.kept`])
  })

  test('find what is undelivered and due in newly opened shards only, again after an error, and beside a slow sweep', async () => {
    const { cluster, clock, gates } = town(['a', 'b'], { limits: { sweepEveryMs: 1_000_000 } })
    const swept: string[] = []
    let failures = 0
    const { store } = cluster
    const { sweepUndelivered } = store
    store.sweepUndelivered = async (shards, visit) => {
      swept.push(`${shards.from}-${shards.to}`)
      if (shards.from === 2 && failures-- > 0) throw new ActorError('STORE_UNAVAILABLE', 'not now')
      return sweepUndelivered.call(store, shards, visit)
    }
    const { system } = cluster.at('a')
    await settled()
    swept.length = 0
    failures = 2
    for (const shard of [0, 2, 4]) await keeper(system, idIn(shard)).add(OWED)
    store.fate = async (operation, actor): Promise<Fate> => {
      if (operation === 'open' && actor.shard === 0) await gates.pass('open')
      return 'ok'
    }
    await Promise.all([cluster.move([0], 'b'), clock.advance(100)])
    expect(swept).toEqual(['0-0'])
    await Promise.all([cluster.move([2, 4], 'b'), clock.advance(50)])
    const resumed = (shard: number) => store.journal(`keeper/${idIn(shard)}`).entries.length === 2
    expect([resumed(0), resumed(2), resumed(4)]).toEqual([false, false, true])
    await clock.advance(5_000)
    expect(swept).toEqual(['0-0', '2-2', '4-4', '2-2', '2-2'])
    expect([resumed(0), resumed(2)]).toEqual([false, true])
    gates.open('open')
    await clock.advance(100)
    expect(resumed(0)).toBe(true)
  })
})

import { type ActorSystem, actorType, errorCode, implement, numberKey, shardOf } from '../index.js'
import { Gates } from './counter.js'
import { TestCluster } from './test-cluster.js'

/** Keeps what it is told, in order, and passes calls on. */
export interface Keeper {
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
export const Keeper = actorType<Keeper, number>('keeper', {
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
export const [OWED, RESUMED, RUNG] = [900_001, 900_002, 900_003]
const TICKED = 900_004

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

export function town(
  names: readonly string[] = ['a', 'b', 'c'],
  options: ConstructorParameters<typeof TestCluster>[2] = {},
) {
  const gates = new Gates()
  const cluster = new TestCluster(names, [keeperActor(gates)], options)
  return { cluster, gates, clock: cluster.clock }
}

/** The first ids whose actors are in the shard. */
export function idsIn(shard: number, count = 1): number[] {
  const ids: number[] = []
  for (let id = 1; ids.length < count; id++) if (shardOf('keeper', String(id), 16) === shard) ids.push(id)
  return ids
}
export const idIn = (shard: number) => idsIn(shard)[0] as number

/** What becomes of calls: their answers in the order in which they were made, or codes. */
export function outcomes(promises: readonly Promise<unknown>[]): Promise<unknown[]> {
  return Promise.all(promises.map((promise) => promise.catch((error) => errorCode(error) ?? error)))
}

export const keeper = (system: ActorSystem, id: number) => system.ref(Keeper, id)

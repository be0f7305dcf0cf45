import {
  type ActorDefinition,
  actorType,
  type Effect,
  implement,
  type Later,
  numberKey,
  refuse,
  type Turn,
} from '../index.js'

/** A counter that tests of the runtime use: it shows what is in the journal. */
export interface Counter {
  add(amount: number): Promise<number>
  /** Appends, waits for `gate(name)` to open, appends again. */
  addTwice(gate: string): Promise<number>
  total(): Promise<number>
  /** The total, by a turn. */
  totalInTurn(): Promise<number>
  /** A read that waits for a gate. */
  slowTotal(gate: string): Promise<number>
  waitFor(gate: string): Promise<number>
  fail(afterAppend: boolean, how: 'refused' | 'bug'): Promise<void>
  addLater(amount: number, gate: string): Promise<number>
}
export const Counter = actorType<Counter, number>('counter', {
  methods: {
    add: 'turn',
    addTwice: 'turn',
    total: 'read',
    totalInTurn: 'turn',
    slowTotal: 'read',
    waitFor: 'turn',
    fail: 'turn',
    addLater: 'turn',
  },
  ...numberKey,
})

export interface CounterShape {
  contract: Counter
  id: number
  state: { total: number; adds: number }
  entry: { type: 'added'; amount: number }
  memory: undefined
}

/** Gates that a test opens: turns wait at them. */
export class Gates {
  readonly #open = new Map<string, () => void>()
  readonly #passed = new Set<string>()

  pass(name: string): Promise<void> {
    if (this.#passed.has(name)) return Promise.resolve()
    return new Promise((resolve) => this.#open.set(name, resolve))
  }

  isWaiting(name: string): boolean {
    return this.#open.has(name)
  }

  open(name: string): void {
    this.#passed.add(name)
    this.#open.get(name)?.()
    this.#open.delete(name)
  }
}

export function counterActor(
  gates: Gates,
  more: Partial<ActorDefinition<CounterShape>> = {},
): ActorDefinition<CounterShape> {
  const added = (turn: Turn<CounterShape>, amount: number) => turn.append({ type: 'added', amount })
  return implement<CounterShape>({
    type: Counter,
    state: {
      version: 1,
      initial: () => ({ total: 0, adds: 0 }),
      apply(state, entry) {
        state.total += entry.amount
        state.adds++
        return state
      },
    },
    methods: {
      add(turn, amount) {
        added(turn, amount)
        return turn.state.total
      },
      async addTwice(turn, gate) {
        added(turn, 1)
        await gates.pass(gate)
        added(turn, 1)
        return turn.state.total
      },
      total: (turn) => turn.state.total,
      totalInTurn: (turn) => turn.state.total,
      async slowTotal(turn, gate) {
        await gates.pass(gate)
        return turn.state.total
      },
      async waitFor(turn, gate) {
        await gates.pass(gate)
        return turn.state.total
      },
      fail(turn, afterAppend, how) {
        if (afterAppend) added(turn, 1)
        throw how === 'refused' ? refusal() : new RangeError('a bug')
      },
      addLater(turn, amount, gate): Later<number> {
        added(turn, amount)
        const { total } = turn.state
        return turn.later(async (_effect: Effect) => {
          await gates.pass(gate)
          return total
        })
      },
    },
    ...more,
  })
}

function refusal(): Error {
  try {
    refuse('NOT_TODAY')
  } catch (error) {
    return error as Error
  }
}

import { actorType, implement, numberKey } from '../../runtime/index.js'

/** A number that only ever grows, in memory: a call is all that there is to it. */
export interface Tally {
  add(amount: number): Promise<number>
  addAfterWaiting(amount: number): Promise<number>
  total(): Promise<number>
}
export const Tally = actorType<Tally, number>('tally', {
  methods: { add: 'turn', addAfterWaiting: 'turn', total: 'read' },
  ...numberKey,
})

interface TallyShape {
  contract: Tally
  id: number
  state: undefined
  entry: never
  memory: { total: number }
}

export const tallyActor = implement<TallyShape>({
  type: Tally,
  state: { version: 1, initial: () => undefined, apply: () => undefined },
  memory: () => ({ total: 0 }),
  methods: {
    add: ({ memory }, amount) => {
      memory.total += amount
      return memory.total
    },
    async addAfterWaiting({ memory }, amount) {
      await undefined
      memory.total += amount
      return memory.total
    },
    total: ({ memory }) => memory.total,
  },
})

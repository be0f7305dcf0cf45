import { implement } from '../../runtime/index.js'
import { ACCOUNT_SHARDS, ID_KINDS, IdAllocator, type IdSeries, KIND_OF } from './contract.js'

/** Ids begin above all those that Telegram gives a meaning of its own (777000 and the like). */
const FIRST_COUNTER = 1000
/** Reserved by one entry: a crash loses at most the rest of a batch. */
const BATCH = 64

interface IdAllocatorShape {
  contract: IdAllocator
  id: IdSeries
  /** The first counter that no entry has reserved. */
  state: { readonly reserved: number }
  entry: { readonly type: 'reserved'; readonly upTo: number }
  /** The next counter of the batch that this activation reserved, and where it ends. */
  memory: { next: number; end: number }
}

export const idAllocatorActor = implement<IdAllocatorShape>({
  type: IdAllocator,
  state: {
    version: 1,
    initial: () => ({ reserved: FIRST_COUNTER }),
    apply: (_state, { upTo }) => ({ reserved: upTo }),
  },
  memory: () => ({ next: 0, end: 0 }),
  methods: {
    next(turn) {
      const { state, memory, id } = turn
      if (memory.next === memory.end) {
        memory.next = state.reserved
        memory.end = state.reserved + BATCH
        turn.append({ type: 'reserved', upTo: memory.end })
      }
      return (memory.next++ * ID_KINDS + KIND_OF[id.purpose]) * ACCOUNT_SHARDS + id.shard
    },
  },
})

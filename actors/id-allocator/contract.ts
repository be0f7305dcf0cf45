import { actorType } from '../../runtime/index.js'

/**
 * Allots ids: one actor a (purpose, shard), so that `id % 1024` is the account's shard and a region can own a range of
 * shards. Ids are never given twice; some may be lost.
 */
export interface IdAllocator {
  next(): Promise<number>
}

export interface IdSeries {
  readonly purpose: 'user' | 'group'
  /** 0 to 1023. */
  readonly shard: number
}

export const ACCOUNT_SHARDS = 1024

/**
 * No number names both a user and a group: mtcute 0.30.3 keeps both in one cache by the bare number, and takes one for
 * the other. id = (counter x ID_KINDS + kind) x 1024 + shard; the kinds above are kept for channels and what follows.
 */
export const ID_KINDS = 4
export const KIND_OF: Readonly<Record<IdSeries['purpose'], number>> = { user: 0, group: 1 }

export const IdAllocator = actorType<IdAllocator, IdSeries>('id-allocator', {
  methods: { next: 'turn' },
  key: ({ purpose, shard }) => `${purpose}-${shard}`,
  parse: (key) => {
    const match = /^(user|group)-([0-9]{1,4})$/.exec(key)
    const shard = Number(match?.[2])
    if (!match || !(shard < ACCOUNT_SHARDS)) throw new TypeError(`bad id series ${JSON.stringify(key)}`)
    return { purpose: match[1] as IdSeries['purpose'], shard }
  },
})

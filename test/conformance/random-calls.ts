import { isLong, RandomObjects, readHistory, type Shape } from '../../gateway/tl/testing/index.js'
import type { TlObject } from '../harness/index.js'

/** What exists, so that random calls get past the first check: peers that the caller may name, and message ids. */
export interface Surroundings {
  readonly peers: readonly TlObject[]
  readonly users: readonly TlObject[]
  readonly groups: readonly number[]
  readonly messageIds: number
  readonly usernames: readonly string[]
  readonly phones: readonly string[]
}

/** Random calls of a method: valid by the schema, and in some part about what exists. */
export class RandomCalls {
  readonly #objects: RandomObjects
  readonly #shapes: ReadonlyMap<string, Shape>
  readonly #around: Surroundings
  #state: number

  constructor(layer: string, around: Surroundings, seed: number) {
    const shapes = readHistory().filter(({ layers }) => layers === 'mtproto' || layers.endsWith(layer))
    this.#objects = new RandomObjects(shapes, undefined, { emptyOptionalVectors: true })
    this.#shapes = new Map(shapes.filter(({ isMethod }) => isMethod).map((shape) => [shape.name, shape]))
    this.#around = around
    this.#state = seed
  }

  next(method: string): TlObject {
    const shape = this.#shapes.get(method)
    if (!shape) throw new Error(`The schema has no ${method}`)
    const random = this.#objects.object(shape, this.#below(2 ** 30)) as TlObject
    // One in four stays as wild as it came.
    return this.#below(4) === 0 ? random : (this.#tamed(random, '') as TlObject)
  }

  #tamed(value: unknown, field: string): unknown {
    const { peers, users, groups, messageIds, usernames, phones } = this.#around
    if (Array.isArray(value)) return value.map((item) => this.#tamed(item, field))
    if (Buffer.isBuffer(value)) return value
    if (typeof value === 'number') {
      if (field === 'chatId') return this.#one(groups)
      if (/date|until/i.test(field)) return this.#one([0, 1, Math.floor(Date.now() / 1000) + this.#below(100), value])
      return this.#one([this.#below(messageIds + 2), this.#below(messageIds + 2), -1, 0, 2 ** 31 - 1, value])
    }
    if (typeof value === 'string') {
      if (isLong(value)) return value
      if (/username|^q$/i.test(field)) return this.#one([...usernames, value])
      return /phone/i.test(field) ? this.#one([...phones, value]) : this.#one([value, 'hello', ''])
    }
    if (typeof value !== 'object' || value === null) return value
    const { _ } = value as TlObject
    if (_.startsWith('inputPeer') && !_.startsWith('inputPeerNotify')) return this.#one(peers)
    if (_.startsWith('inputUser')) return this.#one(users)
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [name, name === '_' ? inner : this.#tamed(inner, name)]),
    )
  }

  #one<T>(items: readonly T[]): T {
    return items[this.#below(items.length)]!
  }

  #below(limit: number): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((this.#state / 2 ** 32) * limit)
  }
}

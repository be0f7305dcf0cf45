import { decode, encode } from '../../runtime/index.js'
import { checkedName } from '../ports/checks.js'
import type { NameDirectory, NameKey, NameRecord } from '../ports/name-directory.js'
import type { OrderedKv } from '../ports/ordered-kv.js'
import { directoryKey } from './keys.js'

/** As it is stored; without a holder once it was released, so that tokens go on rising (D2). */
interface Stored extends Omit<NameRecord, 'holder'> {
  readonly holder?: number
}

/**
 * NameDirectory on an ordered KV.
 *
 * E1. Steps of one name run one after another: each reads what the one before wrote. The KV keeps their order too, so that
 *     a write of unknown fate never lands on a later one.
 */
export class EmbeddedNameDirectory implements NameDirectory {
  readonly #kv: OrderedKv
  /** The last step of each name that is under way; as many as there are callers. */
  readonly #running = new Map<string, Promise<unknown>>()

  constructor(kv: OrderedKv) {
    this.#kv = kv
  }

  async find(names: readonly NameKey[]): Promise<readonly (NameRecord | undefined)[]> {
    return names.map(({ kind, name }) => held(this.#read(directoryKey(kind, checkedName(name)))))
  }

  async reserve({
    kind,
    name,
    user,
    atMs,
  }: NameKey & { readonly user: number; readonly atMs: number }): Promise<NameRecord> {
    return this.#step({ kind, name }, async (before, write) => {
      const record = held(before)
      if (record && record.holder !== user) return record
      const token = Math.max((before?.token ?? 0) + 1, atMs)
      const after: NameRecord = { holder: user, owned: record?.owned ?? false, token, reservedAtMs: atMs }
      await write(after)
      return after
    })
  }

  async confirm({ kind, name, user, token }: NameKey & { readonly user: number; readonly token: number }) {
    await this.#step({ kind, name }, async (before, write) => {
      if (before?.holder !== user) return
      const { reservedAtMs, ...rest } = before
      const isOpen = reservedAtMs !== undefined && before.token > token
      await write({ ...rest, owned: true, ...(isOpen && { reservedAtMs }) })
    })
  }

  async release({ kind, name, user, upTo }: NameKey & { readonly user: number; readonly upTo: number }) {
    await this.#step({ kind, name }, async (before, write) => {
      if (before?.holder === user && before.token <= upTo) await write({ owned: false, token: before.token })
    })
  }

  #read(key: Buffer): Stored | undefined {
    const value = this.#kv.get(key)
    return value && (decode(value) as Stored)
  }

  /** E1. */
  async #step<T>(
    { kind, name }: NameKey,
    run: (before: Stored | undefined, write: (after: Stored) => Promise<void>) => Promise<T>,
  ): Promise<T> {
    const key = directoryKey(kind, checkedName(name))
    const id = key.toString('latin1')
    const go = () => run(this.#read(key), (after) => this.#kv.write([{ key, value: encode(after) }]))
    const step = (this.#running.get(id) ?? Promise.resolve()).then(go, go)
    this.#running.set(id, step)
    try {
      return await step
    } finally {
      if (this.#running.get(id) === step) this.#running.delete(id)
    }
  }
}

function held(stored: Stored | undefined): NameRecord | undefined {
  return stored?.holder === undefined ? undefined : { ...stored, holder: stored.holder }
}

import { decode, encode } from '../../runtime/index.js'
import { isAfter } from '../order.js'
import type { AccountRow, AccountStore, AskedAccount } from '../ports/account-store.js'
import { checkedRow } from '../ports/checks.js'
import type { OrderedKv } from '../ports/ordered-kv.js'
import { accountKey } from './keys.js'

/**
 * AccountStore on an ordered KV.
 *
 * E1. What is read is flushed, and a write that is under way may be newer: versions under way are kept until they are
 *     settled, so that an older row never lands on a newer one (A1).
 */
export class EmbeddedAccounts implements AccountStore {
  readonly #kv: OrderedKv
  readonly #underWay = new Map<number, { row: AccountRow; written: Promise<void> }>()

  constructor(kv: OrderedKv) {
    this.#kv = kv
  }

  async put(row: AccountRow): Promise<void> {
    const { id, version } = checkedRow(row)
    const pending = this.#underWay.get(id)
    if (pending && !isAfter(version, pending.row.version)) return pending.written
    const stored = this.#read(id)
    if (stored && !isAfter(version, stored.version)) return
    const written = this.#kv.write([{ key: accountKey(id), value: encode(row) }])
    const entry = { row, written }
    this.#underWay.set(id, entry)
    try {
      await written
    } finally {
      if (this.#underWay.get(id) === entry) this.#underWay.delete(id)
    }
  }

  async get(asked: readonly AskedAccount[]): Promise<readonly (AccountRow | undefined)[]> {
    return asked.map(({ id, atLeast }) => {
      const row = this.#read(id)
      return row && atLeast && isAfter(atLeast, row.version) ? undefined : row
    })
  }

  #read(id: number): AccountRow | undefined {
    const value = this.#kv.get(accountKey(id))
    return value && (decode(value) as AccountRow)
  }
}

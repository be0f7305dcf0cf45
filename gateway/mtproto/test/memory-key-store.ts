import type { AuthKeyRecord, AuthKeyStore, ClientInfo, NewAuthKey, TemporaryBinding } from '../auth-key-store.js'
import type { Long } from '../long.js'

/** The store's port over a map, for tests. Each step takes a turn of the event loop, as a real one would. */
export class MemoryKeyStore implements AuthKeyStore {
  readonly records = new Map<Long, AuthKeyRecord>()
  /** Set to have every call rejected. */
  broken = false
  loads = 0

  async create(key: NewAuthKey): Promise<void> {
    await this.#turn()
    this.records.set(key.id, { ...key, key: Buffer.from(key.key), layer: 0, userId: 0 })
  }

  async load(id: Long): Promise<AuthKeyRecord | undefined> {
    this.loads++
    await this.#turn()
    return this.records.get(id)
  }

  async bindTemporary({ temporaryKeyId, permanentKeyId, expiresAtSeconds }: TemporaryBinding): Promise<void> {
    await this.#turn()
    this.#change(temporaryKeyId, { permanentKeyId, expiresAtSeconds })
  }

  async remember(id: Long, facts: { readonly layer: number; readonly client?: ClientInfo }): Promise<void> {
    await this.#turn()
    this.#change(id, facts)
  }

  async destroy(id: Long): Promise<void> {
    await this.#turn()
    this.records.delete(id)
  }

  #change(id: Long, change: Partial<AuthKeyRecord>) {
    const record = this.records.get(id)
    if (record) this.records.set(id, { ...record, ...change })
  }

  async #turn() {
    await new Promise((resolve) => setImmediate(resolve))
    if (this.broken) throw new Error('the store does not answer')
  }
}

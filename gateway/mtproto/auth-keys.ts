import type { Clock } from '../../runtime/index.js'
import { AuthKey } from './auth-key.js'
import type { AuthKeyPatch, AuthKeyRecord, AuthKeyStore } from './auth-key-store.js'
import type { AuthKeys } from './gateway.js'
import type { MtprotoLimits } from './limits.js'
import type { Long } from './long.js'
import type { MtprotoSession } from './session.js'
import type { Session } from './session-view.js'

const REFRESHED_AT_MOST_EVERY_MS = 1000

/** The store is asked for too many keys at once. */
export class AuthKeyLoadsExhausted extends Error {
  constructor() {
    super('too many auth keys are being loaded')
    this.name = 'AuthKeyLoadsExhausted'
  }
}

interface Load {
  key: Promise<AuthKey | undefined>
  dropped: boolean
  /** What was changed meanwhile. */
  patch: AuthKeyPatch | undefined
}

/**
 * Auth keys in memory, in front of the store.
 *
 * 1. A key that a session or a cached bound key refers to stays; of the others the least recently used go first.
 * 2. There is one `AuthKey` an id at any time.
 * 3. Where gateways share their clients, a key that no session here uses any more is read again before it is used.
 * 4. What is changed or dropped while a key is being loaded holds for what that load brings: it is read again after a
 *    drop, and changed as told before anybody sees it.
 */
export class AuthKeyCache implements AuthKeys {
  readonly #store: AuthKeyStore
  readonly #clock: Clock
  readonly #limits: MtprotoLimits
  readonly #isShared: boolean
  readonly #used = new Map<Long, AuthKey>()
  /** In order of use, the oldest first. */
  readonly #idle = new Map<Long, AuthKey>()
  readonly #loading = new Map<Long, Load>()
  /** Tells sessions what became of their key. */
  onUserChanged: (session: MtprotoSession) => void = () => {}
  onDropped: (session: MtprotoSession) => void = () => {}

  constructor(store: AuthKeyStore, clock: Clock, limits: MtprotoLimits, isShared = false) {
    this.#store = store
    this.#clock = clock
    this.#limits = limits
    this.#isShared = isShared
  }

  get size(): number {
    return this.#used.size + this.#idle.size
  }

  /** The key if it is in memory. */
  cached(id: Long): AuthKey | undefined {
    return this.#used.get(id) ?? this.#touch(id)
  }

  /** The key, from the store if need be. Rejects when the store does, or with AuthKeyLoadsExhausted. */
  load(id: Long): Promise<AuthKey | undefined> {
    const cached = this.cached(id)
    if (cached) return Promise.resolve(cached)
    const loading = this.#loading.get(id)
    if (loading) return loading.key
    if (this.#loading.size >= this.#limits.authKeyLoadsInFlight) return Promise.reject(new AuthKeyLoadsExhausted())
    const load: Load = { key: Promise.resolve(undefined), dropped: false, patch: undefined }
    this.#loading.set(id, load)
    load.key = this.#load(id, load).finally(() => this.#loading.delete(id))
    return load.key
  }

  /** Takes in a key that was just created. */
  add(key: AuthKey): void {
    this.#idle.set(key.id, key)
    this.#evict()
  }

  /** Ties a temporary key to its permanent one; the temporary one's sessions move along. */
  bind(temporary: AuthKey, permanent: AuthKey): void {
    if (temporary.permanent === permanent) return
    const sessions = temporary.owner.sessions?.filter((session) => session.key === temporary) ?? []
    for (const session of sessions) this.#untie(temporary.owner, session)
    if (temporary.permanent) this.#unbind(temporary)
    temporary.permanent = permanent
    permanent.boundKeys++
    this.#settle(permanent)
    for (const session of sessions) this.#tie(permanent, session)
    this.#settle(temporary)
  }

  /**
   * Asks the store what other gateways may have changed of a key: who is signed in on it, what it is bound to. True if
   * there was something. A key is asked for again only after a while. Rejects when the store does.
   */
  async refresh(key: AuthKey): Promise<boolean> {
    const nowMs = this.#clock.monotonic()
    if (!this.#isShared || nowMs - key.checkedMs < REFRESHED_AT_MOST_EVERY_MS) return false
    key.checkedMs = nowMs
    const record = await this.#store.load(key.id)
    if (!record) return false
    if (record.permanentKeyId !== undefined && !key.permanent) {
      const permanent = await this.load(record.permanentKeyId)
      if (!permanent || key.permanent) return false
      this.bind(key, permanent)
      for (const session of permanent.sessions ?? []) if (session.key === key) session.updateReadiness()
      return true
    }
    if (record.userId === key.userId || record.userId === 0) return false
    this.update(key.id, { userId: record.userId, layer: record.layer })
    return true
  }

  tie(session: MtprotoSession): void {
    this.#tie(session.key.owner, session)
    this.#settle(session.key)
  }

  untie(session: MtprotoSession): void {
    this.#untie(session.key.owner, session)
    this.#settle(session.key)
  }

  update(id: Long, patch: AuthKeyPatch): void {
    const loading = this.#loading.get(id)
    if (loading) loading.patch = { ...loading.patch, ...patch }
    const key = this.cached(id)
    if (!key) return
    const userBefore = key.userId
    apply(patch, key)
    if (key.userId !== userBefore) for (const session of [...(key.sessions ?? [])]) this.onUserChanged(session)
  }

  drop(id: Long): void {
    const loading = this.#loading.get(id)
    if (loading) loading.dropped = true
    const key = this.cached(id)
    if (!key) return
    for (const session of [...(key.sessions ?? [])]) this.onDropped(session)
    if (key.permanent) this.#unbind(key)
    this.#used.delete(id)
    this.#idle.delete(id)
    if (key.boundKeys > 0) for (const other of this.#boundTo(key)) this.drop(other.id)
  }

  sessions(id: Long): readonly Session[] {
    return this.cached(id)?.sessions ?? []
  }

  async #load(id: Long, load: Load): Promise<AuthKey | undefined> {
    load.dropped = false
    load.patch = undefined
    const record = await this.#store.load(id)
    if (load.dropped) return this.#load(id, load)
    if (!record) return undefined
    const permanentId = record.permanentKeyId
    const permanent = permanentId === undefined ? undefined : await this.load(permanentId)
    // A temporary key whose permanent one is gone stands for nobody.
    if (permanentId !== undefined && !permanent) return undefined
    if (load.dropped) return this.#load(id, load)
    const cached = this.cached(id)
    if (cached) return cached
    const key = keyOf(record)
    if (load.patch) apply(load.patch, key)
    if (permanent) {
      key.permanent = permanent
      permanent.boundKeys++
      this.#settle(permanent)
    }
    this.add(key)
    return key
  }

  *#boundTo(permanent: AuthKey): Generator<AuthKey> {
    for (const keys of [this.#used, this.#idle]) {
      for (const key of [...keys.values()]) if (key.permanent === permanent) yield key
    }
  }

  #unbind(temporary: AuthKey) {
    const permanent = temporary.permanent!
    temporary.permanent = undefined
    permanent.boundKeys--
    this.#settle(permanent)
  }

  #tie(owner: AuthKey, session: MtprotoSession) {
    if (owner.sessions) owner.sessions.push(session)
    else owner.sessions = [session]
    this.#settle(owner)
  }

  #untie(owner: AuthKey, session: MtprotoSession) {
    const at = owner.sessions?.indexOf(session) ?? -1
    if (at < 0) return
    if (owner.sessions!.length === 1) owner.sessions = undefined
    else owner.sessions!.splice(at, 1)
    this.#settle(owner)
  }

  /** Puts a key where it belongs: among the used or the idle ones. */
  #settle(key: AuthKey) {
    if (!this.#used.has(key.id) && !this.#idle.has(key.id)) return
    const used =
      key.boundKeys > 0 ||
      (key.owner.sessions?.some((session) => session.key === key) ?? false) ||
      key.sessions !== undefined
    if (used) {
      this.#idle.delete(key.id)
      this.#used.set(key.id, key)
      key.isStale = false
    } else if (this.#used.delete(key.id)) {
      key.isStale = this.#isShared
      this.#idle.set(key.id, key)
      this.#evict()
    }
  }

  #touch(id: Long): AuthKey | undefined {
    const key = this.#idle.get(id)
    if (!key) return undefined
    this.#idle.delete(id)
    if (key.isStale) {
      if (key.permanent) this.#unbind(key)
      return undefined
    }
    this.#idle.set(id, key)
    return key
  }

  #evict() {
    while (this.size > this.#limits.authKeysCached && this.#idle.size > 0) {
      const [id, key] = this.#idle.entries().next().value!
      this.#idle.delete(id)
      if (key.permanent) this.#unbind(key)
    }
  }
}

function apply(patch: AuthKeyPatch, key: AuthKey) {
  if (patch.layer !== undefined) key.layer = patch.layer
  if (patch.client !== undefined) key.client = patch.client
  if (patch.userId !== undefined) key.userId = patch.userId
}

function keyOf(record: AuthKeyRecord): AuthKey {
  const key = new AuthKey(record.id, record.key, record.expiresAtSeconds)
  key.layer = record.layer
  key.userId = record.userId
  key.client = record.client
  return key
}

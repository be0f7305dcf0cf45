/**
 * The people and groups that answers name, as one viewer may see them.
 *
 * P1. An answer carries every user and group that it names, in full: `load` leaves none out. One that is gone or that
 *     was never there comes as a deleted user, a group that the viewer may not see as chatForbidden.
 * P2. What is cached is at most `freshMs` old, and is dropped when its owner says that it changed (sink `profile`).
 *     A load that was under way at that moment is not kept.
 * P3. The caches are bounded in count.
 */
import { groupChat } from '../../actors/chat/chat-id.js'
import { Chat, type GroupInfo } from '../../actors/chat/contract.js'
import { type Presence, type Relation, SERVICE_USER_ID, User, type UserProfile } from '../../actors/user/contract.js'
import type { Clock } from '../../runtime/index.js'
import type { tl } from '../tl/index.js'
import type { AccessHashes } from './access-hash.js'
import type { ActorCalls, CallScope } from './actor-calls.js'
import { Lru } from './lru.js'
import type { PeerSet } from './peer-set.js'
import { presentGroup } from './present/group.js'
import { presentUser } from './present/user.js'

export interface PeopleLimits {
  readonly freshMs: number
  readonly profiles: number
  /** One a (viewer, user) and one a (viewer, group). */
  readonly relations: number
  readonly groups: number
}

export const defaultPeopleLimits: PeopleLimits = {
  freshMs: 30_000,
  profiles: 100_000,
  relations: 200_000,
  groups: 100_000,
}

/** Who looks, and within which deadline actors are asked. */
export interface Viewer extends CallScope {
  readonly self: number
}

export interface LoadedPeople {
  readonly users: tl.TypeUser[]
  readonly chats: tl.TypeChat[]
}

interface Cached<T> {
  readonly value: Promise<T>
  /** Monotonic. */
  readonly untilMs: number
}

const SERVICE_PROFILE: UserProfile = {
  id: SERVICE_USER_ID,
  firstName: 'Telegram',
  lastName: '',
  about: '',
  phone: '42777',
  username: '',
  closed: false,
  presence: { kind: 'empty', atMs: 0 },
}

export class People {
  readonly #actors: ActorCalls
  readonly #clock: Clock
  readonly #hashes: AccessHashes
  readonly #limits: PeopleLimits
  readonly #profiles: Lru<number, Cached<UserProfile | undefined>>
  readonly #relations: Lru<string, Cached<Relation>>
  readonly #groups: Lru<string, Cached<GroupInfo | undefined>>
  /** Rises when a group changes: it is part of the key, so that all viewers' copies are forgotten at once. */
  readonly #groupTurns: Lru<number, number>
  #groupTurn = 0

  constructor(actors: ActorCalls, clock: Clock, hashes: AccessHashes, limits: Partial<PeopleLimits> = {}) {
    this.#actors = actors
    this.#clock = clock
    this.#hashes = hashes
    this.#limits = { ...defaultPeopleLimits, ...limits }
    this.#profiles = new Lru(this.#limits.profiles)
    this.#relations = new Lru(this.#limits.relations)
    this.#groups = new Lru(this.#limits.groups)
    this.#groupTurns = new Lru(this.#limits.groups)
  }

  /** All of `set`, ready for an answer to the viewer (P1). */
  async load(viewer: Viewer, set: PeerSet): Promise<LoadedPeople> {
    const groups = await Promise.all([...set.groups].map((id) => this.#groupFor(viewer, id)))
    const users = await this.users(viewer, [...set.users])
    return { users, chats: groups }
  }

  /** These users, in order. */
  async users(viewer: Viewer, ids: readonly number[]): Promise<tl.RawUser[]> {
    const [profiles, relations] = await Promise.all([
      Promise.all(ids.map((id) => this.profile(viewer, id))),
      this.relations(viewer, ids),
    ])
    const mutual = await Promise.all(relations.map((relation) => this.#isMutual(viewer, relation)))
    const nowMs = this.#clock.now()
    return ids.map((id, at) =>
      presentUser({
        id,
        self: viewer.self,
        accessHash: this.#hashes.ofUser(viewer.self, id),
        profile: profiles[at],
        relation: relations[at]!,
        mutual: mutual[at]!,
        nowMs,
      }),
    )
  }

  profile(scope: CallScope, id: number): Promise<UserProfile | undefined> {
    if (id === SERVICE_USER_ID) return Promise.resolve(SERVICE_PROFILE)
    return this.#through(this.#profiles, id, () => this.#actors.ref(User, id, scope).profile())
  }

  /** How the viewer sees these users, in order; those that are not cached are asked for in one call. */
  async relations(viewer: Viewer, ids: readonly number[]): Promise<readonly Relation[]> {
    const missing = ids.filter((id) => id !== viewer.self && !this.#fresh(this.#relations.get(key(viewer.self, id))))
    if (missing.length > 0) {
      const asked = this.#actors.ref(User, viewer.self, viewer).relations(missing)
      missing.forEach((id, at) => {
        const one = asked.then((all) => all[at] ?? { user: id, blocked: false })
        this.#keep(this.#relations, key(viewer.self, id), one)
      })
    }
    return Promise.all(
      ids.map((user) => this.#relations.get(key(viewer.self, user))?.value ?? { user, blocked: false }),
    )
  }

  /** The group as the viewer may see it; undefined where there is none. */
  group(viewer: Viewer, id: number): Promise<GroupInfo | undefined> {
    return this.#through(this.#groups, this.#groupKey(viewer.self, id), () =>
      this.#actors.ref(Chat, groupChat(id), viewer).group({ viewer: viewer.self }),
    )
  }

  /** A cached profile takes the presence that was just told. */
  notePresence(id: number, presence: Presence): void {
    const known = this.#profiles.get(id)
    if (!known) return
    const value = known.value.then((profile) => profile && { ...profile, presence })
    value.catch(() => this.#profiles.delete(id))
    this.#profiles.set(id, { ...known, value })
  }

  forgetUser(id: number): void {
    this.#profiles.delete(id)
  }

  forgetGroup(id: number): void {
    this.#groupTurns.set(id, ++this.#groupTurn)
  }

  /** What this one viewer saw of the group is older than what it is about to be told. */
  forgetGroupFor(viewer: number, id: number): void {
    this.#groups.delete(this.#groupKey(viewer, id))
  }

  /** The viewer's contact card or block of the user changed. */
  forgetRelation(viewer: number, user: number): void {
    this.#relations.delete(key(viewer, user))
  }

  #groupKey(viewer: number, id: number): string {
    return `${this.#groupTurns.get(id) ?? 0} ${key(viewer, id)}`
  }

  async #groupFor(viewer: Viewer, id: number): Promise<tl.TypeChat> {
    return presentGroup(id, await this.group(viewer, id))
  }

  async #isMutual(viewer: Viewer, relation: Relation): Promise<boolean> {
    if (!relation.contact || relation.user === SERVICE_USER_ID) return false
    const [back] = await this.relations({ ...scopeOf(viewer), self: relation.user }, [viewer.self])
    return back?.contact !== undefined
  }

  #through<Key, T>(cache: Lru<Key, Cached<T>>, id: Key, load: () => Promise<T>): Promise<T> {
    const known = cache.get(id)
    if (known && this.#fresh(known)) return known.value
    return this.#keep(cache, id, load())
  }

  /** P2: the promise itself is kept, so dropping the entry drops what is under way; a failure is not kept. */
  #keep<Key, T>(cache: Lru<Key, Cached<T>>, id: Key, value: Promise<T>): Promise<T> {
    const entry = { value, untilMs: this.#clock.monotonic() + this.#limits.freshMs }
    cache.set(id, entry)
    value.catch(() => {
      if (cache.get(id) === entry) cache.delete(id)
    })
    return value
  }

  #fresh(entry: Cached<unknown> | undefined): boolean {
    return entry !== undefined && this.#clock.monotonic() < entry.untilMs
  }
}

function key(viewer: number, id: number): string {
  return `${viewer} ${id}`
}

function scopeOf({ deadlineMs, traceId }: CallScope): CallScope {
  return { deadlineMs, traceId }
}

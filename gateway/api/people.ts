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
import type { Clock, Position, Soon } from '../../runtime/index.js'
import type { tl } from '../tl/index.js'
import type { AccessHashes } from './access-hash.js'
import type { ActorCalls, CallScope } from './actor-calls.js'
import { type Fresh, FreshCache } from './fresh-cache.js'
import { Lru } from './lru.js'
import type { PeerSet } from './peer-set.js'
import { newer, type PresenceLookUp } from './presence-board.js'
import { presentGroup } from './present/group.js'
import { HIDDEN_PRESENCE, presentUser } from './present/user.js'
import type { Profiles } from './profiles.js'

export interface PeopleLimits {
  readonly freshMs: number
  readonly profiles: number
  /** One a (viewer, user) and one a (viewer, group). */
  readonly relations: number
  readonly groups: number
  /** Users ready to be written, one a (viewer, user), some 500 bytes each. */
  readonly presented: number
}

const defaultPeopleLimits: PeopleLimits = {
  freshMs: 30_000,
  profiles: 100_000,
  relations: 200_000,
  groups: 100_000,
  presented: 50_000,
}

/** A user as a viewer sees it, as long as the profile that it was made of is the newest. */
interface Presented {
  readonly user: tl.RawUser
  readonly profile: Fresh<UserProfile | undefined>
  /** Monotonic: the relations that it was made of, or what it says of being online, is old from then on. */
  readonly untilMs: number
}

/** Who looks, and within which deadline actors are asked. */
export interface Viewer extends CallScope {
  readonly self: number
}

export interface LoadedPeople {
  readonly users: tl.TypeUser[]
  readonly chats: tl.TypeChat[]
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
  readonly #board: PresenceLookUp | undefined
  readonly #source: Profiles
  readonly #profiles: FreshCache<number, UserProfile | undefined>
  readonly #relations: FreshCache<string, Relation>
  readonly #groups: FreshCache<string, GroupInfo | undefined>
  /** Users as viewers see them: made once, not for each message. */
  readonly #presented: Lru<string, Presented>
  /** Rises when a group changes: it is part of the key, so that all viewers' copies are forgotten at once. */
  readonly #groupTurns: Lru<number, number>
  #groupTurn = 0

  constructor(
    actors: ActorCalls,
    clock: Clock,
    hashes: AccessHashes,
    source: Profiles,
    limits: Partial<PeopleLimits> = {},
    board?: PresenceLookUp,
  ) {
    this.#actors = actors
    this.#clock = clock
    this.#hashes = hashes
    this.#board = board
    this.#source = source
    const { profiles, relations, groups, presented, freshMs } = { ...defaultPeopleLimits, ...limits }
    this.#profiles = new FreshCache(clock, profiles, freshMs)
    this.#relations = new FreshCache(clock, relations, freshMs)
    this.#groups = new FreshCache(clock, groups, freshMs)
    this.#presented = new Lru(presented)
    this.#groupTurns = new Lru(groups)
  }

  /** All of `set`, ready for an answer to the viewer (P1). */
  load(viewer: Viewer, set: PeerSet): Soon<LoadedPeople> {
    const users = this.#usersNow(viewer, set.users)
    return users !== undefined && set.groups.size === 0 ? { users, chats: [] } : this.#loadAll(viewer, set, users)
  }

  async #loadAll(viewer: Viewer, set: PeerSet, known: tl.RawUser[] | undefined): Promise<LoadedPeople> {
    const [users, chats] = await Promise.all([
      known ?? this.users(viewer, [...set.users]),
      Promise.all([...set.groups].map((id) => this.#groupFor(viewer, id))),
    ])
    return { users, chats }
  }

  /** These users, in order. */
  async users(viewer: Viewer, ids: readonly number[]): Promise<tl.RawUser[]> {
    const [profiles, relations, presences] = await Promise.all([
      Promise.all(ids.map((id) => this.profile(viewer, id))),
      this.relations(viewer, ids),
      this.#board?.of(ids),
    ])
    const mutual = await Promise.all(relations.map((relation) => this.#isMutual(viewer, relation)))
    return ids.map((id, at) => {
      const [profile, noted] = [profiles[at], presences?.[at]]
      const shown = profile && noted && { ...profile, presence: newer(profile.presence, noted) }
      return this.#present(viewer, id, shown ?? profile, relations[at]!, mutual[at]!)
    })
  }

  /**
   * When these people were there, in order, as the viewer may see it; undefined for those who are no more. The actors of
   * those whom the cache of presence knows are left asleep.
   */
  async presences(viewer: Viewer, ids: readonly number[]): Promise<readonly (Presence | undefined)[]> {
    const [noted, relations] = await Promise.all([this.#board?.of(ids), this.relations(viewer, ids)])
    return Promise.all(
      ids.map(async (id, at) => {
        if (relations[at]?.blocksMe) return HIDDEN_PRESENCE
        if (noted?.[at]) return noted[at]
        const profile = await this.profile(viewer, id)
        if (!profile || profile.closed) return undefined
        this.#board?.learn(id, profile.presence)
        return profile.presence
      }),
    )
  }

  profile(scope: CallScope, id: number): Soon<UserProfile | undefined> {
    if (id === SERVICE_USER_ID) return SERVICE_PROFILE
    return this.#profiles.through(id, () => this.#source.load(scope, id))
  }

  /** How the viewer sees these users, in order; those that are not cached are asked for in one call. */
  async relations(viewer: Viewer, ids: readonly number[]): Promise<readonly Relation[]> {
    const missing = ids.filter((id) => id !== viewer.self && !this.#relations.has(key(viewer.self, id)))
    const ask = (users: readonly number[]) => this.#actors.ref(User, viewer.self, viewer).relations(users)
    const asked = missing.length > 0 ? ask(missing) : undefined
    return Promise.all(
      ids.map((id) => {
        if (id === viewer.self) return stranger(id)
        const at = missing.indexOf(id)
        // One that grew old since the look above is asked for by itself.
        const load = async () => (asked && at >= 0 ? (await asked)[at] : (await ask([id]))[0]) ?? stranger(id)
        return this.#relations.through(key(viewer.self, id), load)
      }),
    )
  }

  /** The group as the viewer may see it; undefined where there is none. */
  group(viewer: Viewer, id: number): Soon<GroupInfo | undefined> {
    return this.#groups.through(this.#groupKey(viewer.self, id), () =>
      this.#actors.ref(Chat, groupChat(id), viewer).group({ viewer: viewer.self }),
    )
  }

  /** A cached profile takes the presence that was just told. */
  notePresence(id: number, presence: Presence): void {
    this.#profiles.change(id, (profile) => profile && { ...profile, presence })
  }

  /** `version`: of the change that made the profile stale. */
  forgetUser(id: number, version?: Position): void {
    if (version) this.#source.changed(id, version)
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
    this.#presented.delete(key(viewer, user))
    // Whether the contact is mutual shows on the other side too.
    this.#presented.delete(key(user, viewer))
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

  /** All at once when everything is here, as it is for most messages; otherwise undefined. */
  #usersNow(viewer: Viewer, ids: Iterable<number>): tl.RawUser[] | undefined {
    const users: tl.RawUser[] = []
    const nowMs = this.#clock.monotonic()
    for (const id of ids) {
      const user = this.#userNow(viewer, id, nowMs)
      if (user === undefined) return undefined
      users.push(user)
    }
    return users
  }

  #userNow(viewer: Viewer, id: number, nowMs: number): tl.RawUser | undefined {
    const profile = id === SERVICE_USER_ID ? SERVICE : this.#profiles.peek(id, nowMs)
    if (profile === undefined) return undefined
    const name = key(viewer.self, id)
    const known = this.#presented.get(name)
    if (known?.profile === profile && nowMs < known.untilMs) return known.user
    const relation = id === viewer.self ? SELF : this.#relations.peek(name, nowMs)
    if (relation === undefined) return undefined
    const { contact } = relation.value
    // Whether a contact is mutual takes the other's relation too.
    const back = contact === undefined ? SELF : this.#relations.peek(key(id, viewer.self), nowMs)
    if (back === undefined) return undefined
    const isMutual = contact !== undefined && back.value.contact !== undefined
    const user = this.#present(viewer, id, profile.value, relation.value, isMutual)
    const untilMs = Math.min(relation.untilMs, back.untilMs, nowMs + onlineForMs(profile.value, this.#clock.now()))
    this.#presented.set(name, { user, profile, untilMs })
    return user
  }

  #present(viewer: Viewer, id: number, profile: UserProfile | undefined, relation: Relation, mutual: boolean) {
    const accessHash = this.#hashes.ofUser(viewer.self, id)
    return presentUser({ id, self: viewer.self, accessHash, profile, relation, mutual, nowMs: this.#clock.now() })
  }
}

const SERVICE: Fresh<UserProfile | undefined> = { value: SERVICE_PROFILE, untilMs: Number.POSITIVE_INFINITY }
/** One's relation to oneself. */
const SELF: Fresh<Relation> = { value: stranger(0), untilMs: Number.POSITIVE_INFINITY }

/** For how long what is shown of being online stays true by itself. */
function onlineForMs(profile: UserProfile | undefined, nowMs: number): number {
  const { kind, atMs } = profile?.presence ?? SERVICE_PROFILE.presence
  return kind === 'online' && atMs > nowMs ? atMs - nowMs : Number.POSITIVE_INFINITY
}

function stranger(user: number): Relation {
  return { user, blocked: false }
}

function key(viewer: number, id: number): string {
  return `${viewer} ${id}`
}

function scopeOf({ deadlineMs, traceId }: CallScope): CallScope {
  return { deadlineMs, traceId }
}

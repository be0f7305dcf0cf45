import type { AuthKey } from './auth-key.js'
import type { Long } from './long.js'
import { MtprotoSession } from './session.js'
import type { Session } from './session-view.js'
import type { World } from './world.js'

const HTTP_QUIET_MS = 30_000

/**
 * The sessions of this gateway, bounded in all and per auth key. When there are too many, those that no connection
 * carries go first, the longest silent before the others; a client whose session went says so itself with its next
 * message, and is told that its session is new.
 */
export class SessionTable {
  readonly #world: World
  readonly #sessions = new Map<string, MtprotoSession>()

  constructor(world: World) {
    this.#world = world
    world.onShortOfMemory = () => this.#relieve()
  }

  get size(): number {
    return this.#sessions.size
  }

  values(): IterableIterator<MtprotoSession> {
    return this.#sessions.values()
  }

  get(key: AuthKey, id: Long): MtprotoSession | undefined {
    return this.#sessions.get(key.id + id)
  }

  /** The session if it is one of this gateway's, and has not ended. */
  known(session: Session): MtprotoSession | undefined {
    const { key, id } = session as MtprotoSession
    const known = key && this.get(key, id)
    return known === session ? known : undefined
  }

  /** A new session, or undefined if there is no room for it. */
  create(key: AuthKey, id: Long, firstMsgId: Long): MtprotoSession | undefined {
    const { limits, keys, metrics } = this.#world
    const siblings = key.owner.sessions
    if (siblings && siblings.length >= limits.sessionsPerAuthKey) this.end(leastActive(siblings))
    if (this.#sessions.size >= limits.sessions && !this.#makeRoom()) return undefined
    const session = new MtprotoSession(this.#world, key, id, firstMsgId)
    this.#sessions.set(key.id + id, session)
    keys.tie(session)
    metrics.count('sessions_created')
    return session
  }

  end(session: MtprotoSession): void {
    if (!this.#sessions.delete(session.key.id + session.id)) return
    session.end()
    this.#world.keys.untie(session)
    this.#world.metrics.count('sessions_ended')
  }

  /** Ends sessions that were left, lets the others forget what has aged, and frees memory if there is too little. */
  sweep(): void {
    const { clock, limits, budget } = this.#world
    const leftSinceMs = clock.monotonic() - limits.sessionKeptMs
    for (const session of this.#sessions.values()) {
      // An HTTP client has no connection that could close: its silence tells.
      const { link } = session
      if (link?.lossy && !link.writable && session.lastActiveMs < clock.monotonic() - HTTP_QUIET_MS)
        session.detach(link)
      if (!session.link && (session.livesElsewhere || session.lastActiveMs < leftSinceMs)) this.end(session)
      else session.sweep()
    }
    if (budget.exhausted) this.#relieve()
  }

  /** Memory is short: what the clients have had time to acknowledge goes, then the sessions that nobody carries. */
  #relieve() {
    const { limits, budget } = this.#world
    for (const session of this.#sessions.values()) session.relieve(limits.unackedBytesDisconnected)
    if (!budget.exhausted) return
    const left = [...this.#sessions.values()].filter((session) => !session.link && session.heldBytes > 0)
    for (const session of left.sort((a, b) => a.lastActiveMs - b.lastActiveMs)) {
      if (!budget.exhausted) return
      this.end(session)
    }
  }

  #makeRoom(): boolean {
    for (const session of this.#sessions.values()) {
      if (session.link) continue
      this.end(session)
      return true
    }
    return false
  }
}

function leastActive(sessions: readonly MtprotoSession[]): MtprotoSession {
  return sessions.reduce((least, each) => {
    if ((each.link === undefined) !== (least.link === undefined)) return each.link ? least : each
    return each.lastActiveMs < least.lastActiveMs ? each : least
  })
}

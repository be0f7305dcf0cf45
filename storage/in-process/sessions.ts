import type { Clock } from '../../runtime/index.js'
import { checkItems } from '../ports/caches.js'
import { type LiveSession, MAX_SESSIONS_A_USER, type SessionCache } from '../ports/session-cache.js'
import type { NewMap } from './caches.js'

interface Kept {
  readonly session: LiveSession
  /** Monotonic. */
  readonly untilMs: number
}

const KEPT_BYTES = 400

export function sessionsInProcess(newMap: NewMap, clock: Clock, ttlMs: number): SessionCache {
  const users = newMap<number, Map<string, Kept>>((_, sessions) => KEPT_BYTES * sessions.size)

  function change(user: number, apply: (sessions: Map<string, Kept>) => void): void {
    const sessions = users.get(user) ?? new Map<string, Kept>()
    for (const [name, { untilMs }] of sessions) if (untilMs <= clock.monotonic()) sessions.delete(name)
    // Its size is part of what the map counts: it leaves before it changes.
    users.delete(user)
    apply(sessions)
    if (sessions.size > 0) users.set(user, sessions, ttlMs)
  }

  return {
    async put(sessions) {
      checkItems(sessions)
      for (const session of sessions) {
        change(session.user, (kept) => {
          kept.delete(nameOf(session))
          kept.set(nameOf(session), { session, untilMs: clock.monotonic() + ttlMs })
          if (kept.size > MAX_SESSIONS_A_USER) kept.delete(kept.keys().next().value!)
        })
      }
      return true
    },
    async remove(sessions) {
      checkItems(sessions)
      for (const session of sessions) change(session.user, (kept) => kept.delete(nameOf(session)))
      return true
    },
    async of(asked) {
      checkItems(asked)
      const nowMs = clock.monotonic()
      const live = (user: number) => [...(users.get(user)?.values() ?? [])].filter(({ untilMs }) => nowMs < untilMs)
      return asked.map((user) => live(user).map(({ session }) => session))
    },
  }
}

function nameOf({ gateway, session }: Pick<LiveSession, 'gateway' | 'session'>): string {
  return `${gateway} ${session}`
}

import type { BoxChange } from '../../actors/user/changes.js'
import type { LiveNews } from '../../actors/user/contract.js'
import { type Clock, isPromise, type Soon } from '../../runtime/index.js'
import {
  envelope,
  joined,
  originOf,
  type PresentedChanges,
  type Presenting,
  presentChanges,
  type Viewer,
} from '../api/index.js'
import type { Log, MtprotoGateway, Session } from '../mtproto/index.js'
import { resolveLayer, type tl } from '../tl/index.js'
import { LayeredBody } from './layered-body.js'
import { presentNews } from './present-news.js'
import { slotOf } from './session-slot.js'

const TOO_LONG = new LayeredBody({ _: 'updatesTooLong' })

/** What presenting one batch may take. */
const PRESENTING_MS = 10_000

export interface PusherOptions extends Presenting {
  readonly clock: Clock
  readonly log: Log
  readonly pushToMany: MtprotoGateway['pushToMany']
  /** For the trace of what one batch asks of actors. */
  newTraceId(): string
}

/** Turns changes and news into pushed bytes: presented once, serialized once a layer, pushed to all sessions. */
export class Pusher {
  readonly #options: PusherOptions

  constructor(options: PusherOptions) {
    this.#options = options
  }

  /** What cannot be presented becomes `updatesTooLong`: the difference tells it. Never throws or rejects. */
  pushChanges(user: number, sessions: readonly Session[], all: readonly BoxChange[]): Soon<void> {
    const pts = all.at(-1)!.pts
    const changes = all.filter((change) => !isToldAlready(change, sessions))
    if (changes.length === 0) {
      for (const session of sessions) notePushed(session, pts)
      return undefined
    }
    try {
      const presented = presentChanges(this.#options, this.#viewer(user), changes, true)
      if (!isPromise(presented)) return this.#tell(sessions, changes, presented, pts)
      return presented
        .then((loaded) => this.#tell(sessions, changes, loaded, pts))
        .catch((error) => this.#notPresented(user, sessions, error))
    } catch (error) {
      this.#notPresented(user, sessions, error)
    }
  }

  #tell(
    sessions: readonly Session[],
    changes: readonly BoxChange[],
    { updates, people }: PresentedChanges,
    pts: number,
  ): void {
    const now = Math.floor(this.#options.clock.now() / 1000)
    const bodyOf = (list: tl.TypeUpdate[]) =>
      list.length === 0 ? undefined : new LayeredBody(envelope(list, people, now))
    const shared: Session[] = []
    for (const session of sessions) {
      if (!changes.some((change) => isCause(session, change))) shared.push(session)
      else {
        const list = updates.flatMap((each, at) => (isCause(session, changes[at]!) ? [] : each))
        this.#push([session], bodyOf(list), pts)
      }
    }
    if (shared.length > 0) this.#push(shared, bodyOf(joined([], updates)), pts)
  }

  #notPresented(user: number, sessions: readonly Session[], error: unknown): void {
    this.#options.log.warn({ err: error, user }, 'changes could not be presented')
    this.pushTooLong(sessions)
  }

  /** Only to those who are connected: news is worth nothing later. Never rejects. */
  async pushNews(user: number, sessions: readonly Session[], news: readonly LiveNews[]): Promise<void> {
    const present = sessions.filter(({ connected }) => connected)
    if (present.length === 0) return
    try {
      const { people, clock } = this.#options
      const updates = await presentNews(people, this.#viewer(user), news, clock.now())
      if (updates.updates.length > 0) this.#push(present, new LayeredBody(updates))
    } catch (error) {
      this.#options.log.debug({ err: error, user }, 'news could not be presented')
    }
  }

  pushTooLong(sessions: readonly Session[]): void {
    this.#push(sessions, TOO_LONG)
  }

  #push(sessions: readonly Session[], body: LayeredBody | undefined, pts?: number): void {
    if (body) for (const [layer, group] of byLayer(sessions)) this.#pushTo(group, this.#bodyFor(layer, body), pts)
    if (pts !== undefined) for (const session of sessions) notePushed(session, pts)
  }

  #pushTo(sessions: readonly Session[], body: Buffer, pts: number | undefined): void {
    if (sessions.length > 1) this.#options.pushToMany(sessions, body, pts)
    else sessions[0]!.pushUpdate(body, pts)
  }

  /** A layer that cannot say it is a fault of ours; its clients find out by difference what they can be told. */
  #bodyFor(layer: number, body: LayeredBody): Buffer {
    try {
      return body.of(layer)
    } catch (error) {
      this.#options.log.error({ err: error, layer }, 'an update cannot be written for a layer')
      return TOO_LONG.of(layer)
    }
  }

  #viewer(self: number): Viewer {
    const { clock, newTraceId } = this.#options
    return { self, deadlineMs: clock.now() + PRESENTING_MS, traceId: newTraceId() }
  }
}

function byLayer(sessions: readonly Session[]): Iterable<readonly [layer: number, sessions: readonly Session[]]> {
  if (sessions.length === 1) return [[resolveLayer(sessions[0]!.layer), sessions]]
  const groups = new Map<number, Session[]>()
  for (const session of sessions) {
    const layer = resolveLayer(session.layer)
    const group = groups.get(layer)
    if (group) group.push(session)
    else groups.set(layer, [session])
  }
  return groups
}

function notePushed(session: Session, pts: number): void {
  const slot = slotOf(session)
  if (slot) slot.pushedPts = Math.max(slot.pushedPts, pts)
}

/** A message that its sender's only session here sent itself; of all else, what is cached may have to be forgotten. */
function isToldAlready(change: BoxChange, sessions: readonly Session[]): boolean {
  const { fact } = change
  return fact.type === 'message' && fact.action === undefined && sessions.every((session) => isCause(session, change))
}

/** The session that caused the change has it in its answer. */
function isCause(session: Session, { origin }: BoxChange): boolean {
  if (origin === undefined) return false
  const own = originOf(session)
  return origin.session === own.session && origin.authKey === own.authKey
}

import type { BoxChange } from '../../actors/user/changes.js'
import type { LiveNews } from '../../actors/user/contract.js'
import type { Clock } from '../../runtime/index.js'
import { envelope, longToHex, type Presenting, presentChanges, type Viewer } from '../api/index.js'
import type { Log, MtprotoGateway, Session } from '../mtproto/index.js'
import { resolveLayer } from '../tl/index.js'
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

  /** What cannot be presented becomes `updatesTooLong`: the difference tells it. Never rejects. */
  async pushChanges(user: number, sessions: readonly Session[], changes: readonly BoxChange[]): Promise<void> {
    try {
      const { people, updates } = await presentChanges(this.#options, this.#viewer(user), changes, true)
      const now = Math.floor(this.#options.clock.now() / 1000)
      const pts = changes.at(-1)!.pts
      const told = (exclude: (change: BoxChange) => boolean) => {
        const list = updates.flatMap((each, at) => (exclude(changes[at]!) ? [] : each))
        return list.length === 0 ? undefined : new LayeredBody(envelope(list, people, now))
      }
      const causes = new Set(changes.flatMap((change) => causeOf(change) ?? []))
      const shared: Session[] = []
      for (const session of sessions) {
        // Most changes come from elsewhere: then no session has to be named.
        const name = causes.size === 0 ? '' : `${longToHex(session.permanentAuthKeyId)} ${longToHex(session.id)}`
        if (!causes.has(name)) shared.push(session)
        else
          this.#push(
            [session],
            told((change) => causeOf(change) === name),
            pts,
          )
      }
      if (shared.length > 0)
        this.#push(
          shared,
          told(() => false),
          pts,
        )
    } catch (error) {
      this.#options.log.warn({ err: error, user }, 'changes could not be presented')
      this.pushTooLong(sessions)
    }
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
    for (const [layer, group] of byLayer(sessions)) {
      if (body) this.#pushTo(group, this.#bodyFor(layer, body), pts)
      for (const session of pts === undefined ? [] : group) {
        const slot = slotOf(session)
        if (slot) slot.pushedPts = Math.max(slot.pushedPts, pts!)
      }
    }
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

function byLayer(sessions: readonly Session[]): ReadonlyMap<number, Session[]> {
  const groups = new Map<number, Session[]>()
  for (const session of sessions) {
    const layer = resolveLayer(session.layer)
    const group = groups.get(layer)
    if (group) group.push(session)
    else groups.set(layer, [session])
  }
  return groups
}

function causeOf({ origin }: BoxChange): string | undefined {
  return origin && `${origin.authKey} ${origin.session}`
}

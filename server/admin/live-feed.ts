/**
 * What the dashboard shows, sent to every browser that looks.
 *
 * L1. Nodes are asked once a second for all who look, and not at all while nobody does.
 * L2. Who owns what is sent when the view has changed, at most four times a second; events as they happen.
 * L3. A browser that cannot keep up is closed, and comes again.
 */
import type { TemplatedApp, WebSocket } from 'uWebSockets.js'
import type { ClusterAdmin, ClusterEvent } from '../../cluster/index.js'
import type { Clock, Timer } from '../../runtime/index.js'
import type { AdminSession } from './admin-session.js'

const reportEveryMs = 1_000
const lookEveryMs = 250
const mostWaitingBytes = 4 * 1024 * 1024
const mostLookers = 100

type Looker = WebSocket<unknown>

export class LiveFeed {
  readonly #admin: ClusterAdmin
  readonly #clock: Clock
  readonly #lookers = new Set<Looker>()
  #shownView = -1
  #reportedMs = Number.NEGATIVE_INFINITY
  #isReporting = false
  #timer: Timer | undefined
  #endEvents: (() => void) | undefined

  constructor(admin: ClusterAdmin, clock: Clock) {
    this.#admin = admin
    this.#clock = clock
  }

  serve(app: TemplatedApp, path: string, session: AdminSession): void {
    app.ws(path, {
      maxPayloadLength: 1_024,
      maxBackpressure: mostWaitingBytes,
      closeOnBackpressureLimit: true,
      idleTimeout: 60,
      sendPingsAutomatically: true,
      upgrade: (response, request, context) => {
        const isAllowed = session.mayAsk(request.getHeader('authorization'), request.getHeader('cookie'))
        if (!isAllowed || !isOwnPage(request.getHeader('origin'), request.getHeader('host'))) {
          response.cork(() => response.writeStatus('401 Unauthorized').end())
          return
        }
        if (this.#lookers.size >= mostLookers) {
          response.cork(() => response.writeStatus('503 Service Unavailable').end())
          return
        }
        const header = (name: string) => request.getHeader(name)
        const [key, protocol, extensions] = ['key', 'protocol', 'extensions'].map((each) =>
          header(`sec-websocket-${each}`),
        )
        response.upgrade({}, key!, protocol!, extensions!, context)
      },
      open: (looker: Looker) => void this.#came(looker),
      close: (looker: Looker) => this.#left(looker),
    })
  }

  stop(): void {
    for (const looker of [...this.#lookers]) looker.end(1001, 'this node is stopping')
    this.#timer?.cancel()
    this.#endEvents?.()
  }

  async #came(looker: Looker): Promise<void> {
    this.#lookers.add(looker)
    if (this.#lookers.size === 1) this.#begin()
    say(looker, { type: 'shards', shards: this.#admin.shards() })
    const [report, events] = await Promise.all([this.#admin.report(), this.#admin.events()])
    if (!this.#lookers.has(looker)) return
    say(looker, { type: 'report', report })
    say(looker, { type: 'events', events: events.slice(-100) })
  }

  #left(looker: Looker): void {
    this.#lookers.delete(looker)
    if (this.#lookers.size > 0) return
    this.#timer?.cancel()
    this.#endEvents?.()
  }

  #begin(): void {
    this.#shownView = this.#admin.shards().view
    this.#endEvents = this.#admin.onEvent((event: ClusterEvent) => this.#tell({ type: 'events', events: [event] }))
    this.#look()
  }

  #look(): void {
    const shards = this.#admin.shards()
    if (shards.view !== this.#shownView) {
      this.#shownView = shards.view
      this.#tell({ type: 'shards', shards })
    }
    if (!this.#isReporting && this.#clock.monotonic() >= this.#reportedMs + reportEveryMs) void this.#report()
    this.#timer = this.#clock.setTimer(lookEveryMs, () => this.#look())
  }

  async #report(): Promise<void> {
    this.#isReporting = true
    this.#reportedMs = this.#clock.monotonic()
    try {
      const report = await this.#admin.report()
      this.#tell({ type: 'report', report })
    } finally {
      this.#isReporting = false
    }
  }

  #tell(message: unknown): void {
    const text = JSON.stringify(message)
    for (const looker of [...this.#lookers]) looker.send(text)
  }
}

function say(looker: Looker, message: unknown): void {
  looker.send(JSON.stringify(message))
}

/** A browser says which page asks; another site's must not look on with the cookie of this one. */
function isOwnPage(origin: string, host: string): boolean {
  return origin === '' || origin.replace(/^https?:\/\//, '') === host
}

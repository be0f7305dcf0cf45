import type { TemplatedApp } from 'uWebSockets.js'
import { ClusterAdmin, type ClusterSource, TurnWatch, type WatchedTurn } from '../../cluster/index.js'
import type { ActorSystem, Clock } from '../../runtime/index.js'
import type { LoadFigures } from '../cluster/node-load.js'
import type { Part } from '../lifecycle.js'
import type { Log } from '../logging.js'
import type { Metrics } from '../metrics.js'
import { adminRoutes } from './admin-routes.js'
import { AdminSession } from './admin-session.js'
import { dashboardFiles } from './dashboard-files.js'
import { LiveFeed } from './live-feed.js'
import { traceOf } from './message-trace.js'
import { nodeFigures } from './node-figures.js'
import { RefusalWatch } from './refusal-watch.js'

export interface AdminOptions {
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
  readonly version: string
  readonly load: Pick<LoadFigures, 'now'>
  readonly token: string
  readonly isTls: boolean
}

/** What the admin tells of, once it is made. */
export interface AdminSubjects {
  readonly cluster: ClusterSource
  readonly system: ActorSystem
  readonly sizes: () => {
    readonly connections: number
    readonly sessions: number
    readonly actors: number
    readonly pendingBytes: number
  }
  readonly phases?: () => Readonly<Record<string, number>>
}

/** Files of web/dashboard, all that are served. */
export const dashboard = ['index.html', 'dashboard.css', 'dashboard.mjs', 'ring.mjs', 'figures.mjs', 'icon.svg']

/** The operators' side of a node. It watches turns from the start, and answers once it knows its subjects. */
export class Admin {
  readonly #options: AdminOptions
  readonly #session: AdminSession
  readonly #files = dashboardFiles(dashboard)
  #watch: TurnWatch | undefined
  #feed: LiveFeed | undefined
  #refusals: RefusalWatch | undefined
  #routes: ((app: TemplatedApp) => void) | undefined

  constructor(options: AdminOptions) {
    this.#options = options
    this.#session = new AdminSession(options.token, options.clock)
  }

  /** The runtime's `onTurn`. */
  saw(turn: WatchedTurn): void {
    this.#watch?.saw(turn)
  }

  /** Call it once, before anything listens. */
  show({ cluster, system, sizes, phases }: AdminSubjects): void {
    const { clock, log, metrics, version, load, isTls } = this.#options
    const watch = new TurnWatch(clock, cluster.self)
    const figures = nodeFigures({
      node: cluster.self,
      version,
      clock,
      metrics,
      watch,
      load: () => load.now(),
      oldestWaitMs: () => system.health.oldestWaitMs(),
      sizes,
      view: () => cluster.view()?.view ?? 0,
      phases: phases ?? (() => ({ open: cluster.view()?.shardCount ?? 0 })),
      inspection: system.inspection,
    })
    const admin = new ClusterAdmin(cluster, figures, () => clock.now())
    const feed = new LiveFeed(admin, clock)
    this.#watch = watch
    this.#feed = feed
    this.#refusals = new RefusalWatch(cluster, clock, () => metrics.refused())
    this.#routes = (app) => {
      feed.serve(app, '/admin/api/live', this.#session)
      adminRoutes(app, {
        admin,
        session: this.#session,
        isTls,
        files: this.#files,
        trace: (named) => traceOf(named, { system, admin, clock }),
        failed: (error) => log.error({ err: error }, 'an admin question failed'),
      })
    }
  }

  routes(app: TemplatedApp): void {
    this.#routes?.(app)
  }

  get part(): Part {
    return {
      name: 'admin',
      start: async () => this.#refusals?.start(),
      stop: async () => {
        this.#refusals?.stop()
        this.#feed?.stop()
      },
    }
  }
}

import type { TemplatedApp } from 'uWebSockets.js'
import { join } from 'node:path'
import type { Clock } from '../runtime/index.js'
import { banner } from './banner.js'
import { type ConnectionGuide, type PublicKey, urlHost } from './connection-guide.js'
import { createHealth } from './health.js'
import { lifecycle, type Part } from './lifecycle.js'
import { type Endpoint, type Endpoints, listeningFile } from './listening-file.js'
import type { Logging } from './logging.js'
import type { Metrics } from './metrics.js'
import { routesOf } from './routes.js'
import type { Settings, TlsFiles } from './settings.js'
import { checkTlsFiles } from './tls-files.js'

/** Where to listen, and the proxies in front. */
type ListenAt = Endpoint & { readonly proxies: readonly string[] }

/** What the server is made of: `compose` wires it, the frame around it starts, shows and stops it. */
export interface Core {
  readonly clock: Clock
  /** In the order in which they start: storage, actors, gateway. */
  readonly parts: readonly Part[]
  /** Undefined: a node that takes no clients. */
  readonly clients?: {
    readonly key: PublicKey
    listenTcp(at: ListenAt): Promise<Endpoint>
    /** Both ports are known; from here on clients may be told where to dial. */
    advertise?(mtproto: Endpoint): void
  }
  listenHttp(
    at: ListenAt & { readonly tls?: TlsFiles; readonly routes: (app: TemplatedApp) => void },
  ): Promise<Endpoint>
  /** Age of the oldest turn that runs or call that waits, in milliseconds. */
  oldestWaitMs(): number
  /** Resolves when this process may own nothing any more, because another one has taken over. */
  readonly lost: Promise<void>
  /** Resolves when the store has answered a read. */
  storeAnswers(): Promise<void>
  /** What else has to be `ok` before clients, or other nodes' shards, are sent here. */
  checks?(): Readonly<Record<string, string>>
  sizes(): { readonly connections: number; readonly sessions: number; readonly actors: number }
  /** The operators' side, on the HTTP listener. */
  readonly adminRoutes?: (app: TemplatedApp) => void
}

/** One server, to start once and stop once. */
export interface Server {
  /** Resolves when everything listens and `listening.json` says where. */
  start(): Promise<void>
  /** Gives true when everything that was under way could be finished. */
  stop(): Promise<boolean>
  /** Resolves when the server can do nothing more and its process has to be started again. */
  readonly lost: Promise<void>
}

export interface FrameOptions {
  readonly settings: Settings
  readonly logging: Logging
  readonly metrics: Metrics
  readonly version: string
  /** Shows text to the person at the terminal. */
  print(text: string): void
}

/** Health, the status page, `listening.json`, the banner, and the order of start and stop, around a core. */
export function frame(core: Core, { settings, logging, metrics, version, print }: FrameOptions): Server {
  const { clock } = core
  const log = logging.component('server')
  const file = listeningFile(settings.dataDir)
  const health = createHealth(core)
  const parts = lifecycle(core.parts, clock, log)
  const startedAtMs = clock.monotonic()
  let guide: ConnectionGuide | undefined

  const routes = routesOf({
    health,
    metrics,
    takesClients: core.clients !== undefined,
    ...(core.adminRoutes && { adminRoutes: core.adminRoutes }),
    guide: () => guide,
    figures: () => ({ uptimeMs: Math.round(clock.monotonic() - startedAtMs), ...core.sizes(), ...metrics.totals() }),
  })

  async function listen(): Promise<Endpoints> {
    const { host, mtprotoPort, httpPort, tls, proxies } = settings
    const mtproto = await core.clients?.listenTcp({ host, port: mtprotoPort, proxies })
    const http = await core.listenHttp({ host, port: httpPort, proxies, routes, ...(tls && { tls }) })
    return { http, ...(mtproto && { mtproto }) }
  }

  return {
    lost: core.lost,
    async start() {
      if (settings.tls !== undefined) checkTlsFiles(settings.tls)
      await parts.start()
      // Only now: the storage has made sure that no other process, whose file it may be, uses the data directory.
      file.remove()
      try {
        const endpoints = await listen()
        const { clients } = core
        if (clients) {
          guide = guideFor(endpoints, settings, clients.key, version)
          clients.advertise?.(guide.mtproto)
        }
        health.listening()
        file.write(endpoints)
        log.info({ ...endpoints, version }, 'listening')
      } catch (error) {
        await this.stop()
        throw error
      }
      if (guide) print(banner(guide, join(settings.dataDir, 'server-key.pub.pem')))
    },
    async stop() {
      health.stopping()
      file.remove()
      const allEnded = await parts.stop(settings.stopGraceMs)
      health.close()
      log.info({ allEnded }, 'stopped')
      return allEnded
    },
  }
}

function guideFor(endpoints: Endpoints, settings: Settings, key: PublicKey, version: string): ConnectionGuide {
  const { advertisedHost, advertisedPort, tls, testNumbers, loginCode } = settings
  const at = `${urlHost(advertisedHost)}:${endpoints.http.port}`
  return {
    version,
    mtproto: { host: advertisedHost, port: advertisedPort || (endpoints.mtproto?.port ?? 0) },
    pageUrl: `${tls === undefined ? 'http' : 'https'}://${at}/`,
    webSocketUrl: `${tls === undefined ? 'ws' : 'wss'}://${at}/apiws`,
    key,
    testNumbers,
    codesArriveBy: loginCode.driver,
  }
}

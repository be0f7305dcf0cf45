import { readFileSync } from 'node:fs'
import { actorDefinitions, NameRegistry } from '../actors/index.js'
import { memberCluster } from '../cluster/index.js'
import {
  type ActorSystem,
  type ActorSystemOptions,
  type Clock,
  createActorSystem,
  DEFAULT_LIMITS,
  type Random,
  systemClock,
  systemRandom,
} from '../runtime/index.js'
import { openCaches } from '../storage/index.js'
import { Admin } from './admin/admin.js'
import { readAdminToken } from './admin/admin-session.js'
import { loneCluster } from './admin/lone-cluster.js'
import { agreeOnKeys } from './cluster/agreed-keys.js'
import { clusterMember } from './cluster/cluster-member.js'
import { LoadFigures } from './cluster/node-load.js'
import { showTraffic } from './cluster/node-traffic.js'
import { rehearse } from './cluster/rehearsal.js'
import { codeDelivery } from './code-delivery.js'
import { frame, type Server } from './frame.js'
import { type Front, openFront } from './front.js'
import type { Log, Logging } from './logging.js'
import { createMetrics } from './metrics.js'
import { operatorsOnly } from './operators-only.js'
import { withServiceMessage } from './service-message.js'
import type { Settings } from './settings.js'
import { redisPlace } from './store-places.js'
import { openStores, type Stores } from './stores.js'

/** What a node without clients has of them. */
const noClients = { connections: 0, sessions: 0, pendingBytes: 0, callsRunning: 0, callsRefusedPart: 0 }

/** Two folders up in the sources, and in dist/ as well, stands the package's own description. */
function packageVersion(): string {
  for (const path of ['../package.json', '../../package.json']) {
    try {
      return (JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as { version: string }).version
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
  return 'unknown'
}

/** Every gateway of a cluster has the same keys. */
async function agreed({ register }: Stores, front: Front | undefined, settings: Settings): Promise<void> {
  if (register && front) await agreeOnKeys(register, front, settings)
}

/** Nobody is told of turns unless somebody may ask for them. */
function turnsToldTo(log: Log, admin: Admin | undefined): Pick<ActorSystemOptions, 'onTurn'> {
  const isLogged = log.isLevelEnabled('debug')
  if (!isLogged) return admin ? { onTurn: (turn) => admin.saw(turn) } : {}
  return {
    onTurn(turn) {
      log.debug(turn, 'a turn')
      admin?.saw(turn)
    },
  }
}

/** What comes of it is speed alone. */
async function rehearsed(clock: Clock, random: Random, log: Log): Promise<void> {
  const startedMs = clock.monotonic()
  try {
    log.debug({ ...(await rehearse({ clock, random })), tookMs: clock.monotonic() - startedMs }, 'rehearsed')
  } catch (error) {
    log.warn({ err: error }, 'the rehearsal failed: calls to the first shards that move here wait longer')
  }
}

/** Wires the parts of one server: makes the core that `frame` starts, shows and stops. */
export async function compose(settings: Settings, logging: Logging): Promise<Server> {
  const clock = systemClock
  const random = systemRandom
  const metrics = createMetrics()
  const print = (text: string) => process.stdout.write(`${text}\n`)

  const version = packageVersion()
  const { adminTokenFile } = settings
  const token = adminTokenFile === undefined ? undefined : readAdminToken(adminTokenFile)
  const redis = settings.redis && redisPlace(settings.redis)
  const { cluster } = settings
  const takesClients = cluster === undefined || cluster.roles.includes('gateway')
  const load = new LoadFigures(clock, cluster?.weight ?? 1)
  const isTls = settings.tls !== undefined
  const admin = token && new Admin({ clock, log: logging.component('admin'), metrics, version, load, token, isTls })
  const tools = { clock, random, log: (component: string) => logging.component(component) }
  const leaveWithinMs = Math.max(1_000, settings.stopGraceMs - 2_000)
  const stores = await openStores(
    settings,
    tools,
    cluster && ((register) => clusterMember(cluster, register, { ...tools, load, version, leaveWithinMs })),
  )
  const { member } = stores
  try {
    const caches = openCaches({ clock, random, log: logging.component('caches'), redis })
    const actorLog = logging.component('actors')
    const names = new NameRegistry({ clock, directory: stores.directory, names: stores.names })
    const system: ActorSystem = createActorSystem({
      actors: actorDefinitions({
        chat: { clock, random },
        records: stores,
        loginCodes: {
          names,
          delivery: withServiceMessage(codeDelivery(settings.loginCode, { print, fetch }), {
            clock,
            random,
            system: () => system,
          }),
          random,
          testNumbers: settings.testNumbers,
        },
      }),
      clock,
      random,
      journals: stores.journals,
      agenda: stores.agenda,
      ownership: stores.ownership,
      ...(member && { transport: member.node.transport }),
      metrics: metrics.runtime,
      log: actorLog,
      handovers: metrics.handovers,
      ...turnsToldTo(actorLog, admin || undefined),
      localValues: 'pass',
      limits: {
        residentActors: settings.maxResidentActors,
        actor: { ...DEFAULT_LIMITS.actor, idleAfterMs: settings.actorIdleAfterMs },
      },
    })
    const front = takesClients
      ? openFront({
          ...{ settings, clock, random, metrics, stores, caches, names, system },
          log: logging.component('gateway'),
        })
      : undefined
    const gateway = front?.gateway
    const httpLog = logging.component('http')
    const sizes = () => ({ ...noClients, ...gateway?.sizes(), actors: system.health.residents() })
    load.from({
      calls: () => metrics.totals().calls + metrics.totals().turns,
      residents: () => sizes().actors,
      connections: () => sizes().connections,
    })
    metrics.gauge('connections', 'Open client connections', () => sizes().connections)
    metrics.gauge('calls_running', 'API calls under way', () => sizes().callsRunning)
    metrics.gauge(
      'calls_refused_part',
      'Part of all API calls that is refused for the load, 0 to 1',
      () => sizes().callsRefusedPart,
    )
    metrics.gauge('sessions', 'MTProto sessions that are kept', () => sizes().sessions)
    if (caches.isShared) {
      metrics.gauge('cache_answers', '1 while Redis answers', () => Number(caches.figures().answers))
      metrics.counter('cache_asked_total', 'Commands for Redis', () => caches.figures().asked)
      metrics.counter('cache_unknown_total', 'Of these: done without an answer', () => caches.figures().unknown)
      metrics.counter(
        'cache_refused_total',
        'Of these: refused by Redis, as when it is full',
        () => caches.figures().refused,
      )
      metrics.counter('cache_evicted_total', 'Keys that a full Redis gave up', () => caches.figures().evicted)
    }
    if (member) {
      const { ownership } = member.node
      metrics.gauge('cluster_member', '1 while this node is a member and its lease holds', () =>
        Number(ownership.isMember),
      )
      metrics.gauge('cluster_view', 'The newest view of the register that was read', () => ownership.view?.view ?? 0)
      metrics.gauge('cluster_shards_open', 'Shards that this node has open and may serve', () =>
        ownership.isMember ? ownership.phases().open : 0,
      )
      showTraffic(metrics, member.node.transport)
    }
    if (admin) {
      const subject =
        cluster && member ? memberCluster(cluster.name, member.node) : loneCluster(stores.ownership, clock)
      admin.show({ cluster: subject, system, sizes, ...(member && { phases: () => member.node.ownership.phases() }) })
    }
    for (const { name, help, value } of stores.counters) metrics.counter(name, help, value)

    return frame(
      {
        clock,
        parts: [
          { name: 'stores', stop: () => stores.close() },
          { name: 'caches', stop: () => caches.close() },
          ...(member
            ? [{ name: 'cluster', start: () => agreed(stores, front, settings), stop: () => member.close() }]
            : []),
          {
            name: 'actors',
            async start() {
              if (cluster?.roles.includes('actors')) await rehearsed(clock, random, logging.component('rehearsal'))
              await member?.join(system)
              await system.start()
            },
            stop: () => system.stop(),
          },
          ...(member ? [{ name: 'shards', stop: () => member.leave() }] : []),
          ...(gateway ? [{ name: 'gateway', start: () => gateway.start(), stop: () => gateway.stop() }] : []),
          ...(admin ? [admin.part] : []),
        ],
        ...(admin && { adminRoutes: (app) => admin.routes(app) }),
        ...(front && {
          clients: {
            key: front.serverKey,
            listenTcp: (at) => front.gateway.listenTcp(at),
            advertise: (at) => front.gateway.advertise(at),
          },
        }),
        listenHttp: (at) => (gateway ? gateway.listenHttp(at) : operatorsOnly(at, httpLog, clock)),
        oldestWaitMs: () => system.health.oldestWaitMs(),
        storeAnswers: () => stores.answers(),
        ...(member && { checks: () => member.checks() }),
        lost: stores.lost,
        sizes,
      },
      { settings, logging, metrics, version, print },
    )
  } catch (error) {
    await stores.close()
    throw error
  }
}

import { readFileSync } from 'node:fs'
import { actorDefinitions, NameRegistry } from '../actors/index.js'
import { createGateway, loadServerKey } from '../gateway/index.js'
import { type ActorSystem, createActorSystem, DEFAULT_LIMITS, systemClock, systemRandom } from '../runtime/index.js'
import { openCaches } from '../storage/index.js'
import { loadAccessHashKey } from './access-hash-key.js'
import { codeDelivery } from './code-delivery.js'
import { frame, type Server } from './frame.js'
import type { Logging } from './logging.js'
import { createMetrics } from './metrics.js'
import { withServiceMessage } from './service-message.js'
import type { Settings } from './settings.js'
import { redisPlace } from './store-places.js'
import { openStores } from './stores.js'

const DC_ID = 2

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

/** Wires the parts of one server: makes the core that `frame` starts, shows and stops. */
export async function compose(settings: Settings, logging: Logging): Promise<Server> {
  const clock = systemClock
  const random = systemRandom
  const metrics = createMetrics()
  const print = (text: string) => process.stdout.write(`${text}\n`)

  const redis = settings.redis && redisPlace(settings.redis)
  const stores = await openStores(settings, { clock, random, log: (component) => logging.component(component) })
  try {
    const serverKey = loadServerKey(settings.dataDir)
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
      metrics: metrics.runtime,
      log: actorLog,
      ...(actorLog.isLevelEnabled('debug') && { onTurn: (turn) => actorLog.debug(turn, 'a turn') }),
      localValues: 'pass',
      limits: {
        residentActors: settings.maxResidentActors,
        actor: { ...DEFAULT_LIMITS.actor, idleAfterMs: settings.actorIdleAfterMs },
      },
    })
    const gateway = createGateway({
      system,
      clock,
      random,
      serverKey,
      accessHashKey: loadAccessHashKey(settings.dataDir, random),
      names,
      accounts: stores.accounts,
      caches: {
        presence: caches.presence,
        // A process that runs alone knows its sessions and has its own counts.
        ...(caches.isShared && { sessions: caches.sessions, rates: caches.rates, onLoss: caches.onLoss }),
      },
      config: {
        dcId: DC_ID,
        host: settings.advertisedHost,
        port: settings.advertisedPort,
        testMode: settings.testNumbers,
        signUp: settings.signUp,
        maxDifferenceEntries: settings.maxDifferenceEntries,
        freshSessionMs: settings.freshSessionMs,
      },
      log: logging.component('gateway'),
      metrics: { mtproto: metrics.protocol, api: metrics.api },
      limits: {
        flood: { percent: settings.floodLimitPercent },
        mtproto: {
          connections: settings.maxConnections,
          connectionsPerAddress: settings.maxConnectionsPerAddress,
        },
      },
    })
    const sizes = () => ({ ...gateway.sizes(), actors: system.health.residents() })
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
    }
    for (const { name, help, value } of stores.counters) metrics.counter(name, help, value)

    return frame(
      {
        clock,
        key: serverKey,
        parts: [
          { name: 'stores', stop: () => stores.close() },
          { name: 'caches', stop: () => caches.close() },
          { name: 'actors', start: () => system.start(), stop: () => system.stop() },
          { name: 'gateway', start: () => gateway.start(), stop: () => gateway.stop() },
        ],
        listenTcp: (at) => gateway.listenTcp(at),
        listenHttp: (at) => gateway.listenHttp(at),
        advertise: (at) => gateway.advertise(at),
        oldestWaitMs: () => system.health.oldestWaitMs(),
        storeAnswers: () => stores.answers(),
        lost: stores.lost,
        sizes,
      },
      { settings, logging, metrics, version: packageVersion(), print },
    )
  } catch (error) {
    await stores.close()
    throw error
  }
}

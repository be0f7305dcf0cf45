import type { NameRegistry } from '../actors/index.js'
import { createGateway, type Gateway, loadServerKey, type ServerKey } from '../gateway/index.js'
import type { ActorSystem, Clock, Random } from '../runtime/index.js'
import type { openCaches } from '../storage/index.js'
import { loadAccessHashKey } from './access-hash-key.js'
import type { Log } from './logging.js'
import type { Metrics } from './metrics.js'
import type { Settings } from './settings.js'
import type { Stores } from './stores.js'

const DC_ID = 2

export interface FrontParts {
  readonly settings: Settings
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly metrics: Metrics
  readonly stores: Stores
  readonly caches: ReturnType<typeof openCaches>
  readonly names: NameRegistry
  readonly system: ActorSystem
}

/** What takes clients: the gateway, and the keys that it is known by. */
export interface Front {
  readonly gateway: Gateway
  readonly serverKey: ServerKey
  readonly accessHashKey: Buffer
}

/** Throws an error with a `cure` when a key cannot be read. */
export function openFront(parts: FrontParts): Front {
  const { settings, clock, random, log, metrics, stores, caches, names, system } = parts
  const serverKey = loadServerKey(settings.dataDir, settings.serverKeyFile)
  const accessHashKey = loadAccessHashKey(settings.dataDir, random, settings.accessHashKeyFile)
  const isShared = stores.member !== undefined
  const gateway = createGateway({
    system,
    clock,
    random,
    serverKey,
    accessHashKey,
    names,
    accounts: stores.accounts,
    isShared,
    shardCount: stores.ownership.shardCount,
    // A process that runs alone knows its sessions and has its own counts; one of several knows nobody's presence by itself.
    ...((caches.isShared || !isShared) && {
      caches: {
        presence: caches.presence,
        ...(caches.isShared && { sessions: caches.sessions, rates: caches.rates, onLoss: caches.onLoss }),
      },
    }),
    config: {
      dcId: DC_ID,
      host: settings.advertisedHost,
      port: settings.advertisedPort,
      testMode: settings.testNumbers,
      signUp: settings.signUp,
      maxDifferenceEntries: settings.maxDifferenceEntries,
      freshSessionMs: settings.freshSessionMs,
    },
    log,
    metrics: { mtproto: metrics.protocol, api: metrics.api },
    limits: {
      flood: { percent: settings.floodLimitPercent },
      mtproto: {
        connections: settings.maxConnections,
        connectionsPerAddress: settings.maxConnectionsPerAddress,
      },
    },
  })
  stores.member?.node.ownership.onChange((shards) => gateway.ownersChanged(shards))
  return { gateway, serverKey, accessHashKey }
}

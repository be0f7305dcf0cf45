import type { Names } from '../actors/name/contract.js'
import type { AccountRows } from '../actors/user/contract.js'
import type { ActorSystem, Clock, Random, ShardRange } from '../runtime/index.js'
import {
  AccessHashes,
  type ActorCallLimits,
  ActorCalls,
  type ApiConfig,
  type ApiMetrics,
  createDispatch,
  FloodGate,
  type FloodLimits,
  methodTable,
  People,
  type PeopleLimits,
  PresenceBoard,
  type PresenceStore,
  Profiles,
  type RateStore,
  type Services,
  silentApiMetrics,
} from './api/index.js'
import { actorAuthKeys } from './auth-keys.js'
import {
  createMtprotoGateway,
  type HttpListenOptions,
  type Listening,
  type Log,
  type MtprotoGateway,
  type MtprotoLimits,
  type MtprotoMetrics,
  type MtprotoSizes,
  type RpcHandler,
  type ServerKey,
  type TcpListenOptions,
} from './mtproto/index.js'
import { type SessionStore, Updates, type UpdatesLimits, type UpdatesSizes } from './updates/index.js'

/** Whose changes are remembered, so that an older row is not believed. */
const CHANGED_PROFILES = 100_000

export interface GatewayLimits {
  readonly mtproto: Partial<MtprotoLimits>
  readonly actorCalls: Partial<ActorCallLimits>
  readonly flood: Partial<FloodLimits>
  readonly people: Partial<PeopleLimits>
  readonly updates: Partial<UpdatesLimits>
}

/** What gateways share, none of which decides anything; without one, each gateway goes by what it and the actors know. */
export interface GatewayCaches {
  readonly presence: PresenceStore
  /** Who is connected where. */
  readonly sessions?: SessionStore
  /** Flood limits counted over all gateways. */
  readonly rates?: RateStore
  /** Calls `rewrite` when what was written may be lost. */
  onLoss?(rewrite: () => void): void
}

export interface GatewayOptions {
  readonly system: ActorSystem
  readonly clock: Clock
  readonly random: Random
  readonly serverKey: ServerKey
  /** At least 16 secret bytes, kept with the data: access hashes that clients stored are made with it. */
  readonly accessHashKey: Buffer
  readonly caches?: GatewayCaches
  /** Whose phone numbers and usernames are. */
  readonly names: Names
  /** Other people's profiles; the storage port AccountStore fits. */
  readonly accounts: AccountRows
  /** What clients are told; `advertise` changes the address once it is known. */
  readonly config: ApiConfig
  /** Other gateways serve the same clients. */
  readonly isShared?: boolean
  /** Of the actors. Default: DEFAULT_SHARD_COUNT. */
  readonly shardCount?: number
  readonly log: Log
  readonly metrics?: { readonly mtproto?: MtprotoMetrics; readonly api?: ApiMetrics }
  readonly limits?: Partial<GatewayLimits>
}

export interface GatewaySizes extends MtprotoSizes, UpdatesSizes {
  /** Flood limits' token buckets that are kept. */
  readonly floodBuckets: number
}

/** From sockets to actors: MTProto, the API's methods, and updates to live sessions. */
export interface Gateway {
  /** Takes this node's sinks `push`, `moved`, `profile` and `revoked`. Call it once the actors answer, before listening. */
  start(): Promise<void>
  listenTcp(options: TcpListenOptions): Promise<Listening>
  listenHttp(options: HttpListenOptions): Promise<Listening>
  /** Where clients are told to dial. */
  advertise(at: { readonly host: string; readonly port: number }): void
  /** These shards changed hands: their accounts with a session here are asked for what follows. Without shards: all. */
  ownersChanged(shards?: readonly ShardRange[]): void
  sizes(): GatewaySizes
  /** Closes all connections, then lets go of the accounts' actors. */
  stop(): Promise<void>
}

export function createGateway(options: GatewayOptions): Gateway {
  const { system, clock, random, log, serverKey, caches, limits = {} } = options
  let { config } = options
  const actors = new ActorCalls(system, clock, limits.actorCalls)
  const hashes = new AccessHashes(options.accessHashKey)
  const profiles = new Profiles(actors, options.accounts, log, CHANGED_PROFILES)
  const presence = new PresenceBoard(clock, caches?.presence, caches?.onLoss !== undefined)
  const people = new People(actors, clock, hashes, profiles, limits.people, presence)
  const flood = new FloodGate(clock, limits.flood, caches?.rates)

  let mtproto: MtprotoGateway
  const updates = new Updates({
    actors,
    people,
    clock,
    random,
    log,
    mtproto: () => mtproto,
    sessions: caches?.sessions,
    ...(options.shardCount !== undefined && { shardCount: options.shardCount }),
    ...(limits.updates && { limits: limits.updates }),
  })
  const services: Services = {
    actors,
    clock,
    random,
    hashes,
    people,
    flood,
    presence,
    log,
    names: options.names,
    pushes: updates,
    metrics: options.metrics?.api ?? silentApiMetrics,
    get config() {
      return config
    },
    get authKeys() {
      return mtproto.authKeys
    },
  }
  const rpc: RpcHandler = createDispatch(services, methodTable())
  mtproto = createMtprotoGateway({
    clock,
    random,
    serverKey,
    log,
    rpc,
    authKeyStore: actorAuthKeys(actors, clock, random),
    hooks: updates.hooks,
    isShared: options.isShared ?? false,
    ...(limits.mtproto && { limits: limits.mtproto }),
    ...(options.metrics?.mtproto && { metrics: options.metrics.mtproto }),
  })

  return {
    async start() {
      updates.start()
      caches?.onLoss?.(() => {
        presence.rewrite()
        updates.rewriteSessions()
      })
    },
    listenTcp: (at) => mtproto.listenTcp(at),
    listenHttp: (at) => mtproto.listenHttp(at),
    advertise({ host, port }) {
      config = { ...config, host, port }
    },
    ownersChanged: (shards) => updates.ownersChanged(shards),
    sizes: () => ({ ...mtproto.sizes(), ...updates.sizes, floodBuckets: flood.size }),
    async stop() {
      await mtproto.close()
      flood.stop()
      presence.stop()
      await updates.stop()
    },
  }
}

import { Cluster, Redis } from 'ioredis'
import { keySlot } from './key-slot.js'
import type { RedisAddress } from './redis-address.js'
import type { Wire } from './redis-command.js'

/** What a server says to one command, or why it said nothing. */
export type Reply = { readonly value: unknown } | { readonly error: Error }

/** Connections that make themselves again; nothing waits for them. */
export interface RedisClient {
  /** Sends what can be sent now, in one write a server. Never rejects; may take as long as a server hangs. */
  send(commands: readonly Wire[]): Promise<readonly Reply[]>
  /** The server that has the key, by a name for the log. */
  serverOf(key: string): string
  close(): void
}

export interface RedisClientOptions {
  readonly address: RedisAddress
  /** Instead of the address's. */
  readonly password?: string
  /** Certificates (PEM) that the server's must come from; the system's unless told. */
  readonly tlsCa?: string
  readonly connectTimeoutMs: number
  /** A connection on which nothing is heard for so long after something was sent is made anew. */
  readonly silenceMs: number
  readonly longestRetryMs: number
  /** Connecting failed, or a connection did: the client goes on trying. */
  onError(error: Error): void
  /** Runs `then` after a while. */
  later(delayMs: number, then: () => void): void
}

export function connectRedis(options: RedisClientOptions): RedisClient {
  return options.address.kind === 'cluster' ? connectCluster(options) : connectOne(options)
}

function common({ address, password, tlsCa, connectTimeoutMs, silenceMs }: RedisClientOptions) {
  const secret = password ?? address.password
  return {
    // Fail fast: what cannot be sent now is of no use later.
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    connectTimeout: connectTimeoutMs,
    socketTimeout: silenceMs,
    protocol: 2 as const,
    connectionName: 'heliograph',
    // After a failover the old primary's connection says so.
    reconnectOnError: (error: Error) => /^(READONLY|MASTERDOWN)/.test(error.message),
    ...(address.username && { username: address.username }),
    ...(secret && { password: secret }),
    ...(address.tls && { tls: tlsCa ? { ca: tlsCa } : {} }),
  }
}

/**
 * The library has ways to end for good that nobody asked for (a disconnect that meets a connection which is being made):
 * from there, too, it starts again. The library's detector of failovers, which takes that way, is left off; the old primary
 * closes its connections, says READONLY, or is silent, each of which leads to the Sentinels again. Call what is given
 * before closing.
 */
function staysAlive(client: Redis | Cluster, { longestRetryMs, later }: RedisClientOptions): () => void {
  let isClosed = false
  client.on('end', () => {
    if (isClosed) return
    later(longestRetryMs, () => {
      if (!isClosed) client.connect().catch(() => {})
    })
  })
  return () => {
    isClosed = true
  }
}

function connectOne(options: RedisClientOptions): RedisClient {
  const { address, longestRetryMs } = options
  const retry = (times: number) => Math.min(longestRetryMs, 50 * 2 ** Math.min(10, times - 1))
  const [first] = address.hosts
  const redis = new Redis({
    ...common(options),
    enableOfflineQueue: false,
    retryStrategy: retry,
    db: address.database,
    ...(address.kind === 'single' && { host: first!.host, port: first!.port }),
    ...(address.kind === 'sentinel' && {
      sentinels: [...address.hosts],
      name: address.name ?? '',
      sentinelRetryStrategy: retry,
      sentinelCommandTimeout: options.connectTimeoutMs,
      enableTLSForSentinelMode: address.tls,
      ...(address.tls && options.tlsCa && { sentinelTLS: { ca: options.tlsCa } }),
    }),
  })
  redis.on('error', options.onError)
  const isClosed = staysAlive(redis, options)
  const isSelected = selection(redis, options)
  return {
    async send(commands) {
      if (!isSelected()) return commands.map(() => ({ error: new Error(`not in database ${address.database}`) }))
      const batch = commands.map(([name, ...args]) => ['call', name, ...args])
      const replies = (await redis.pipeline(batch).exec()) ?? []
      return replies.map(([error, value]) => (error ? { error } : { value }))
    },
    serverOf: () => '',
    close() {
      isClosed()
      redis.disconnect()
    },
  }
}

/**
 * The library goes on in database 0 when the server has not the one that was asked for: nothing is sent before the server
 * has agreed, on each new connection.
 */
function selection(redis: Redis, { address: { database }, onError }: RedisClientOptions): () => boolean {
  if (database === 0) return () => true
  let isSelected = false
  redis.on('close', () => {
    isSelected = false
  })
  redis.on('ready', () => {
    redis.select(database).then(
      () => {
        isSelected = true
      },
      (error: Error) => onError(new Error(`database ${database} of HELIOGRAPH_REDIS_URL: ${error.message}`)),
    )
  })
  return () => isSelected
}

function connectCluster(options: RedisClientOptions): RedisClient {
  const { address, longestRetryMs } = options
  const cluster = new Cluster([...address.hosts], {
    enableOfflineQueue: false,
    redisOptions: common(options),
    clusterRetryStrategy: (times) => Math.min(longestRetryMs, 50 * 2 ** Math.min(10, times - 1)),
    slotsRefreshTimeout: options.connectTimeoutMs,
    slotsRefreshInterval: 5_000,
    maxRedirections: 3,
  })
  cluster.on('error', options.onError)
  const isClosed = staysAlive(cluster, options)
  return {
    send: (commands) =>
      Promise.all(
        commands.map(([name, ...args]) =>
          cluster.call(name, args).then(
            (value): Reply => ({ value }),
            (error: Error): Reply => ({ error }),
          ),
        ),
      ),
    serverOf: (key) => cluster.slots[keySlot(key)]?.[0] ?? '',
    close() {
      isClosed()
      cluster.disconnect()
    },
  }
}

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, type RedisServer, startRedis } from './redis-server.js'
import { waitUntil } from './wait-until.js'

/** Several redis-servers that work together; `url` is what a program is given. */
export interface RedisGroup {
  readonly url: string
  readonly servers: readonly RedisServer[]
  dispose(): Promise<void>
}

const SLOTS = 16_384

/** A cluster of primaries, each with a share of the slots, without replicas. */
export async function startRedisCluster(primaries: number): Promise<RedisGroup> {
  const settings = [
    '--cluster-enabled',
    'yes',
    '--cluster-node-timeout',
    '1000',
    '--cluster-require-full-coverage',
    'no',
  ]
  const servers: RedisServer[] = []
  const dispose = async () => {
    for (const server of servers) await server.dispose()
  }
  try {
    for (let nth = 0; nth < primaries; nth++) servers.push(await startRedis({ settings }))
    const share = Math.ceil(SLOTS / primaries)
    for (const [nth, server] of servers.entries()) {
      await server.ask('CLUSTER', 'ADDSLOTSRANGE', nth * share, Math.min(SLOTS, (nth + 1) * share) - 1)
      await servers[0]!.ask('CLUSTER', 'MEET', '127.0.0.1', server.port)
    }
    await waitUntil('every node knows every slot', async () => {
      const infos = await Promise.all(servers.map((server) => server.ask('CLUSTER', 'INFO')))
      return infos.every((info) => `${info}`.includes('cluster_state:ok') && `${info}`.includes(`nodes:${primaries}`))
    })
  } catch (error) {
    await dispose()
    throw error
  }
  return { url: `redis+cluster://${servers.map(({ port }) => `127.0.0.1:${port}`).join(',')}`, servers, dispose }
}

export interface SentinelGroup extends RedisGroup {
  /** The servers that were started as primary and as replica. */
  readonly primary: RedisServer
  readonly replica: RedisServer
  /** The port of whom the Sentinels call the primary. */
  primaryPort(): Promise<number>
}

/** A primary, a replica, and three Sentinels that replace one by the other after it was silent for 500 ms. */
export async function startRedisSentinels(): Promise<SentinelGroup> {
  const folder = mkdtempSync(join(tmpdir(), 'redis-sentinels-'))
  const servers: RedisServer[] = []
  const dispose = async () => {
    for (const server of servers) await server.dispose()
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    const primary = await startRedis({ settings: ['--repl-diskless-sync-delay', '0'] })
    servers.push(primary)
    const replica = await startRedis({ settings: ['--replicaof', '127.0.0.1', `${primary.port}`] })
    servers.push(replica)
    await waitUntil('the replica follows', async () => {
      return `${await replica.ask('INFO', 'replication')}`.includes('master_link_status:up')
    })
    const sentinels: RedisServer[] = []
    for (let nth = 0; nth < 3; nth++) {
      const port = await freePort()
      const file = join(folder, `sentinel-${port}.conf`)
      writeFileSync(
        file,
        [
          `sentinel monitor heliograph 127.0.0.1 ${primary.port} 2`,
          'sentinel down-after-milliseconds heliograph 500',
          'sentinel failover-timeout heliograph 2000',
        ].join('\n'),
      )
      const sentinel = await startRedis({ port, sentinelFile: file })
      sentinels.push(sentinel)
      servers.push(sentinel)
    }
    await waitUntil('the Sentinels know each other and the replica', async () => {
      const [about] = (await sentinels[0]!.ask('SENTINEL', 'MASTERS')) as string[][]
      const figure = (name: string) => Number(about?.[about.indexOf(name) + 1])
      return figure('num-other-sentinels') === 2 && figure('num-slaves') === 1
    })
    return {
      url: `redis+sentinel://${sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',')}/heliograph`,
      servers,
      primary,
      replica,
      async primaryPort() {
        const at = (await sentinels[0]!.ask('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'heliograph')) as string[]
        return Number(at[1])
      },
      dispose,
    }
  } catch (error) {
    await dispose()
    throw error
  }
}

import { actorDefinitions } from '../../actors/index.js'
import { openSoleOwnership } from '../../cluster/index.js'
import { createActorSystem, DEFAULT_LIMITS, systemClock, systemRandom } from '../../runtime/index.js'
import { noLog, noMetrics } from '../../runtime/testing/index.js'
import {
  type NameDirectory,
  openCassandraStorage,
  openPostgresStorage,
  readCassandra,
  readServerList,
} from '../../storage/index.js'
import type { ActorWorld } from './actor-world.js'

/** The real actors on the servers of a cluster, in this process: to fill them before a node starts. */
export async function openServerWorld(
  env: Readonly<Record<string, string>>,
): Promise<Pick<ActorWorld, 'system' | 'stop'> & { readonly directory: NameDirectory }> {
  const tools = { clock: systemClock, random: systemRandom, log: noLog }
  const cassandra = await openCassandraStorage({
    ...readCassandra(env.HELIOGRAPH_CASSANDRA!),
    ...{ ...tools, schema: 'apply' },
    limits: { requestTimeoutMs: 30_000, queuedForMs: 30_000 },
  })
  const postgres = await openPostgresStorage({
    servers: readServerList(env.HELIOGRAPH_POSTGRES_SERVERS!),
    ...{ ...tools, schema: 'apply' },
  })
  // It shares the machine with what it fills.
  const lease = { lengthMs: 15_000, renewEveryMs: 2_000 }
  const ownership = await openSoleOwnership({ ...tools, register: cassandra.register, self: 'bench', lease })
  const system = createActorSystem({
    actors: actorDefinitions({
      chat: tools,
      records: postgres,
      loginCodes: {
        names: { owner: () => Promise.resolve(undefined) },
        delivery: { deliver: () => Promise.reject(new Error('nobody logs in here')) },
        random: systemRandom,
        testNumbers: true,
      },
    }),
    ...tools,
    journals: cassandra.journals,
    agenda: cassandra.agenda,
    ownership,
    metrics: noMetrics,
    localValues: 'pass',
    limits: { residentActors: 1_000_000, callTimeoutMs: 60_000, actor: DEFAULT_LIMITS.actor },
  })
  await system.start()
  return {
    system,
    directory: postgres.directory,
    async stop() {
      await system.stop()
      await ownership.close()
      await postgres.close()
      await cassandra.close()
    },
  }
}

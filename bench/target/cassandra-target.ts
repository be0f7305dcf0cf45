import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import cassandra from 'cassandra-driver'
import { systemClock } from '../../runtime/index.js'
import { noLog } from '../../runtime/testing/index.js'
import { type CassandraStorage, openCassandraStorage } from '../../storage/index.js'
import type { Run } from '../scenario.js'

/** Our driver, and a bare client of the same server and keyspace. */
export interface CassandraTarget {
  readonly storage: CassandraStorage
  readonly bare: cassandra.Client
}

/** A keyspace of this run's own on the server that `npm run services -- up cassandra` has started. */
export async function cassandraTarget(run: Run): Promise<CassandraTarget> {
  const address = { contactPoints: [serverAddress()], localDataCenter: 'dc1' }
  const keyspace = `bench_${process.pid}`
  const storage = await openCassandraStorage({
    ...address,
    keyspace,
    replication: 1,
    clock: systemClock,
    log: noLog,
    schema: 'apply',
    // The ratio is looked for, not the moment at which a small server has had enough.
    limits: { requestTimeoutMs: 30_000, queuedForMs: 30_000, startWithinMs: 1_000 },
  })
  const { TokenAwarePolicy, DCAwareRoundRobinPolicy } = cassandra.policies.loadBalancing
  const bare = new cassandra.Client({
    ...address,
    keyspace,
    socketOptions: { readTimeout: 30_000 },
    policies: { loadBalancing: new TokenAwarePolicy(new DCAwareRoundRobinPolicy('dc1')) },
  })
  await bare.connect()
  run.onEnd(async () => {
    await storage.close()
    await bare.execute(`DROP KEYSPACE IF EXISTS ${keyspace}`, [], { readTimeout: 60_000 })
    await bare.shutdown()
  })
  return { storage, bare }
}

/** As tests find it (test/services.ts): told, or what runs in this checkout. */
function serverAddress(): string {
  const told = process.env.HELIOGRAPH_TEST_CASSANDRA
  if (told) return told
  let root = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(root, 'package.json'))) root = dirname(root)
  const services = process.env.HELIOGRAPH_SERVICES_DIR ?? join(root, '.heliograph/services')
  try {
    return (JSON.parse(readFileSync(join(services, 'cassandra/service.json'), 'utf8')) as { url: string }).url
  } catch {
    throw new Error('cassandra does not run: npm run services -- up cassandra')
  }
}

/** The row of one message, as our driver writes it. */
export const bareInsert = `INSERT INTO chat_journal (chat_id, bucket, pts, ordinal, writer_epoch, writer_attempt, count,
  after_ordinal, more, bucket_bytes, at, fact, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) USING TIMESTAMP 1`

export const barePage = `SELECT pts, ordinal, writer_epoch, writer_attempt, count, after_ordinal, more, bucket_bytes, at,
  fact, body FROM chat_journal WHERE chat_id = ? AND bucket = ? AND (pts, ordinal) > (?, ?) LIMIT ?`

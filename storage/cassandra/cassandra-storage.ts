import type { AgendaStore, JournalStore, OwnershipRegister } from '../../runtime/index.js'
import { type ActorError, type Clock, errorCode } from '../../runtime/index.js'
import { actorList } from './actor-list.js'
import { CassandraAgenda } from './agenda.js'
import { type ClientSession, connect, type SessionCounters } from './client-session.js'
import { loginFailure } from './failures.js'
import { CassandraJournals } from './journals.js'
import { checkSchema, migrateCassandra } from './migrate.js'
import { type CassandraLimits, type CassandraStorageOptions, completeLimits } from './options.js'
import { CassandraRegister, registerStatements } from './register.js'
import type { CassandraSession } from './session.js'
import { Stamps } from './stamps.js'
import { everyStatement } from './tables.js'

/** What is stored in Cassandra. */
export interface CassandraStorage {
  readonly journals: JournalStore
  readonly agenda: AgendaStore
  /** Who owns which shard: for cluster/, which makes an Ownership of it. */
  readonly register: OwnershipRegister
  readonly counters: SessionCounters
  /** Of this keyspace, which no other has, however it is called. */
  readonly identity: string
  /** All actors that were ever opened, in no order: for tools, since it reads a whole table. */
  actors(): AsyncIterable<{ readonly kind: string; readonly key: string }>
  /**
   * Resolves when a quorum has answered a read and, if a write has failed since the last call, taken a write again.
   * Rejects with STORE_UNAVAILABLE or OUTCOME_UNKNOWN.
   */
  answers(): Promise<void>
  /** Nothing may be in flight any more. */
  close(): Promise<void>
}

/**
 * Connects, and brings the schema up to date or checks it. Tries for `startWithinMs` while no node answers. Rejects with
 * STORE_UNAVAILABLE, or REFUSED (reasons BAD_LOGIN, SCHEMA_TOO_OLD, SCHEMA_TOO_NEW, NO_COPIES); the message has the cure.
 */
export async function openCassandraStorage(options: CassandraStorageOptions): Promise<CassandraStorage> {
  const limits = completeLimits(options.limits)
  const { session, identity } = await patiently(options, limits, async () => {
    if (options.schema === 'apply') await migrateCassandra(options)
    else await checkSchema(options)
    return known(await connect(options, options.clock), options.keyspace)
  })
  await session.prepare([...everyStatement(), ...registerStatements()])
  let failuresOvercome = 0
  return {
    ...storageOn(session, limits),
    identity,
    get counters() {
      return session.counters
    },
    actors: () => actorList(session),
    async answers() {
      const { failures } = session.counters
      await session.read({ query: `SELECT value FROM probe WHERE name = 'answers'`, parameters: [] }, 'quorum')
      if (failures === failuresOvercome) return
      await session.write({ query: `UPDATE probe SET value = 1 WHERE name = 'answers'`, parameters: [] })
      failuresOvercome = failures
    },
    close: () => session.close(),
  }
}

interface KnownKeyspace {
  readonly session: ClientSession
  readonly identity: string
}

/** Who took the first step of its schema had a name made for that, and nobody takes it again. */
async function known(session: ClientSession, keyspace: string): Promise<KnownKeyspace> {
  const query = 'SELECT claimed_by FROM schema_versions WHERE version = 1'
  try {
    const [row] = await session.readSerial({ query, parameters: [] })
    return { session, identity: `keyspace ${keyspace} ${row?.claimed_by}` }
  } catch (error) {
    await session.close()
    throw error
  }
}

/** The driver on any session. */
export function storageOn(
  session: CassandraSession,
  limits: Pick<CassandraLimits, 'bucketBytes' | 'bucketPts'>,
): Pick<CassandraStorage, 'journals' | 'agenda' | 'register'> {
  const stamps = new Stamps()
  return {
    journals: new CassandraJournals(session, stamps, limits),
    agenda: new CassandraAgenda(session, stamps),
    register: new CassandraRegister(session),
  }
}

async function patiently(
  { clock, log, contactPoints }: CassandraStorageOptions,
  { startWithinMs, reconnectEveryMs }: CassandraLimits,
  start: () => Promise<KnownKeyspace>,
): Promise<KnownKeyspace> {
  const sinceMs = clock.monotonic()
  for (;;) {
    try {
      return await start()
    } catch (error) {
      const refused = loginFailure(error)
      if (refused) throw refused
      const isOver = clock.monotonic() - sinceMs > startWithinMs
      if (errorCode(error) !== 'STORE_UNAVAILABLE' || isOver) throw error
      log.warn({ contactPoints, error: (error as ActorError).message }, 'Cassandra cannot be used yet')
    }
    await pause(clock, reconnectEveryMs)
  }
}

function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.setTimer(ms, resolve)
  })
}

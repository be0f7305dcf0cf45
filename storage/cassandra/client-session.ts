import cassandra from 'cassandra-driver'
import type { Clock } from '../../runtime/index.js'
import { readFailure, writeFailure } from './failures.js'
import { Gate } from './gate.js'
import { type CassandraConnection, completeLimits } from './options.js'
import type { CassandraSession, ReadConsistency, Row, Statement } from './session.js'

const { consistencies } = cassandra.types
const { loadBalancing, reconnection, speculativeExecution } = cassandra.policies

type QueryOptions = cassandra.QueryOptions

const one: QueryOptions = { prepare: true, isIdempotent: true, consistency: consistencies.localOne }
const quorum: QueryOptions = { prepare: true, isIdempotent: true, consistency: consistencies.localQuorum }
const writing: QueryOptions = { prepare: true, isIdempotent: false, consistency: consistencies.localQuorum }
const together: QueryOptions = { ...writing, logged: false }

const mostPreparing = 8

/** Since the start of the process. */
export interface SessionCounters {
  readonly reads: number
  readonly writes: number
  readonly failures: number
  /** Requests refused because too much waited already. */
  readonly refused: number
  readonly inFlight: number
  readonly queued: number
}

/** A session over the wire. The options of the driver are the promises C1 to C4 in its words. */
export class ClientSession implements CassandraSession {
  readonly #client: cassandra.Client
  readonly #gate: Gate
  readonly #conditional: QueryOptions
  readonly #serial: QueryOptions
  #reads = 0
  #writes = 0
  #failures = 0

  constructor(client: cassandra.Client, gate: Gate, decisionTimeoutMs: number) {
    this.#client = client
    this.#gate = gate
    this.#conditional = { ...writing, serialConsistency: consistencies.serial, readTimeout: decisionTimeoutMs }
    this.#serial = { ...quorum, consistency: consistencies.serial, readTimeout: decisionTimeoutMs }
  }

  get counters(): SessionCounters {
    const { refused, inside: inFlight, queued } = this.#gate
    return { reads: this.#reads, writes: this.#writes, failures: this.#failures, refused, inFlight, queued }
  }

  read(statement: Statement, consistency: ReadConsistency): Promise<readonly Row[]> {
    return this.#read(statement, consistency === 'one' ? one : quorum)
  }

  readSerial(statement: Statement): Promise<readonly Row[]> {
    return this.#read(statement, this.#serial)
  }

  async write(statement: Statement): Promise<void> {
    await this.#write(bytesOf(statement), () => this.#execute(statement, writing))
  }

  async writeTogether(statements: readonly Statement[]): Promise<void> {
    if (statements.length === 1) return this.write(statements[0]!)
    const bytes = statements.reduce((sum, statement) => sum + bytesOf(statement), 0)
    const batch = statements.map(({ query, parameters }) => ({ query, params: parameters }))
    await this.#write(bytes, () => this.#client.batch(batch, together))
  }

  async writeIf(statement: Statement): Promise<{ applied: boolean; row: Row | undefined }> {
    const result = await this.#write(bytesOf(statement), () => this.#execute(statement, this.#conditional))
    return { applied: result.wasApplied(), row: result.first() as Row | undefined }
  }

  close(): Promise<void> {
    return this.#client.shutdown()
  }

  /**
   * Has these statements prepared, as they would be when they are needed first: somebody would wait for it then. Nothing is
   * executed. What cannot be prepared now is left for then.
   */
  async prepare(queries: readonly string[]): Promise<void> {
    const left = queries.values()
    const one = async () => {
      // The driver has no other way: it prepares, and refuses to send what lacks a parameter.
      for (const query of left) await this.#client.execute(query, {}, { prepare: true }).catch(() => undefined)
    }
    await Promise.all(Array.from({ length: mostPreparing }, one))
  }

  async #read(statement: Statement, options: QueryOptions): Promise<readonly Row[]> {
    this.#reads++
    try {
      const result = await this.#gate.run(bytesOf(statement), () => this.#execute(statement, options))
      return result.rows as unknown as readonly Row[]
    } catch (error) {
      this.#failures++
      throw readFailure(error)
    }
  }

  async #write(bytes: number, request: () => Promise<cassandra.types.ResultSet>): Promise<cassandra.types.ResultSet> {
    this.#writes++
    try {
      return await this.#gate.run(bytes, request)
    } catch (error) {
      this.#failures++
      throw writeFailure(error)
    }
  }

  #execute({ query, parameters }: Statement, options: QueryOptions): Promise<cassandra.types.ResultSet> {
    return this.#client.execute(query, parameters, options)
  }
}

/** Connects. Rejects with STORE_UNAVAILABLE when no node answers. */
export async function connect(connection: CassandraConnection, clock: Clock): Promise<ClientSession> {
  const limits = completeLimits(connection.limits)
  const client = driverClient(connection, connection.keyspace)
  try {
    await client.connect()
  } catch (error) {
    await client.shutdown().catch(() => undefined)
    throw readFailure(error)
  }
  const nodesUp = () => Math.max(1, [...client.hosts.values()].filter((host) => host.isUp()).length)
  let nodes = nodesUp()
  const count = () => {
    nodes = nodesUp()
  }
  for (const event of ['hostUp', 'hostDown', 'hostAdd', 'hostRemove']) client.on(event, count)
  const gate = new Gate(clock, limits, () => nodes * limits.requestsPerHost)
  return new ClientSession(client, gate, limits.decisionTimeoutMs)
}

/** The driver's own client with our limits; without `keyspace` for what makes one. */
export function driverClient(
  { contactPoints, localDataCenter, credentials, tls, limits: given }: CassandraConnection,
  keyspace?: string,
): cassandra.Client {
  const limits = completeLimits(given)
  return new cassandra.Client({
    contactPoints: [...contactPoints],
    localDataCenter,
    ...(keyspace !== undefined && { keyspace }),
    ...(credentials && { credentials: { ...credentials } }),
    // The driver's own default takes any certificate.
    ...(tls && { sslOptions: { rejectUnauthorized: true, ...tls } }),
    // Nodes tell each other's addresses without a port: all of a ring listen on the one that was given.
    protocolOptions: { port: portOf(contactPoints) },
    encoding: { useUndefinedAsUnset: true },
    policies: {
      loadBalancing: new loadBalancing.TokenAwarePolicy(new loadBalancing.DCAwareRoundRobinPolicy(localDataCenter)),
      reconnection: new reconnection.ConstantReconnectionPolicy(limits.reconnectEveryMs),
      speculativeExecution: new speculativeExecution.ConstantSpeculativeExecutionPolicy(limits.askAnotherAfterMs, 1),
    },
    pooling: {
      // One connection a node is the driver's default for this protocol; its bound is the bound of the node.
      maxRequestsPerConnection: limits.requestsPerHost,
      heartBeatInterval: 5_000,
    },
    socketOptions: {
      connectTimeout: limits.connectTimeoutMs,
      readTimeout: limits.requestTimeoutMs,
      keepAlive: true,
      tcpNoDelay: true,
    },
  })
}

function portOf(contactPoints: readonly string[]): number {
  const [, port] = /:(\d+)$/.exec(contactPoints[0] ?? '') ?? []
  return port === undefined ? defaultPort : Number(port)
}

const defaultPort = 9042

/** About what a waiting request holds in memory. */
function bytesOf({ parameters }: Statement): number {
  let bytes = 200
  for (const parameter of parameters) {
    if (typeof parameter === 'string' || Buffer.isBuffer(parameter)) bytes += parameter.length
  }
  return bytes
}

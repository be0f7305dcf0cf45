/** What a parameter may be; undefined leaves the column alone. */
export type Parameter = string | number | boolean | Buffer | Date | readonly string[] | undefined | object

export interface Statement {
  readonly query: string
  readonly parameters: readonly Parameter[]
}

/** Columns by name; numbers of 64 bits are the driver's Long. */
export type Row = { readonly [column: string]: unknown }

/** `one`: settled rows from the nearest replica; `quorum`: all that was acknowledged in this data centre. */
export type ReadConsistency = 'one' | 'quorum'

/**
 * What the rest of the driver asks of Cassandra.
 *
 * C1. Everything ends: each request has a time-out, each wait for a turn has one, and what waits is bounded.
 * C2. Errors are the runtime's: STORE_UNAVAILABLE when nothing was written, OUTCOME_UNKNOWN when a write may have been.
 * C3. Only reads are asked of a second node before the first has answered. A write is sent once.
 * C4. Writes are acknowledged by a quorum of the local data centre; conditional ones are decided at SERIAL, over all.
 */
export interface CassandraSession {
  read(statement: Statement, consistency: ReadConsistency): Promise<readonly Row[]>
  write(statement: Statement): Promise<void>
  /** As one mutation: all statements must be of one partition. */
  writeTogether(statements: readonly Statement[]): Promise<void>
  /** A conditional write; `row` is what stands there when it was not applied. */
  writeIf(statement: Statement): Promise<{ readonly applied: boolean; readonly row: Row | undefined }>
  /** Sees every conditional write that was decided, and decides those that were left undecided. */
  readSerial(statement: Statement): Promise<readonly Row[]>
  close(): Promise<void>
}

/** Batches written at the same time by one caller. */
const mostBatches = 16

/** Writes batches of one partition each, in any order. */
export async function writeAll(session: CassandraSession, batches: readonly (readonly Statement[])[]): Promise<void> {
  const left = batches.values()
  const write = async () => {
    for (const batch of left) await session.writeTogether(batch)
  }
  await Promise.all(Array.from({ length: Math.min(mostBatches, batches.length) }, write))
}

import type { ActorAddress, Journal } from '../../runtime/index.js'
import type { CassandraSession, ReadConsistency, Statement } from '../cassandra/session.js'
import { follow, headOf, start } from '../contract/samples.js'

/** Counts the rows that come back. */
export class CountingSession implements CassandraSession {
  readonly #session: CassandraSession
  rows = 0
  requests = 0

  constructor(session: CassandraSession) {
    this.#session = session
  }

  async read(statement: Statement, consistency: ReadConsistency) {
    const rows = await this.#session.read(statement, consistency)
    this.requests++
    this.rows += rows.length
    return rows
  }

  async readSerial(statement: Statement) {
    return this.#session.readSerial(statement)
  }

  async write(statement: Statement) {
    this.requests++
    await this.#session.write(statement)
  }

  async writeTogether(statements: readonly Statement[]) {
    this.requests++
    await this.#session.writeTogether(statements)
  }

  writeIf(statement: Statement) {
    return this.#session.writeIf(statement)
  }

  async close(): Promise<void> {}
}

/** Writes messages of one chat, `perCommit` a commit, with a snapshot now and then as the runtime takes them. */
export async function writeMessages(
  journal: Journal,
  messages: number,
  { perCommit, bodyBytes, perSnapshot }: { perCommit: number; bodyBytes: number; perSnapshot: number },
): Promise<void> {
  const body = Buffer.alloc(bodyBytes)
  for (let at = 0; at < bodyBytes; at++) body[at] = (at * 2_654_435_761) >>> 24
  let head = start
  for (let written = 0; written < messages; written += perCommit) {
    const drafts = Array.from({ length: Math.min(perCommit, messages - written) }, () => ({ fact: 'message', body }))
    const entries = follow(head, drafts)
    await journal.commit({ entries })
    head = headOf(entries)
    if (written % perSnapshot < perCommit) {
      await journal.checkpoint({ snapshot: { position: head, version: 1, state: body }, rows: [], erased: [] })
    }
  }
}

export function hotChat(key: string): ActorAddress {
  return { kind: 'chat', key, shard: 1 }
}

import type { ActorAddress, DerivedRow, Journal } from '../../runtime/index.js'
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

/** Fewer, and a slower test: receipts of one checkpoint lie in many partitions. */
const ROWS_AT_ONCE = 4_000

/**
 * Writes messages of one chat, `perCommit` a commit, with a snapshot now and then as the runtime takes them, and with rows
 * as a chat has them: a receipt for each message, whose place is a hash, and one with the message's number.
 */
export async function writeMessages(
  journal: Journal,
  messages: number,
  { perCommit, bodyBytes, perSnapshot }: { perCommit: number; bodyBytes: number; perSnapshot: number },
): Promise<void> {
  const body = Buffer.alloc(bodyBytes)
  for (let at = 0; at < bodyBytes; at++) body[at] = (at * 2_654_435_761) >>> 24
  let head = start
  const rows: DerivedRow[] = []
  for (let written = 0; written < messages; written += perCommit) {
    const drafts = Array.from({ length: Math.min(perCommit, messages - written) }, () => ({ fact: 'message', body }))
    const entries = follow(head, drafts)
    await journal.commit({ entries })
    head = headOf(entries)
    rows.push(...entries.flatMap(({ pts }) => rowsOf(pts)))
    const isLast = written + perCommit >= messages
    if (written % perSnapshot >= perCommit && !isLast) continue
    const due = isLast || rows.length >= ROWS_AT_ONCE ? rows.splice(0) : []
    await journal.checkpoint({ snapshot: { position: head, version: 1, state: body }, rows: due, erased: [] })
  }
}

function rowsOf(n: number): readonly DerivedRow[] {
  const value = Buffer.from(`${n}`)
  return [
    { table: 'receipt', group: '600', order: receiptOf(n), value },
    { table: 'edit', group: '-', order: n, value },
  ]
}

/** 48 spread bits and a slot of four, as in actors/chat/receipts.ts. */
function receiptOf(n: number): number {
  return ((Math.imul(n, 0x9e3779b1) >>> 0) * 2 ** 16 + (n & 0xffff)) * 16
}

export function hotChat(key: string): ActorAddress {
  return { kind: 'chat', key, shard: 1 }
}

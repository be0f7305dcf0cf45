import type { CassandraSession } from './session.js'

const pageRows = 1_000
const first = `SELECT DISTINCT kind, actor_key, token(kind, actor_key) AS place FROM lineages LIMIT ${pageRows}`
const further = `SELECT DISTINCT kind, actor_key, token(kind, actor_key) AS place FROM lineages
  WHERE token(kind, actor_key) > ? LIMIT ${pageRows}`

/** All actors that were ever opened, in no order; reads a whole table. Erased ones are there for some days more. */
export async function* actorList(
  session: CassandraSession,
): AsyncGenerator<{ readonly kind: string; readonly key: string }> {
  let after: object | undefined
  for (;;) {
    const statement = after ? { query: further, parameters: [after] } : { query: first, parameters: [] }
    const rows = await session.read(statement, 'quorum')
    for (const row of rows) yield { kind: row.kind as string, key: row.actor_key as string }
    if (rows.length < pageRows) return
    after = rows.at(-1)?.place as object
  }
}

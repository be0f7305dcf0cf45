import { ActorError } from '../../runtime/index.js'
import type { PostgresServer, Statement } from './server.js'

const READ: Statement = { name: 'read_belonging', text: 'SELECT journals FROM belongs_to' }
const TAKE: Statement = {
  name: 'take_belonging',
  text: 'INSERT INTO belongs_to (journals) VALUES ($1) ON CONFLICT DO NOTHING',
}

/**
 * Makes the server that of these journals, if it is nobody's yet. Rejects with REFUSED (OTHER_JOURNALS) when it is that of
 * others: they decide whose its names are, and these would find all of them abandoned.
 */
export async function checkBelonging(server: PostgresServer, journals: string): Promise<void> {
  const owner = async () => (await server.read<{ journals: string }>(READ, []))[0]?.journals
  let found = await owner()
  if (found === undefined) {
    await server.write(TAKE, [journals])
    found = await owner()
  }
  if (found === undefined || found === journals) return
  throw new ActorError(
    'REFUSED',
    `The names in ${server.name} belong to other journals (${found}) than this program's (${journals}). Give it a database ` +
      'of its own, or the keyspace or data directory that this one was used with. If these journals are a restored copy of ' +
      'those: DELETE FROM belongs_to in each database, and start again.',
    { reason: 'OTHER_JOURNALS' },
  )
}

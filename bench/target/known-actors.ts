import cassandra from 'cassandra-driver'
import { readCassandra } from '../../storage/index.js'

const { Long, Tuple } = cassandra.types

/** A row as the driver reads it: one of an account that was registered as others are. */
type Row = Readonly<Record<string, unknown>>

const AT_ONCE = 256

/**
 * Accounts that are known and not in memory: journals of one entry, the registration, with their lineages. The rows are
 * those of an account that the program has registered itself, under other keys: what it takes to open one, at the cost of two
 * writes instead of a quorum read, a lineage and a commit each.
 */
export async function makeKnown(
  address: string,
  like: number,
  users: Iterable<number>,
  progress: (made: number) => void,
): Promise<number> {
  const { contactPoints, localDataCenter, keyspace } = readCassandra(address)
  const client = new cassandra.Client({
    ...{ contactPoints: [...contactPoints], localDataCenter, keyspace },
    socketOptions: { readTimeout: 60_000 },
  })
  await client.connect()
  try {
    const [entry] = (
      await client.execute('SELECT * FROM user_box WHERE user_id = ? AND bucket = 0 LIMIT 1', [String(like)], {
        prepare: true,
      })
    ).rows as unknown as readonly Row[]
    if (entry === undefined) throw new Error(`account ${like} has no entry to make others like it`)
    const columns = ['pts', 'ordinal', 'count', 'after_ordinal', 'more', 'bucket_bytes', 'at', 'fact', 'body']
    const insert = `INSERT INTO user_box (user_id, bucket, writer_epoch, writer_attempt, ${columns.join(', ')})
      VALUES (?, 0, ?, ?, ${columns.map(() => '?').join(', ')}) USING TIMESTAMP 1`
    const lineage = `INSERT INTO lineages (kind, actor_key, epoch, attempt, life, generation, writers)
      VALUES ('user', ?, ?, ?, 0, 1, ?) USING TIMESTAMP 1`
    const [epoch, attempt] = [entry.writer_epoch, entry.writer_attempt]
    const writers = [new Tuple(epoch, attempt, Long.ZERO, 0)]
    const values = columns.map((column) => (column === 'more' ? 0 : entry[column]))
    const next = users[Symbol.iterator]()
    let made = 0
    const writer = async () => {
      for (let user = next.next(); !user.done; user = next.next()) {
        const key = String(user.value)
        await Promise.all([
          client.execute(insert, [key, epoch, attempt, ...values], { prepare: true }),
          client.execute(lineage, [key, epoch, attempt, writers], { prepare: true }),
        ])
        progress(++made)
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, writer))
    return made
  } finally {
    await client.shutdown()
  }
}

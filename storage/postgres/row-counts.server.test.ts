import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../runtime/index.js'
import { noLog } from '../../runtime/testing/index.js'
import { accountRow } from '../contract/account-store.suite.js'
import { newDatabases } from '../testing/postgres-harness.js'
import { PrivatePostgres } from '../testing/private-postgres.js'
import { openPostgresStorage } from './open.js'
import { families } from './shard.js'
import { moveShards } from './shard-move.js'

const servers: PrivatePostgres[] = []
beforeAll(async () => {
  servers.push(await PrivatePostgres.start(), await PrivatePostgres.start())
}, 120_000)
afterAll(async () => {
  await Promise.all(servers.map((server) => server.dispose()))
}, 60_000)

test('rows are counted over all servers, once each, wherever their shards moved', async () => {
  const addresses = await newDatabases(servers)
  const storage = await openPostgresStorage({ servers: addresses, clock: systemClock, log: noLog })
  try {
    expect(await storage.rowCounts()).toEqual({ names: 0, indexed: 0, accounts: 0 })
    for (let n = 1; n <= 20; n++) {
      const key = { kind: 'username', name: `counted_${n}`, user: n } as const
      await storage.directory.reserve({ ...key, atMs: 1 })
      if (n % 2) await storage.directory.release({ ...key, upTo: 10 })
      await storage.names.put(`${n}counted`, n)
      if (n === 1) await storage.names.remove(`${n}counted`, n)
      await storage.accounts.put(accountRow(n * 50))
    }
    const counts = { names: 20, indexed: 19, accounts: 20 }
    expect(await storage.rowCounts()).toEqual(counts)
    const shards = families.flatMap((family) => Array.from({ length: 60 }, (_, shard) => ({ family, shard })))
    await moveShards(shards, { servers: addresses, to: addresses[1]!.name, nowMs: () => performance.now() })
    expect(await storage.rowCounts()).toEqual(counts)
  } finally {
    await storage.close()
  }
}, 120_000)

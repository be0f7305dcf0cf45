/** R1 of accounts.ts: a replica answers reads of account rows as far as it has them; everything else is the primary's. */
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../runtime/index.js'
import { noLog } from '../../runtime/testing/index.js'
import { accountRow } from '../contract/account-store.suite.js'
import { newDatabases } from '../testing/postgres-harness.js'
import { PrivatePostgres } from '../testing/private-postgres.js'
import { openPostgresStorage } from './open.js'

let primary: PrivatePostgres
let standby: PrivatePostgres

beforeAll(async () => {
  const pair = await PrivatePostgres.pair()
  primary = pair.primary
  standby = pair.standby
})
afterAll(() => primary?.dispose())

const version = (pts: number) => ({ pts, ordinal: 0 })

test('rows come from the replica; what it lacks, or has too old, and everything once it is gone, from the primary', async () => {
  const [address] = await newDatabases([primary])
  const database = new URL(address!.url).pathname.slice(1)
  const url = standby.url(database)
  const servers = [{ ...address!, replicas: [url] }]
  const limits = { connectWithinMs: 500, statementWithinMs: 2_000, pauseMs: 200 }
  const storage = await openPostgresStorage({ servers, clock: systemClock, log: noLog, limits })
  const name = async (id: number, atLeast?: number) => {
    const [row] = await storage.accounts.get([atLeast ? { id, atLeast: version(atLeast) } : { id }])
    return row?.firstName
  }
  await storage.accounts.put(accountRow(7, { version: version(1), firstName: 'first' }))
  const copied = async () => (await standby.sql('SELECT FROM account', database).catch(() => [])).length === 1
  while (!(await copied())) await pause(20)
  await standby.sql('SELECT pg_wal_replay_pause()')
  await storage.accounts.put(accountRow(7, { version: version(2), firstName: 'second' }))
  await storage.accounts.put(accountRow(8, { firstName: 'new' }))
  expect(await name(7)).toBe('first')
  expect(await name(7, 1)).toBe('first')
  expect(await name(7, 2)).toBe('second')
  expect(await name(7, 3)).toBeUndefined()
  expect(await name(8)).toBe('new')
  await standby.sql('SELECT pg_wal_replay_resume()')
  await standby.kill()
  for (let n = 0; n < 5; n++) expect(await name(7)).toBe('second')
  await storage.close()
})

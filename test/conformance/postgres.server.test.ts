/** Both libraries on a server whose names and account rows lie on two PostgreSQL servers, which go away and come back. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { PrivatePostgres } from '../../storage/testing/index.js'
import { waitUntil } from '../harness/index.js'
import { stage } from './stage.js'

const servers: PrivatePostgres[] = []

beforeAll(async () => {
  servers.push(...(await Promise.all([PrivatePostgres.start(), PrivatePostgres.start()])))
})
const on = stage(() => ({
  // On loopback the start makes the tables.
  env: { HELIOGRAPH_POSTGRES_SERVERS: servers.map((server, at) => `pg-${at}=${server.url('heliograph')}`).join(' ') },
}))
afterAll(async () => {
  await Promise.all(servers.map((server) => server.dispose()))
})

test('accounts, names and profiles are the same as on one machine; an outage is slept out by clients', async () => {
  const alice = await on.mtcute()
  const bob = await on.gramjs()
  await alice.setUsername('alice_pg')
  await bob.setUsername('bobby_pg')
  await expect(bob.setUsername('ALICE_pg')).rejects.toThrow('USERNAME_OCCUPIED')
  await alice.setName('Alice', 'Liddell')
  await alice.send('bobby_pg', 'hello')
  expect((await bob.history('alice_pg')).map(({ text }) => text)).toEqual(['hello'])
  const rows = () =>
    Promise.all(servers.map((server) => server.sql('SELECT username, first_name, home_dc FROM account', 'heliograph')))
  await waitUntil('the rows show both', async () => {
    const shown = (await rows()).flat().map((row) => JSON.stringify(row))
    return shown.length === 2 && shown.includes('{"username":"alice_pg","first_name":"Alice","home_dc":2}')
  })

  for (const server of servers) await server.kill()
  await alice.send('bobby_pg', 'still here')
  expect((await bob.history('alice_pg', 1)).map(({ text }) => text)).toEqual(['still here'])
  const renamed = bob.setUsername('bobby_pg_again')
  await Promise.all(servers.map((server) => server.start()))
  await renamed
  expect((await alice.client.getUser('bobby_pg_again')).id).toBe(bob.self)
})

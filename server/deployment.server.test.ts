/** What deploy/ runs in containers, run here on real servers: no container is needed to see that it works. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { asAdministrator, PrivatePostgres } from '../storage/testing/index.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const secrets = mkdtempSync(join(tmpdir(), 'heliograph-secrets-'))
const password = `with 'quotes' and $signs`
let server: PrivatePostgres

beforeAll(async () => {
  server = await PrivatePostgres.start()
}, 120_000)
afterAll(async () => {
  rmSync(secrets, { recursive: true, force: true })
  await server?.dispose()
}, 60_000)

test("deploy/postgres makes the program's role: it owns its database, is no superuser, and is bounded", async () => {
  for (const sql of ['DROP DATABASE heliograph', 'DROP ROLE heliograph', 'CREATE DATABASE heliograph'])
    await server.sql(sql)
  writeFileSync(join(secrets, 'postgres-password'), `${password}\n`)
  const { host, port, password: adminPassword } = new URL(asAdministrator(server.url()))
  const { status, stderr } = spawnSync('bash', [join(root, 'deploy/postgres/program-role.sh')], {
    encoding: 'utf8',
    env: {
      PATH: process.env.PATH,
      POSTGRES_USER: 'postgres',
      POSTGRES_DB: 'heliograph',
      SECRETS: secrets,
      PGHOST: host.split(':')[0],
      PGPORT: port,
      PGPASSWORD: adminPassword,
    },
  })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  const client = new pg.Client({
    host: '127.0.0.1',
    port: server.port,
    user: 'heliograph',
    database: 'heliograph',
    password,
  })
  await client.connect()
  try {
    await client.query('CREATE TABLE mine (id integer)')
    const { rows } = await client.query(
      'SELECT rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolconnlimit FROM pg_roles WHERE rolname = current_user',
    )
    const no = { rolsuper: false, rolcreatedb: false, rolcreaterole: false, rolreplication: false }
    expect(rows).toEqual([{ ...no, rolconnlimit: 80 }])
  } finally {
    await client.end()
  }
})

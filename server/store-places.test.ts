import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { cassandraPlace, postgresPlaces, redisPlace } from './store-places.js'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'heliograph-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const plain = { url: 'redis://h', passwordFile: undefined, tlsCaFile: undefined, timeoutMs: 100 }

test('the password is what the file holds, without the line end that editors add', () => {
  const path = join(folder, 'password')
  writeFileSync(path, 'a word \n')
  expect(redisPlace({ ...plain, passwordFile: path })).toEqual({ url: 'redis://h', timeoutMs: 100, password: 'a word' })
  expect(redisPlace(plain)).toEqual({ url: 'redis://h', timeoutMs: 100 })
})

test('a file that is not there or is empty is told with the setting to change', () => {
  const path = join(folder, 'none')
  expect(() => redisPlace({ ...plain, passwordFile: path })).toThrow(/^HELIOGRAPH_REDIS_PASSWORD_FILE=.*ENOENT/)
  writeFileSync(path, '\n')
  expect(() => redisPlace({ ...plain, tlsCaFile: path })).toThrow(/^HELIOGRAPH_REDIS_TLS_CA_FILE=.*is empty/)
})

test('passwords of Cassandra and PostgreSQL come from their files, where the address has none', () => {
  const passwordFile = join(folder, 'password')
  writeFileSync(passwordFile, 'p@ss/word\n')
  const tlsCaFile = undefined
  const cassandra = cassandraPlace({ address: 'cassandra://teller@h1,h2/ks?dc=east', passwordFile, tlsCaFile })
  expect(cassandra).toMatchObject({ credentials: { username: 'teller', password: 'p@ss/word' }, keyspace: 'ks' })
  expect(() => cassandraPlace({ address: 'cassandra://h1', passwordFile, tlsCaFile })).toThrow(/name the user/)
  const address = 'a=postgres://teller@h1/db|postgres://teller:other@h2/db'
  expect(postgresPlaces({ address, passwordFile })).toEqual([
    { name: 'a', url: 'postgres://teller:p%40ss%2Fword@h1/db', replicas: ['postgres://teller:other@h2/db'] },
  ])
  expect(postgresPlaces({ address: 'a=postgres://h1/db', passwordFile: undefined })).toEqual([
    { name: 'a', url: 'postgres://h1/db' },
  ])
})

test('the authority of Cassandra is what its file holds, and where no name is looked at there has to be one', () => {
  const tlsCaFile = join(folder, 'ca')
  writeFileSync(tlsCaFile, 'PEM\n')
  const place = (address: string, file?: string) =>
    cassandraPlace({ address, passwordFile: undefined, tlsCaFile: file })
  expect(place('cassandra://h1?tls=on', tlsCaFile).tls).toEqual({ ca: 'PEM' })
  expect(place('cassandra://h1?tls=on').tls).toEqual({})
  expect(place('cassandra://h1?tls=ca', tlsCaFile).tls).toMatchObject({
    ca: 'PEM',
    checkServerIdentity: expect.anything(),
  })
  expect(() => place('cassandra://h1?tls=ca')).toThrow(/^HELIOGRAPH_CASSANDRA_TLS_CA_FILE=.*authority/)
})

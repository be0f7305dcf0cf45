import { readFileSync } from 'node:fs'
import { type CassandraAddress, readCassandra, readServerList, type ServerAddress } from '../storage/index.js'
import { settingTable } from './setting-table.js'
import { type CassandraPlace, type RedisSettings, SettingsRefused, type StorePlace } from './settings.js'

/**
 * Where stores are, with what the settings keep in files.
 *
 * All throw SettingsRefused when a file cannot be read or holds nothing.
 */
export function redisPlace({ url, passwordFile, tlsCaFile, timeoutMs }: RedisSettings) {
  const password = passwordFile && readGiven(settingTable.redisPasswordFile.env, passwordFile, 'the password')
  const tlsCa = tlsCaFile && readGiven(settingTable.redisTlsCaFile.env, tlsCaFile, 'certificates in PEM form')
  return { url, timeoutMs, ...(password && { password }), ...(tlsCa && { tlsCa }) }
}

export function cassandraPlace({ address, passwordFile, tlsCaFile }: CassandraPlace): CassandraAddress {
  const place = withAuthority(readCassandra(address), tlsCaFile)
  if (passwordFile === undefined) return place
  const { env } = settingTable.cassandraPasswordFile
  const password = readGiven(env, passwordFile, 'the password')
  const username = place.credentials?.username
  if (username) return { ...place, credentials: { username, password } }
  throw new SettingsRefused([{ env, value: passwordFile, cure: 'name the user in HELIOGRAPH_CASSANDRA, too' }])
}

function withAuthority(place: CassandraAddress, tlsCaFile: string | undefined): CassandraAddress {
  const { env } = settingTable.cassandraTlsCaFile
  if (tlsCaFile !== undefined) {
    return { ...place, tls: { ...place.tls, ca: readGiven(env, tlsCaFile, 'certificates in PEM form') } }
  }
  if (place.tls?.checkServerIdentity === undefined) return place
  const cure = 'name the file of the authority: with tls=ca, certificates of every other one would do'
  throw new SettingsRefused([{ env, value: '', cure }])
}

export function postgresPlaces({ address, passwordFile }: StorePlace): readonly ServerAddress[] {
  const servers = readServerList(address)
  if (passwordFile === undefined) return servers
  const password = readGiven(settingTable.postgresPasswordFile.env, passwordFile, 'the password')
  const complete = (given: string) => {
    const url = new URL(given)
    if (url.password === '') url.password = encodeURIComponent(password)
    return url.href
  }
  return servers.map(({ url, replicas, ...server }) => ({
    ...server,
    url: complete(url),
    ...(replicas && { replicas: replicas.map(complete) }),
  }))
}

/** The text of a file that a setting names, without the space around it. @throws SettingsRefused */
export function readGiven(env: string, path: string, wanted: string): string {
  let text: string
  try {
    text = readFileSync(path, 'utf8').trim()
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    throw new SettingsRefused([{ env, value: path, cure: `cannot be read (${code}): give a file with ${wanted}` }])
  }
  if (text !== '') return text
  throw new SettingsRefused([{ env, value: path, cure: `is empty: give a file with ${wanted}` }])
}

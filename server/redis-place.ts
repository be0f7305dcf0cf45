import { readFileSync } from 'node:fs'
import { settingTable } from './setting-table.js'
import { type RedisSettings, SettingsRefused } from './settings.js'

/**
 * Where Redis is, with what the settings keep in files.
 *
 * @throws SettingsRefused when a file cannot be read or holds nothing
 */
export function redisPlace({ url, passwordFile, tlsCaFile, timeoutMs }: RedisSettings) {
  const password = passwordFile && read(settingTable.redisPasswordFile.env, passwordFile, 'the password')
  const tlsCa = tlsCaFile && read(settingTable.redisTlsCaFile.env, tlsCaFile, 'certificates in PEM form')
  return { url, timeoutMs, ...(password && { password }), ...(tlsCa && { tlsCa }) }
}

function read(env: string, path: string, wanted: string): string {
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

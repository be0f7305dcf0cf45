// What the processes of a cluster on one machine have the same of.

import { randomBytes } from 'node:crypto'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeKeys } from '../keys.mjs'
import { root } from '../project.mjs'

/** What every gateway has the same of, and the operators' secret; made once. */
export async function keysOf(dir) {
  const keys = join(dir, 'keys')
  await makeKeys(keys)
  const tokenFile = join(dir, 'admin-token')
  if (!existsSync(tokenFile)) writeFileSync(tokenFile, `${randomBytes(24).toString('hex')}\n`, { mode: 0o600 })
  return { keys, tokenFile }
}

/** What all processes of the cluster are told. */
export async function settingsOf({ keys, tokenFile }, stores) {
  const { settingTable } = await import(`${root}dist/server/setting-table.js`)
  return {
    ...stores.env,
    HELIOGRAPH_CLUSTER: 'development',
    HELIOGRAPH_SERVER_KEY_FILE: join(keys, 'server-key.pem'),
    HELIOGRAPH_ACCESS_HASH_KEY_FILE: join(keys, 'access-hash.key'),
    ...('adminTokenFile' in settingTable && { HELIOGRAPH_ADMIN_TOKEN_FILE: tokenFile }),
  }
}

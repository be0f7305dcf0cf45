import { createHash } from 'node:crypto'
import type { OwnershipRegister } from '../../runtime/index.js'
import { settingTable } from '../setting-table.js'
import { type Settings, SettingsRefused } from '../settings.js'

/** What every gateway of a cluster has the same of. */
export interface GatewayKeys {
  readonly serverKey: { readonly fingerprintHex: string }
  readonly accessHashKey: Buffer
}

/**
 * The first gateway of a cluster writes down what its keys are, not the keys themselves; a later one whose keys are others
 * is refused: its clients would not know it, or not be known by what they have stored. The note stands in the register
 * among the leases, under a name that no node can have, since nothing else is changed by everybody one after the other.
 *
 * @throws SettingsRefused
 */
export async function agreeOnKeys(
  register: OwnershipRegister,
  keys: GatewayKeys,
  files: Pick<Settings, 'serverKeyFile' | 'accessHashKeyFile'>,
): Promise<void> {
  await agree(register, 'server-key', keys.serverKey.fingerprintHex, files, 'serverKeyFile')
  const hash = createHash('sha256').update(keys.accessHashKey).digest('hex').slice(0, 32)
  await agree(register, 'access-hash-key', hash, files, 'accessHashKeyFile')
}

async function agree<Key extends 'serverKeyFile' | 'accessHashKeyFile'>(
  register: OwnershipRegister,
  name: string,
  mine: string,
  files: Pick<Settings, Key>,
  key: Key,
): Promise<void> {
  const node = `agreed:${name}`
  const note = { node, incarnation: mine, lengthMs: 1, renewals: 0, isRevoked: false }
  const known = (await register.readLease(node)) ?? ((await register.takeLease(note, undefined)) ? note : undefined)
  const agreed = known ?? (await register.readLease(node))
  if (agreed === undefined || agreed.incarnation === mine) return
  const theirs = agreed.incarnation
  const cure = `the gateways of this cluster have another key (${theirs}) than this one (${mine}): give it their file`
  throw new SettingsRefused([{ env: settingTable[key].env, value: files[key], cure }])
}

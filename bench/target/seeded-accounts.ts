import { AuthKey } from '../../actors/auth-key/contract.js'
import { User } from '../../actors/index.js'
import { longToHex } from '../../gateway/mtproto/testing/index.js'
import type { NameDirectory } from '../../storage/index.js'
import { keyIdOf, newKey } from '../client/raw-session.js'
import { type ActorWorld, openActorWorld } from './actor-world.js'
import { inBatches } from './batches.js'

/** An account that is signed in on one device. */
export interface SeededAccount {
  readonly user: number
  readonly phone: string
  /** The device's auth key, 256 bytes. */
  readonly key: Buffer
}

/** Accounts with a device each, written to a data directory that no server has open: spares the handshakes and logins. */
export async function seedAccounts(directory: string, count: number): Promise<SeededAccount[]> {
  const world = await openActorWorld({ directory })
  const accounts = await seedAccountsIn({ system: world.system, directory: world.storage.directory }, count)
  await world.stop()
  return accounts
}

/** The same in actors that run already, so many at a time. */
export async function seedAccountsIn(
  { system, directory }: Pick<ActorWorld, 'system'> & { readonly directory: NameDirectory },
  count: number,
  atOnce = 200,
): Promise<SeededAccount[]> {
  const accounts = Array.from({ length: count }, (_, index) => ({
    user: (index + 1) * 1024 + (index % 1024),
    phone: `1555${String(index).padStart(7, '0')}`,
    key: newKey(),
  }))
  await inBatches(accounts, atOnce, async ({ user, phone, key }) => {
    const authKey = longToHex(keyIdOf(key))
    const account = system.ref(User, user)
    await directory.reserve({ kind: 'phone', name: phone, user, atMs: Date.now() })
    await account.register({ phone, profile: { firstName: `Sender ${user}`, lastName: 'Of Benches', about: '' } })
    await system.ref(AuthKey, authKey).create({ key })
    const now = Date.now()
    await account.authorize({
      authKey,
      hash: authKey,
      createdAtMs: now,
      activeAtMs: now,
      layer: 0,
      apiId: 1,
      deviceModel: 'Bench',
      systemVersion: '1.0',
      appVersion: '1.0',
      langCode: 'en',
      address: '127.0.0.1',
    })
    await system.ref(AuthKey, authKey).signIn(user)
  })
  return accounts
}

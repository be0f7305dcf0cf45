import { AuthKey, type StoredAuthKey } from '../actors/auth-key/contract.js'
import { User } from '../actors/user/contract.js'
import type { Clock, Random } from '../runtime/index.js'
import { refusalReason } from '../runtime/index.js'
import { type ActorCalls, longFromHex, longToHex } from './api/index.js'
import type { AuthKeyRecord, AuthKeyStore, ClientInfo } from './mtproto/index.js'
import type { Long } from './tl/index.js'

/** What one operation may take; beyond it the client is told to come back. */
const CALL_TIMEOUT_MS = 10_000

const NOTHING_SAID: ClientInfo = {
  apiId: 0,
  deviceModel: '',
  systemVersion: '',
  appVersion: '',
  systemLangCode: '',
  langPack: '',
  langCode: '',
}

/** MTProto's auth keys, each an actor of its own. */
export function actorAuthKeys(actors: ActorCalls, clock: Clock, random: Random): AuthKeyStore {
  const scope = () => ({
    deadlineMs: clock.now() + CALL_TIMEOUT_MS,
    traceId: random.bytes(8).toString('hex'),
  })
  const actorOf = (id: Long) => actors.ref(AuthKey, longToHex(id), scope())

  /** The key's own record is a hint; whether the device is signed in, the account's journal says. */
  async function userOf(id: Long, { user }: StoredAuthKey): Promise<number> {
    if (user === 0) return 0
    return (await actors.ref(User, user, scope()).isAuthorized(longToHex(id))) ? user : 0
  }

  return {
    async create({ id, key, expiresAtSeconds }) {
      try {
        await actorOf(id).create({
          key,
          ...(expiresAtSeconds !== undefined && { expiresAtMs: expiresAtSeconds * 1000 }),
        })
      } catch (error) {
        if (refusalReason(error) !== 'AUTH_KEY_DUPLICATED') throw error
        // A first attempt of unknown outcome may have made it: then it is this very key.
        const stored = await actorOf(id).load()
        if (!stored || Buffer.compare(stored.key, key) !== 0) throw error
      }
    },

    async load(id) {
      const stored = await actorOf(id).load()
      if (!stored || (stored.expiresAtMs !== undefined && stored.expiresAtMs <= clock.now())) return undefined
      return recordOf(id, stored, await userOf(id, stored))
    },

    async bindTemporary({ temporaryKeyId, permanentKeyId }) {
      await actorOf(temporaryKeyId).bind({ permanent: longToHex(permanentKeyId) })
    },

    async remember(id, { layer, client = NOTHING_SAID }) {
      await actorOf(id).remember({ layer, ...client })
    },

    async destroy(id) {
      const stored = await actorOf(id).load()
      if (!stored) return
      const authKeys = [longToHex(id)]
      if (stored.user !== 0) await actors.ref(User, stored.user, scope()).revoke({ authKeys })
      await actorOf(id).destroy()
    },
  }
}

function recordOf(id: Long, stored: StoredAuthKey, userId: number): AuthKeyRecord {
  const { key, expiresAtMs, permanent, client } = stored
  return {
    id,
    key: Buffer.from(key.buffer, key.byteOffset, key.length),
    layer: client?.layer ?? 0,
    userId,
    ...(expiresAtMs !== undefined && { expiresAtSeconds: Math.floor(expiresAtMs / 1000) }),
    ...(permanent !== undefined && { permanentKeyId: longFromHex(permanent) }),
    ...(client && { client }),
  }
}

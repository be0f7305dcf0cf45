import { TlReader } from '../tl/index.js'
import type { AuthKey } from './auth-key.js'
import { sha1 } from './crypto/hash.js'
import { igeDecrypt } from './crypto/ige.js'
import { deriveAesV1, FROM_CLIENT } from './crypto/kdf.js'
import { type Long, readLong } from './long.js'
import { floodWait, RpcError, type TlObject } from './rpc.js'
import type { MtprotoSession } from './session.js'
import type { World } from './world.js'

const STORE_RETRY_SECONDS = 5
const HEAD_BYTES = 24
const MESSAGE_HEAD_BYTES = 32
const INNER_BYTES = 40

/**
 * `auth.bindTempAuthKey`: the client proves, with a message encrypted by the permanent key in the manner of
 * MTProto 1.0, that the temporary key of this session is its own.
 * @see https://core.telegram.org/method/auth.bindTempAuthKey
 */
export async function bindTemporaryKey(
  world: World,
  session: MtprotoSession,
  msgId: Long,
  method: TlObject,
): Promise<boolean | RpcError> {
  try {
    return await bind(world, session, msgId, method)
  } catch (error) {
    world.log.warn({ err: error }, 'a temporary key could not be bound just now')
    return floodWait(STORE_RETRY_SECONDS)
  }
}

async function bind(world: World, session: MtprotoSession, msgId: Long, method: TlObject): Promise<boolean | RpcError> {
  const temporary = session.key
  if (!temporary.temporary) return new RpcError(400, 'TEMP_AUTH_KEY_EMPTY')
  const permanentId = method.permAuthKeyId as Long
  if (temporary.permanent && temporary.permanent.id !== permanentId) {
    return new RpcError(400, 'TEMP_AUTH_KEY_ALREADY_BOUND')
  }
  const permanent = await world.keys.load(permanentId)
  const invalid = new RpcError(400, 'ENCRYPTED_MESSAGE_INVALID')
  if (!permanent || permanent.temporary) return invalid
  const inner = openInner(permanent, Buffer.from(method.encryptedMessage as Uint8Array), msgId)
  if (inner?._ !== 'mt_bind_auth_key_inner') return invalid
  const matches =
    inner.nonce === method.nonce &&
    inner.permAuthKeyId === permanentId &&
    inner.tempAuthKeyId === temporary.id &&
    inner.tempSessionId === session.id &&
    inner.expiresAt === method.expiresAt
  if (!matches) return invalid
  const expiresAtSeconds = Math.min(temporary.expiresAtSeconds, method.expiresAt as number)
  if (expiresAtSeconds <= world.nowSeconds()) return new RpcError(400, 'EXPIRES_AT_INVALID')
  await world.store.bindTemporary({ temporaryKeyId: temporary.id, permanentKeyId: permanentId, expiresAtSeconds })
  temporary.expiresAtSeconds = expiresAtSeconds
  adopt(world, temporary, permanent)
  return true
}

/** What the client said on the temporary key before it was bound holds for the permanent one. */
function adopt(world: World, temporary: AuthKey, permanent: AuthKey) {
  world.keys.bind(temporary, permanent)
  for (const session of permanent.sessions ?? []) if (session.key === temporary) session.updateReadiness()
  if (temporary.layer === 0 || temporary.layer === permanent.layer) return
  permanent.layer = temporary.layer
  permanent.client = temporary.client ?? permanent.client
  const facts = { layer: permanent.layer, ...(permanent.client && { client: permanent.client }) }
  Promise.resolve(world.store.remember(permanent.id, facts)).catch((error: unknown) => {
    world.log.warn({ err: error }, 'the client of an auth key could not be stored')
  })
}

function openInner(permanent: AuthKey, packet: Buffer, msgId: Long): TlObject | undefined {
  const encryptedBytes = packet.length - HEAD_BYTES
  if (encryptedBytes < MESSAGE_HEAD_BYTES + INNER_BYTES || encryptedBytes > 1024 || (encryptedBytes & 15) !== 0) {
    return undefined
  }
  if (readLong(packet, 0) !== permanent.id) return undefined
  const messageKey = packet.subarray(8, HEAD_BYTES)
  const { key, iv } = deriveAesV1(permanent.key, messageKey, FROM_CLIENT)
  const plain = Buffer.from(igeDecrypt(packet.subarray(HEAD_BYTES), key, iv))
  const bodyBytes = plain.readUInt32LE(28)
  if (bodyBytes !== INNER_BYTES || readLong(plain, 16) !== msgId) return undefined
  const message = plain.subarray(0, MESSAGE_HEAD_BYTES + bodyBytes)
  if (!sha1(message).subarray(4, 20).equals(messageKey)) return undefined
  try {
    return new TlReader(message, MESSAGE_HEAD_BYTES).object() as unknown as TlObject
  } catch {
    return undefined
  }
}

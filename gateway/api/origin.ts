import type { Origin } from '../../actors/chat/contract.js'
import type { Session } from '../mtproto/index.js'
import { type Long, longToHex } from './long.js'

interface Named {
  readonly keyId: Long
  readonly origin: Origin
}

const named = new WeakMap<Session, Named>()

/** A session as actors know it. Spelled once a session, not once a call; a key that is bound later changes it. */
export function originOf(session: Session): Origin {
  const keyId = session.permanentAuthKeyId
  const known = named.get(session)
  if (known?.keyId === keyId) return known.origin
  const origin = { authKey: longToHex(keyId), session: longToHex(session.id) }
  named.set(session, { keyId, origin })
  return origin
}

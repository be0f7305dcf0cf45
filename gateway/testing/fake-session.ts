import type { PushOutcome, Session } from '../mtproto/index.js'
import { longFromNumber, readObject, type tl } from '../tl/index.js'

interface FakeSessionOptions {
  readonly id?: number
  readonly authKey?: number
  readonly userId?: number
  readonly layer?: number
}

/** A live session that keeps what it is pushed. */
export class FakeSession implements Session {
  readonly id
  readonly authKeyId
  readonly permanentAuthKeyId
  readonly client = undefined
  readonly remoteAddress = '127.0.0.1'
  readonly receivesUpdates = true
  readonly layer: number
  readonly pushed: { readonly object: tl.TlObject; readonly tag: number | undefined }[] = []
  userId: number
  connected = true
  isOlder = false
  attachment: unknown

  constructor({ id = 1, authKey = 1, userId = 1024, layer = 228 }: FakeSessionOptions = {}) {
    this.id = longFromNumber(id)
    this.authKeyId = longFromNumber(authKey)
    this.permanentAuthKeyId = this.authKeyId
    this.userId = userId
    this.layer = layer
  }

  pushUpdate(body: Buffer, tag?: number): PushOutcome {
    this.pushed.push({ object: readObject(body) as tl.TlObject, tag })
    return 'sent'
  }
}

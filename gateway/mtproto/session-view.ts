import type { ClientInfo } from './auth-key-store.js'
import type { Long } from './long.js'

/**
 * - `sent`: written to the client's connection, and kept until it is acknowledged.
 * - `held`: the client is not connected just now; it goes out when the session comes back.
 * - `lost`: beyond the bounds. The client is told to fetch the difference when it comes back.
 */
export type PushOutcome = 'sent' | 'held' | 'lost'

/** An MTProto session as the rest of the gateway sees it. It outlives its connections. */
export interface Session {
  readonly id: Long
  /** The key its packets are encrypted with: a temporary one when the client uses perfect forward secrecy. */
  readonly authKeyId: Long
  /** The key that the account is signed in with; `authKeyId` unless that is a bound temporary key. */
  readonly permanentAuthKeyId: Long
  /** Known layer to write for this client: the one that serves what it said, the newest until it has said any. */
  readonly layer: number
  /** Signed-in account, 0 for none. */
  readonly userId: number
  readonly client: ClientInfo | undefined
  /** Text form of the client's address, of its last connection when there is none just now. */
  readonly remoteAddress: string
  /** True once the session is authorized and spoke something that entitles it to pushes. */
  readonly receivesUpdates: boolean
  /** True while a connection carries the session. */
  readonly connected: boolean
  /** It began elsewhere: at another gateway, or before a restart of this one. True until it is ready. */
  readonly isOlder: boolean
  /** A slot for the composition root (for example the last pts that was sent). */
  attachment: unknown

  /**
   * Queues an update for this client. `body` is a whole TL object, written for `layer`; it is kept by reference and
   * must not be changed. `tag`, when given, comes back in `onUpdateAcked` once the client acknowledged the message.
   */
  pushUpdate(body: Buffer, tag?: number): PushOutcome
}

/** What the composition root is told about sessions. Called in the order of events; must not throw. */
export interface SessionHooks {
  /** The session is to receive its account's updates from now on. Called again if another account signs in on its key. */
  onSessionReady?(session: Session): void
  /** A session that was ready is no longer: signed out, destroyed, or disconnected for longer than it is kept. */
  onSessionGone?(session: Session): void
  /** The client acknowledged a push that had a tag. */
  onUpdateAcked?(session: Session, tag: number): void
  /** The client is back after an absence during which pushes were lost; it was told `updatesTooLong`. */
  onSessionResync?(session: Session): void
}

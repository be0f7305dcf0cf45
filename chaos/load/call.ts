import type { ChatId } from '../../actors/chat/chat-id.js'

/** One message that somebody sent, by the sender's clock: from the first try to the acknowledgement. */
export interface Call {
  readonly sender: string
  readonly chat: ChatId
  /** It is nobody else's. */
  readonly text: string
  readonly startMs: number
  /** Undefined: not acknowledged yet. */
  ackMs?: number
  /** Tries that the client library gave up, each with its reason; the message was sent again under its random_id. */
  readonly failures: { readonly atMs: number; readonly reason: string }[]
}

/** An error that the server answered, whether or not the library tried again by itself. */
export interface Refusal {
  readonly atMs: number
  readonly method: string
  readonly error: string
}

import type { Handshake } from './handshake.js'
import type { PacketLink } from './link.js'
import type { MtprotoSession } from './session.js'

/** Whoever a packet came from: a stream, or one HTTP request. */
export interface Peer {
  readonly remoteAddress: string
  /** The key exchange that goes on with this peer. */
  handshake: Handshake | undefined
  /** The session that spoke last: the next packet is mostly of the same, and then it is looked up nowhere. */
  session: MtprotoSession | undefined
  /** Key exchanges that failed and keys that nobody knows, so far. */
  failures: number
  /** What carries the session's packets from now on. Undefined if this peer carries too many sessions already. */
  linkFor(session: MtprotoSession): PacketLink | undefined
  /** Sends a packet that is complete. */
  reply(packet: Buffer): void
  /** Sends a transport error. */
  replyError(code: number): void
  /** Sends the token of a quick acknowledgement. */
  quickAck(token: number): void
  /** A packet of the peer was encrypted with a key that we know. */
  authenticated(): void
  /** Has the peer's next packets wait, where there can be any. */
  rest(delayMs: number): void
  close(reason: string): void
}

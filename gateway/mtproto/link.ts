/**
 * What carries packets to a client: a stream (TCP, WebSocket), which takes any number of them, or HTTP, where each
 * waiting request takes one.
 */
export interface PacketLink {
  readonly remoteAddress: string
  /** A packet may be sent now. A stream is writable until it is closed. */
  readonly writable: boolean
  /** HTTP: what was sent may have been lost without the link closing. */
  readonly lossy: boolean
  /** Calls on this link that are not answered yet. */
  callsRunning: number
  /** Memory for a packet, which is to be written at `payloadAt` and then given to `send`. */
  begin(packetBytes: number): Buffer
  payloadAt(packetBytes: number): number
  send(frame: Buffer, packetBytes: number): void
  /** Keeps the link open (`delayMs`) or, when no further ping comes, closes it. */
  disconnectAfter(delayMs: number): void
  /** HTTP: how long requests of the session wait for something to answer. */
  httpWait?(maxDelayMs: number, waitAfterMs: number, maxWaitMs: number): void
  close(reason: string): void
}

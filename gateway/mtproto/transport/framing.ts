import type { Random } from '../../../runtime/index.js'

export type FramingName = 'abridged' | 'intermediate' | 'padded' | 'full'

/** What came in is not MTProto as this transport knows it. The connection cannot go on. */
export class TransportError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'TransportError'
  }
}

/** What a framing needs to remember of a connection: `full` numbers its frames. */
export interface FrameNumbers {
  framesIn: number
  framesOut: number
}

/**
 * How packets are cut out of a byte stream. Stateless: one value serves all connections.
 * @see https://core.telegram.org/mtproto/mtproto-transports
 */
export interface Framing {
  readonly name: FramingName
  /** Size of the whole frame that starts at `at`, or 0 if more bytes are needed to tell. Throws TransportError. */
  measure(bytes: Buffer, at: number): number
  /** The payload of a frame that is complete, a view. Throws TransportError if the frame is damaged. */
  payload(bytes: Buffer, at: number, frameBytes: number, numbers: FrameNumbers): Buffer
  /** Whether the client asks for a quick acknowledgement of the frame at `at`. */
  wantsQuickAck(bytes: Buffer, at: number): boolean
  headBytes(payloadBytes: number): number
  tailBytes(random: Random): number
  /** Writes head and tail around a payload that is in its place already. */
  finish(frame: Buffer, payloadBytes: number, numbers: FrameNumbers, random: Random): void
  /** The frame of a quick acknowledgement; undefined if the framing has none. */
  quickAck(token: number): Buffer | undefined
}

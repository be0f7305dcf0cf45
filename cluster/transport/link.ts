/**
 * This node's way to another one, on one lane: a stream that is dialled when it is needed and dialled again when it ended.
 *
 * L1. What was put in while the stream was being dialled leaves when it is open; if it cannot be opened, all of it fails
 *     with NOT_OWNER: nothing was sent.
 * L2. For `redialAfterMs` after a stream ended, calls fail at once, so that a dead node costs nobody a time-out.
 */
import {
  ActorError,
  type CallEnvelope,
  type CallOutcome,
  type Frame,
  type NodeId,
  type Timer,
} from '../../runtime/index.js'
import { batchCodecOf } from './batch-codec.js'
import { CallingHalf, type CallingPort, failLater } from './calling-half.js'
import type { Stream, StreamEvents } from './grpc-streams.js'
import type { TransportLimits } from './limits.js'
import { commonVersion, decodeHello, encodeHello, type Hello, refusalOf } from './wire.js'

export interface LinkPort extends Omit<CallingPort, 'write'> {
  readonly hello: Hello
  dial(events: StreamEvents): Stream
  /** The stream ended, or could not be opened. */
  ended(): void
}

interface Dialled {
  readonly half: CallingHalf
  readonly stream: Stream
}

const RETIRING_LOOK_MS = 20

export class Link {
  readonly #node: NodeId
  readonly #port: LinkPort
  readonly #limits: TransportLimits
  #dialled: Dialled | undefined
  #notBeforeMs = 0
  #whyNot = 'this node is stopping'
  #isClosed = false
  #version: number | undefined

  constructor(node: NodeId, port: LinkPort, limits: TransportLimits) {
    this.#node = node
    this.#port = port
    this.#limits = limits
  }

  /** What both speak on the stream that is open; undefined: none is. */
  get version(): number | undefined {
    return this.#version
  }

  call(call: CallEnvelope, outcome: CallOutcome): void {
    const half = this.#half()
    if (half === undefined) failLater(outcome, this.#unreachable())
    else half.call(call, outcome)
  }

  ask(topic: string, payload: Uint8Array, leftMs: number): Promise<Uint8Array> {
    return this.#half()?.ask(topic, payload, leftMs) ?? Promise.reject(this.#unreachable())
  }

  send(frame: Frame): void {
    const half = this.#half()
    if (half) half.send(frame)
    else this.#port.dropped(frame)
  }

  /** Dials, if that is still to be done: the first call need not wait for it. */
  reach(): void {
    this.#half()
  }

  close(): void {
    this.#isClosed = true
    this.#dialled?.stream.end(this.#whyNot)
  }

  /** Closes once nothing is under way any more, at the latest after `withinMs`. */
  retire(withinMs: number): void {
    const { clock } = this.#port
    const untilMs = clock.monotonic() + withinMs
    const look = () => {
      if ((this.#dialled?.half.underWay ?? 0) === 0 || clock.monotonic() >= untilMs) this.close()
      else clock.setTimer(RETIRING_LOOK_MS, look)
    }
    look()
  }

  #unreachable(): ActorError {
    return new ActorError('NOT_OWNER', `${this.#whyNot}; nothing was sent`)
  }

  #half(): CallingHalf | undefined {
    if (this.#dialled) return this.#dialled.half
    if (this.#isClosed || this.#port.clock.monotonic() < this.#notBeforeMs) return undefined
    return this.#dial().half
  }

  #dial(): Dialled {
    const { clock } = this.#port
    let isOpen = false
    const late: Timer = clock.setTimer(this.#limits.connectMs, () => {
      stream.end(`no hello within ${this.#limits.connectMs} ms`)
    })
    const stream = this.#port.dial({
      message: (bytes) => {
        try {
          if (isOpen) half.received(bytes)
          else {
            const version = this.#agreed(decodeHello(bytes))
            this.#version = version
            isOpen = true
            late.cancel()
            half.open(batchCodecOf(version))
          }
        } catch (error) {
          stream.end(error instanceof Error ? error.message : String(error))
        }
      },
      ended: (why) => {
        late.cancel()
        this.#dialled = undefined
        this.#version = undefined
        this.#whyNot = `the stream to node ${this.#node} ended: ${why}`
        this.#notBeforeMs = clock.monotonic() + this.#limits.redialAfterMs
        half.end(this.#whyNot)
        if (!this.#isClosed) this.#port.ended()
      },
    })
    const half = new CallingHalf({ ...this.#port, write: (batch) => stream.write(batch) }, this.#limits)
    this.#dialled = { half, stream }
    stream.write(encodeHello(this.#port.hello))
    return this.#dialled
  }

  /** The version that both speak. Throws: the address may have gone to another node meanwhile. */
  #agreed(theirs: Hello): number {
    const { hello } = this.#port
    if (theirs.cluster === hello.cluster && theirs.node !== this.#node) {
      throw new Error(`node ${theirs.node} answers at its address`)
    }
    const version = commonVersion(hello, theirs)
    const refusal = refusalOf(hello, theirs)
    if (version === undefined || refusal !== undefined) throw new Error(refusal)
    return version
  }
}

/**
 * The half of a stream that answers.
 *
 * C1. Messages are handed over in the order in which they came; answers leave in the order in which they are ready.
 * C2. A batch whose sender knows a newer view waits until this node has read it (CORE O1), and so does what follows. One
 *     of nothing but questions does not: they are of no shard, and a node that cannot read the register is asked whether
 *     it has a lease.
 * C3. Calls under way are bounded: beyond it they are answered OVERLOADED at once. Answers that nobody takes in end the
 *     stream, since none may be dropped.
 */
import { ActorError, type CallEnvelope, encodeError, type Frame } from '../../runtime/index.js'
import { type BatchCodec, batchCodecOf } from './batch-codec.js'
import { Outbox, type OutboxLimits, type OutboxPort } from './outbox.js'
import { TIMED_ANSWERS } from './protocol-versions.js'
import {
  ANSWER,
  type AnsweringMessage,
  ASK,
  type Batch,
  CALL,
  CANCEL,
  type CallingMessage,
  type CallMessage,
  FAILURE,
  FRAME,
  ROUTE,
} from './wire.js'

/** What a node does for others. */
export interface NodeService {
  /** Rejects with an ActorError. */
  handle(call: CallEnvelope): unknown
  deliver(frame: Frame): void
  answer(topic: string, payload: Uint8Array, leftMs: number): Promise<Uint8Array>
}

export interface CalledPort extends Omit<OutboxPort<AnsweringMessage>, 'unsendable'> {
  readonly service: NodeService
  /** What both nodes speak. */
  readonly version: number
  now(): number
  monotonic(): number
  /** There is this view. */
  saw(view: number): void
  /** Reads the register until the view is at least this one; rejects when it cannot be read. */
  refresh(view: number): Promise<void>
  /** The stream is of no more use. */
  end(why: string): void
}

const noChain: readonly string[] = []

type Untimed = readonly [typeof ANSWER, number, unknown] | readonly [typeof FAILURE, number, Uint8Array]

export interface CalledLimits extends OutboxLimits {
  readonly callsUnderWay: number
}

export class CalledHalf {
  readonly #port: CalledPort
  readonly #limits: CalledLimits
  readonly #codec: BatchCodec
  readonly #outbox: Outbox<AnsweringMessage>
  readonly #underWay = new Set<number>()
  /** Kind and method, by the number that the other half gave them. */
  readonly #routes = new Map<number, { readonly kind: string; readonly method: string }>()
  /** Batches that wait for a view. */
  #behind: Promise<void> | undefined
  #isOver = false

  constructor(port: CalledPort, limits: CalledLimits) {
    this.#port = port
    this.#limits = limits
    this.#codec = batchCodecOf(port.version)
    this.#outbox = new Outbox(
      {
        write: (batch) => port.write(batch),
        atTickEnd: port.atTickEnd,
        view: () => port.view(),
        unsendable: ([, id], error) => this.#put([FAILURE, id, encodeError(error)]),
      },
      limits,
    )
    this.#outbox.open(this.#codec)
  }

  /** A batch of the other half. Throws CORRUPT; the stream is then of no use. */
  received(bytes: Uint8Array): void {
    if (this.#isOver) return
    const batch = this.#codec.decode<CallingMessage>(bytes)
    this.#outbox.granted(batch.credit)
    const isNewer = batch.view > this.#port.view()
    if (isNewer) this.#port.saw(batch.view)
    const mayWait = isNewer && !batch.messages.every(isQuestion)
    if (this.#behind === undefined && !mayWait) this.#handle(batch, bytes.length)
    else this.#handleLater(batch, bytes.length)
  }

  end(): void {
    this.#isOver = true
    this.#underWay.clear()
    this.#outbox.close()
  }

  /** In order behind what waits already; at most a window of the other half's bytes waits here. */
  #handleLater(batch: Batch<CallingMessage>, bytes: number): void {
    const before = this.#behind ?? Promise.resolve()
    const after = before
      .then(() => this.#caughtUp(batch.view))
      .then(() => {
        // What was behind one that was dropped is dropped with it (C1).
        if (!this.#isOver) this.#handle(batch, bytes)
      })
      .catch((error) => this.#port.end(error instanceof Error ? error.message : String(error)))
      .finally(() => {
        if (this.#behind === after) this.#behind = undefined
      })
    this.#behind = after
  }

  /** Rejects when the view cannot be read. */
  async #caughtUp(view: number): Promise<void> {
    if (this.#isOver || view <= this.#port.view()) return
    await this.#port.refresh(view).catch((error) => {
      throw new Error(`view ${view} cannot be read: ${String(error)}`)
    })
  }

  #handle({ messages }: Batch<CallingMessage>, bytes: number): void {
    const { service } = this.#port
    if (messages.length === 0) return
    const arrivedMs = this.#port.monotonic()
    const nowMs = this.#port.now()
    for (const message of messages) {
      switch (message[0]) {
        case CALL:
          if (this.#hasRoom(message[1]))
            this.#answer(message[1], service.handle(this.#envelopeOf(message, nowMs)), arrivedMs)
          break
        case FRAME:
          service.deliver({ sink: message[1], payload: message[2], from: message[3] })
          break
        case ASK:
          if (this.#hasRoom(message[1])) {
            this.#answer(message[1], service.answer(message[2], message[3], message[4]), arrivedMs)
          }
          break
        case ROUTE:
          this.#routes.set(message[1], { kind: message[2], method: message[3] })
          break
        case CANCEL:
          this.#underWay.delete(message[1])
      }
    }
    this.#outbox.handled(bytes)
  }

  /** The call on this node's clock. */
  #envelopeOf(message: CallMessage, nowMs: number): CallEnvelope {
    const known = this.#routes.get(message[2])
    if (known === undefined) throw new ActorError('CORRUPT', `the other node has not said what route ${message[2]} is`)
    return {
      kind: known.kind,
      key: message[3],
      method: known.method,
      args: message[4],
      deadlineMs: nowMs + message[5],
      traceId: message[6],
      chain: message[7] ?? noChain,
      ifActive: message[8] ?? false,
      from: message[9],
    }
  }

  #hasRoom(id: number): boolean {
    if (this.#underWay.size < this.#limits.callsUnderWay) return true
    const message = `${this.#underWay.size} calls of one node are under way here`
    this.#put([FAILURE, id, encodeError(new ActorError('OVERLOADED', message, { retryAfterMs: 200 }))])
    return false
  }

  /** Most calls of actors that are in memory are answered at once: those cost no promise. */
  #answer(id: number, answer: unknown, arrivedMs: number): void {
    if (!(answer instanceof Promise)) {
      this.#put(this.#isTimed ? [ANSWER, id, answer, 0] : [ANSWER, id, answer])
      return
    }
    this.#underWay.add(id)
    answer.then(
      (value) => this.#answered(id, [ANSWER, id, value], arrivedMs),
      (error) => this.#answered(id, [FAILURE, id, encodeError(error)], arrivedMs),
    )
  }

  /** An older node is not told what it does not know of. */
  get #isTimed(): boolean {
    return this.#port.version >= TIMED_ANSWERS
  }

  /** A call that was cancelled, or whose stream ended, has nobody to answer to. */
  #answered(id: number, message: Untimed, arrivedMs: number): void {
    if (!this.#underWay.delete(id)) return
    if (!this.#isTimed) this.#put(message)
    else this.#put([...message, Math.max(0, Math.round((this.#port.monotonic() - arrivedMs) * 1_000))])
  }

  #put(message: AnsweringMessage): void {
    if (!this.#outbox.put(message)) this.#port.end('the other node does not take in its answers')
  }
}

function isQuestion([kind]: CallingMessage): boolean {
  return kind === ASK || kind === CANCEL
}

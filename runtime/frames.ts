/**
 * Frames: one-way messages to named sinks.
 *
 * F1. Frames from one node to one sink arrive in the order in which they were sent; on the node itself too, and never
 *     within the sender's own stack.
 * F2. A frame of an actor that was overtaken, as far as this node knows, reaches nobody (CORE, invariant 6).
 */
import { decode, encode } from './codec.js'
import type { Host } from './host.js'
import { inMicrotask } from './microtask.js'
import type { NodeId } from './ownership.js'
import { Queue } from './queue.js'
import type { Sender } from './sender.js'
import type { Frame } from './transport.js'

export type Receiver = (payload: unknown, from: NodeId) => void

interface Arrived {
  readonly sink: string
  readonly payload: unknown
  readonly from: NodeId
}

export class Frames {
  readonly #host: Host
  readonly #receivers = new Map<string, Receiver>()
  readonly #arrived = new Queue<Arrived>()
  #delivering = false

  constructor(host: Host) {
    this.#host = host
  }

  receive(sink: string, receiver: Receiver): void {
    if (this.#receivers.has(sink)) throw new TypeError(`the sink ${sink} has a receiver already`)
    this.#receivers.set(sink, receiver)
  }

  /** `sender` undefined: no actor sends it. */
  send(node: NodeId, sink: string, payload: unknown, sender: Sender | undefined): void {
    const { transport, ownership } = this.#host
    if (sender !== undefined && this.#isOvertaken(sink, sender.shard, sender.epoch)) return
    if (node === ownership.self) this.#arrive({ sink, payload, from: node })
    else if (transport !== undefined) transport.send(node, frameOf(sink, payload, sender))
    else this.#host.log.debug({ node, sink }, 'a frame for another node was dropped: this node is alone')
  }

  broadcast(sink: string, payload: unknown, sender: Sender | undefined): void {
    const { transport, ownership } = this.#host
    if (sender !== undefined && this.#isOvertaken(sink, sender.shard, sender.epoch)) return
    if (transport === undefined) this.#arrive({ sink, payload, from: ownership.self })
    else transport.broadcast(frameOf(sink, payload, sender))
  }

  /** A frame from the transport. */
  deliver(from: NodeId, frame: Frame): void {
    const [epoch, shard] = frame.from ?? []
    if (epoch !== undefined && shard !== undefined && this.#isOvertaken(frame.sink, shard, epoch)) return
    this.#arrive({ sink: frame.sink, payload: decode(frame.payload), from })
  }

  #isOvertaken(sink: string, shard: number, epoch: number): boolean {
    if (this.#host.ownership.newestEpochOf(shard) <= epoch) return false
    this.#host.handovers.overtakenFrame(sink)
    return true
  }

  #arrive(arrived: Arrived): void {
    this.#arrived.push(arrived)
    if (this.#delivering) return
    this.#delivering = true
    inMicrotask(() => this.#deliverAll())
  }

  #deliverAll(): void {
    for (let next = this.#arrived.shift(); next !== undefined; next = this.#arrived.shift()) {
      const { sink, payload, from } = next
      const receiver = this.#receivers.get(sink)
      try {
        if (receiver === undefined)
          this.#host.log.debug({ sink, from }, 'a frame for a sink without receiver was dropped')
        else receiver(payload, from)
      } catch (error) {
        this.#host.log.error({ sink, from, error }, 'the receiver of a frame failed')
      }
    }
    this.#delivering = false
  }
}

function frameOf(sink: string, payload: unknown, sender: Sender | undefined): Frame {
  return { sink, payload: encode(payload), from: sender && [sender.epoch, sender.shard] }
}

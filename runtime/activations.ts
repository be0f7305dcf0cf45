/**
 * Opening of actors that are not in memory.
 *
 * O1. At most one activation of an actor is in memory on this node; calls that come while it opens wait for it.
 * O2. Every open has an attempt that this process has not used before. Its predecessor's writer may be kept unless that one
 *     ended with something in flight, or its open failed (CORE J3). A writer of another epoch is never kept by a store.
 */
import { Activation } from './activation.js'
import type { Bequest } from './bequests.js'
import { Failure } from './call.js'
import { ActorError, errorCode } from './errors.js'
import type { Host } from './host.js'
import type { OpenedJournal } from './journal-store.js'
import type { Kind, Method } from './kind.js'
import type { TurnContext } from './turn.js'

export class Activations {
  readonly #host: Host
  #attempt = 0

  constructor(host: Host) {
    this.#host = host
  }

  /**
   * Begins to open the actor; undefined when this node does not own its shard, or not now. A draining shard's opens for
   * calls that its gate let in, under the epoch that is given up.
   */
  open(kind: Kind, key: string, shard: number): Activation | undefined {
    const host = this.#host
    const epoch = host.ownership.epochOf(shard) ?? host.gates.at(shard)?.drain?.epoch
    // Without the lease an activation could answer nothing: its calls would only come back.
    if (epoch === undefined || !host.ownership.holds(shard, epoch)) return undefined
    const activation = new Activation(kind, key, shard, epoch, host.clock.monotonic())
    host.residency.add(activation)
    if (host.gates.count > 0) host.releases.joined(activation)
    const mayKeepWriter = !host.uncleanEnds.has(activation.address)
    // Until it is open, nobody knows what of it is stored.
    host.uncleanEnds.add(activation.address)
    this.#attempt++
    const attempt = this.#attempt
    const bequest = host.bequests.claim(activation)
    const handed = bequest && { handed: bequest.journal }
    host.options.journals.open(activation.actor, { epoch, attempt, mayKeepWriter, ...handed }).then(
      (opened) => this.#opened(activation, opened, attempt, bequest),
      (error) => this.#failed(activation, error),
    )
    return activation
  }

  #opened(activation: Activation, opened: OpenedJournal, attempt: number, bequest: Bequest | undefined): void {
    const host = this.#host
    host.uncleanEnds.delete(activation.address)
    if (activation.phase !== 'opening') {
      opened.journal.close()
      return
    }
    try {
      // A writer that is kept is this process's own: what it told is known here.
      const isKept = opened.writer.epoch === activation.epoch && opened.writer.attempt < attempt
      if (opened.isHanded === true && bequest !== undefined) activation.inherit(opened, bequest)
      else activation.restore(opened, isKept ? host.latestDateMs : Number.POSITIVE_INFINITY)
    } catch (error) {
      this.#failed(activation, error)
      return
    }
    activation.phase = 'active'
    this.#resumeDelivery(activation)
    // In the order in which they came, as far as turns end at once; reads do not wait for a turn that goes on.
    host.turns.pump(activation)
    host.turns.startReads(activation)
    host.checkpoints.takeIfDue(activation)
    host.checkpoints.eraseSoon(activation)
    host.rest(activation)
  }

  /** What the actor owes to others may have been lost with its last activation: it starts that again, before the calls that wait. */
  #resumeDelivery(activation: Activation): void {
    const { delivery } = activation.kind.definition
    if (delivery === undefined) return
    this.#host.dispatcher.runFirst(activation, resumeMethod(activation.kind))
  }

  #failed(activation: Activation, error: unknown): void {
    const host = this.#host
    const known =
      error instanceof ActorError
        ? error
        : new ActorError('INTERNAL', `${activation.address} cannot be opened`, {}, error)
    host.lastErrors.note(activation.address, error)
    const isBug = errorCode(known) === 'INTERNAL' || errorCode(known) === 'CORRUPT'
    if (isBug) host.log.error({ actor: activation.address, error }, 'an actor cannot be opened')
    const failure = host.carryFailure(Failure.of(known))
    const work = activation.work
    for (const call of work?.queue.drain() ?? []) {
      if (!call.isWaiting) continue
      host.dispatcher.unqueued(call)
      call.settle(failure)
    }
    host.turns.discard(activation, failure, true)
  }
}

/** Starts what is undelivered, unless nothing is (CORE D2). */
export function resumeMethod(kind: Kind): Method {
  return {
    name: 'resume',
    readOnly: false,
    run: (turn: TurnContext) => {
      const { delivery } = kind.definition
      // The definition knows its own shape; here turns have none.
      const typed = turn as never
      if (delivery === undefined || delivery.settled(typed)) return undefined
      turn.activation.rowFound = true
      return delivery.resume(typed)
    },
  }
}

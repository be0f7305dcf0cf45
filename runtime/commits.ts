/**
 * Group commit, and what waits for it.
 *
 * M1. One commit is in flight an activation; entries of turns that end meanwhile join the next, which leaves in the same
 *     tick in which the first is known to be durable (CORE J4). The entries of one turn are in one commit.
 * M2. A commit of unknown outcome is repeated as it was until its outcome is known or the activation dies (J4). Once it is
 *     unknown only a success makes it known: a repeat that left nothing says nothing of the attempt before it.
 * M3. Any other failure fails every turn built on it and ends the activation (R1).
 * M4. Answers, frames and effects leave in the order of what their turns saw, each only when that is durable and the
 *     ownership was checked after it was known to be (R1).
 * M5. The first owing commit of an activation carries the undelivered row, unless this activation wrote one itself and has
 *     not sent its removal since (D2).
 */
import type { Activation } from './activation.js'
import { Failure } from './call.js'
import { ActorError, errorCode } from './errors.js'
import type { Host } from './host.js'
import type { Commit } from './journal-store.js'
import { inMicrotask } from './microtask.js'
import { CallbackAlarm } from './timer-wheel.js'
import type { InFlight, Work } from './work.js'

/** An outcome that stays unknown for this long ends the activation. */
const REPEAT_FOR_MS = 30_000
const FIRST_PAUSE_MS = 20
const LONGEST_PAUSE_MS = 1_000

export class Commits {
  readonly #host: Host
  /** What is sent at the end of this tick. */
  #kicked: Activation[] = []

  constructor(host: Host) {
    this.#host = host
  }

  /** Sends what is sealed at the end of this tick, so that the turns of one tick share a commit. */
  kick(activation: Activation): void {
    const { work } = activation
    if (work === undefined || work.sealed.length === 0 || work.inFlight !== undefined || work.sending) return
    work.sending = true
    if (this.#kicked.push(activation) === 1) inMicrotask(this.#sendKicked)
  }

  /** One for all: a flush that ends kicks a hundred actors at once. */
  readonly #sendKicked = (): void => {
    const kicked = this.#kicked
    this.#kicked = []
    for (const activation of kicked) if (activation.work !== undefined) this.#send(activation, activation.work)
  }

  #send(activation: Activation, work: Work): void {
    if (activation.phase === 'dead') return
    // A due row whose removal is still under way could be removed after this commit has written it again.
    const removals = this.#host.reminders.removalsOf(activation, work.sealedDue)
    if (removals !== undefined) {
      void removals.then(() => this.#send(activation, work))
      return
    }
    const undelivered = work.sealedOwes && !activation.rowWritten
    if (undelivered) activation.rowWritten = true
    work.inFlight = {
      commit: toCommit(work, undelivered),
      upTo: work.sealedUpTo,
      bytes: work.sealedBytes,
      sentMs: this.#host.clock.monotonic(),
      isUnknown: false,
    }
    work.sending = false
    work.forgetSealed()
    this.#attempt(activation, work, work.inFlight, FIRST_PAUSE_MS)
  }

  #attempt(activation: Activation, work: Work, inFlight: InFlight, pauseMs: number): void {
    activation
      .begin()
      .commit(inFlight.commit)
      .then(
        () => {
          activation.end()
          this.#stored(activation, work, inFlight)
        },
        (error) => {
          activation.end()
          this.#failed(activation, work, inFlight, error, pauseMs)
        },
      )
  }

  #stored(activation: Activation, work: Work, inFlight: InFlight): void {
    if (activation.phase === 'dead') return
    const host = this.#host
    activation.durable = inFlight.upTo
    work.inFlight = undefined
    const tookMs = host.clock.monotonic() - inFlight.sentMs
    host.metrics.commit(activation.kind.name, inFlight.commit.entries.length, inFlight.bytes, tookMs)
    this.kick(activation)
    this.release(activation, work)
    host.turns.endIfDying(activation)
    host.checkpoints.takeIfDue(activation)
    host.turns.pump(activation)
  }

  #failed(activation: Activation, work: Work, inFlight: InFlight, error: unknown, pauseMs: number): void {
    if (activation.phase === 'dead') return
    const host = this.#host
    // What a repeat is told says nothing of the attempt before it.
    const code = inFlight.isUnknown && errorCode(error) === 'STORE_UNAVAILABLE' ? 'OUTCOME_UNKNOWN' : errorCode(error)
    if (code === 'OUTCOME_UNKNOWN') inFlight.isUnknown = true
    const tookMs = host.clock.monotonic() - inFlight.sentMs
    const mayRepeat = tookMs < REPEAT_FOR_MS && host.ownership.holds(activation.shard, activation.epoch)
    if (code === 'OUTCOME_UNKNOWN' && mayRepeat) {
      const again = () => {
        if (activation.phase !== 'dead') {
          this.#attempt(activation, work, inFlight, Math.min(pauseMs * 2, LONGEST_PAUSE_MS))
        }
      }
      host.wheel.set(new CallbackAlarm(again), pauseMs)
      return
    }
    host.lastErrors.note(activation.address, error)
    host.log.warn({ actor: activation.address, code, error }, 'a commit failed; the activation ends')
    const isKnown = error instanceof ActorError && error.code === code
    const known = isKnown ? error : new ActorError('OUTCOME_UNKNOWN', String(error), {}, error)
    const leftNothing = code === 'STORE_UNAVAILABLE'
    if (leftNothing) work.inFlight = undefined
    host.turns.discard(activation, Failure.of(known), leftNothing && known.details.mayLand !== true)
  }

  /** Lets go all that saw no more than what is durable. */
  release(activation: Activation, work: Work): void {
    if (work.unreleased.length === 0) return
    if (!this.#host.ownership.holds(activation.shard, activation.epoch)) {
      this.#host.turns.lose(activation)
      return
    }
    for (let turn = work.unreleased.peek(); turn !== undefined; turn = work.unreleased.peek()) {
      if (turn.saw > activation.durable) return
      work.unreleased.shift()
      this.#host.turns.release(turn)
    }
  }
}

function toCommit(work: Work, undelivered: boolean): Commit {
  const due = work.sealedDue
  if (!undelivered && due.length === 0) return { entries: work.sealed }
  return {
    entries: work.sealed,
    before: { ...(undelivered ? { undelivered } : {}), ...(due.length > 0 ? { due } : {}) },
  }
}

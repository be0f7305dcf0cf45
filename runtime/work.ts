import type { ActorLimits } from './actor.js'
import type { Call } from './call.js'
import type { Commit, JournalEntry } from './journal-store.js'
import { Queue } from './queue.js'
import type { TurnContext } from './turn.js'

/** A commit that has been sent and whose outcome is not known. */
export interface InFlight {
  readonly commit: Commit
  /** `Activation.folded` once it is durable. */
  readonly upTo: number
  readonly bytes: number
  /** Monotonic, milliseconds. */
  readonly sentMs: number
  /** An attempt had an unknown outcome. */
  isUnknown: boolean
}

const NONE: readonly never[] = []

type Due = { readonly name: string; readonly dueAtMs: number }

/** What an activation has under way. Exists only while it has something. */
export class Work {
  /** Calls that have not started, in the order they run. */
  readonly queue = new Queue<Call>()
  waiting = 0
  waitingBytes = 0
  /** Reads that have started and not ended. */
  reads = 0
  effects = 0
  /** Those of them that nobody waits for. */
  backgroundEffects = 0
  /** Turns and reads that ended and wait until what they saw is durable, in the order of what they saw. */
  readonly unreleased = new Queue<TurnContext>()
  /** Entries of the running turn. */
  open: readonly JournalEntry[] = NONE
  /** Entries of turns that have ended: the next commit. */
  sealed: readonly JournalEntry[] = NONE
  /** `Activation.folded` once what is sealed is durable. */
  sealedUpTo = 0
  openOwes = false
  sealedOwes = false
  openDue: readonly Due[] = NONE
  sealedDue: readonly Due[] = NONE
  openBytes = 0
  sealedBytes = 0
  inFlight: InFlight | undefined = undefined
  sending = false
  pumping = false
  checkpointing = false

  get isEmpty(): boolean {
    return this.effects === 0 && this.isQuiet
  }

  /** Nothing is under way but effects that nobody waits for, and that `resume` starts again. */
  get isQuiet(): boolean {
    return (
      this.waiting === 0 &&
      this.reads === 0 &&
      this.effects === this.backgroundEffects &&
      this.unreleased.length === 0 &&
      this.open.length === 0 &&
      this.sealed.length === 0 &&
      this.inFlight === undefined &&
      !this.sending &&
      !this.checkpointing &&
      !this.pumping
    )
  }

  /** When the oldest call came that still waits; monotonic, milliseconds. */
  oldestArrivalMs(): number | undefined {
    for (let call = this.queue.peek(); call !== undefined; call = this.queue.peek()) {
      if (call.isWaiting) return call.arrivedMs
      this.queue.shift()
    }
    return undefined
  }

  /** False while so much waits for the disk, or outside of turns, that one more turn would break a bound. */
  hasRoom(limits: ActorLimits): boolean {
    return (
      this.unreleased.length < limits.mailboxCalls &&
      this.effects < limits.mailboxCalls &&
      this.sealedBytes + (this.inFlight?.bytes ?? 0) < limits.mailboxBytes
    )
  }

  /** The entries of a turn that ended join the next commit together, so that no commit holds half a turn. */
  seal(folded: number): void {
    if (this.open.length === 0) return
    this.sealedUpTo = folded
    this.sealed = this.sealed.length === 0 ? this.open : this.sealed.concat(this.open)
    this.sealedDue = this.sealedDue.length === 0 ? this.openDue : this.sealedDue.concat(this.openDue)
    this.sealedOwes ||= this.openOwes
    this.sealedBytes += this.openBytes
    this.forgetOpen()
  }

  /** Puts an entry with those of the running turn. */
  add(entry: JournalEntry, bytes: number): void {
    if (this.open === NONE) this.open = [entry]
    else (this.open as JournalEntry[]).push(entry)
    this.openBytes += bytes
  }

  forgetSealed(): void {
    this.sealed = NONE
    this.sealedDue = NONE
    this.sealedOwes = false
    this.sealedBytes = 0
  }

  forgetOpen(): void {
    this.open = NONE
    this.openDue = NONE
    this.openOwes = false
    this.openBytes = 0
  }
}

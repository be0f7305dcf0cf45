/**
 * One account's live sessions on this gateway, and where in the account's sequence they stand.
 *
 * U1. Every session is pushed each change after the moment at which it joined, in order and once, or is told
 *     `updatesTooLong`; the session that caused a change has it in its answer instead.
 * U2. A change is taken only if it follows the position without a hole. When a frame shows a hole, the account's actor
 *     is asked for what follows the position (CORE D5), as it is before the lease ends.
 * U3. At most one call to attach or detach is under way, and frames wait for its answer: the actor may send what follows
 *     the answer before the answer arrives. An activation that has just begun did not push what the one before it had
 *     committed last; where that has no number, the next frame shows no hole.
 * U4. What waits is bounded; over it the sessions are told `updatesTooLong`, and the position moves on.
 * U5. Changes are presented one batch at a time, so that batches are pushed in the order in which they were taken.
 */
import type { BoxChange } from '../../actors/user/changes.js'
import type { AttachAnswer, AttachRequest, LiveNews, PushFrame } from '../../actors/user/contract.js'
import { after, isPromise, type Soon } from '../../runtime/index.js'
import type { Session } from '../mtproto/index.js'
import type { Pending } from './pending.js'
import { SessionSlot, slotOf } from './session-slot.js'

/** The last change that was taken, and the sessions that came from elsewhere, as the actor is told (AttachRequest). */
export type AttachFacts = Pick<AttachRequest, 'lastPts' | 'lastOrdinal' | 'replayFor' | 'arrived'>

/** What an attachment needs of the outside. */
export interface AttachmentPort {
  attach(user: number, authKeys: readonly string[], facts: AttachFacts): Promise<AttachAnswer>
  /** Never rejects. */
  detach(user: number): Promise<void>
  /** Nobody is left and no call is under way: the attachment may be forgotten. */
  idle(attachment: Attachment): void
  /** Presents and pushes; what cannot be presented becomes `updatesTooLong`. Never throws or rejects. */
  pushChanges(user: number, sessions: readonly Session[], changes: readonly BoxChange[]): Soon<void>
  pushNews(user: number, sessions: readonly Session[], news: readonly LiveNews[]): Promise<void>
  pushTooLong(sessions: readonly Session[]): void
  unauthorized(user: number, authKeys: readonly string[]): void
  authKeyOf(session: Session): string
  idOf(session: Session): string
  /** Runs `then` after a pause that grows with `failures`. */
  retryLater(failures: number, then: () => void): void
}

/** Frames that wait for the answer to an attach call; beyond it they are dropped, and the actor is asked once more. */
const MAX_WAITING_FRAMES = 64

export class Attachment {
  readonly user: number
  readonly #port: AttachmentPort
  readonly #pending: Pending
  readonly #sessions = new Set<Session>()
  /** The last change taken; -1: not attached yet. */
  #pts = -1
  /** -1: those under #pts are not known. */
  #ordinal = -1
  #calling = false
  #attachAgain = false
  #failures = 0
  #pushing = false
  #waiting: PushFrame[] = []
  /** Sessions from elsewhere that the actor was not told of yet. */
  #arrived: Session[] = []

  constructor(user: number, port: AttachmentPort, pending: Pending) {
    this.user = user
    this.#port = port
    this.#pending = pending
  }

  get isEmpty(): boolean {
    return this.#sessions.size === 0
  }

  get sessions(): readonly Session[] {
    return [...this.#sessions]
  }

  /** The last pts taken; -1 before the first answer. */
  get pts(): number {
    return this.#pts
  }

  join(session: Session): void {
    const isKnownKey = this.#authKeys().includes(this.#port.authKeyOf(session))
    const slot = new SessionSlot(this)
    session.attachment = slot
    this.#sessions.add(session)
    if (this.#pts >= 0) slot.coveredFrom = this.#pts
    if (session.isOlder) this.#arrived.push(session)
    if (!isKnownKey || this.#pts < 0 || session.isOlder) this.attach()
  }

  leave(session: Session): void {
    this.#sessions.delete(session)
    if (slotOf(session)?.attachment === this) session.attachment = undefined
    if (this.isEmpty && !this.#calling) this.#detach()
  }

  /** Asks the actor for what follows the position, and so renews the lease. */
  attach(): void {
    if (this.isEmpty) return
    if (this.#calling) {
      this.#attachAgain = true
      return
    }
    this.#calling = true
    this.#attachAgain = false
    const asked = this.#pts
    const arrived = this.#arrived.filter((session) => this.#sessions.has(session))
    this.#arrived = []
    const ofDevice = asked < 0 ? this.#sessionsOfFirstDevice() : []
    this.#port.attach(this.user, this.#authKeys(), this.#facts(arrived, ofDevice)).then(
      (answer) => this.#attached(asked, answer, ofDevice),
      () => {
        this.#arrived.unshift(...arrived)
        this.#attachFailed()
      },
    )
  }

  #facts(arrived: readonly Session[], [first]: readonly Session[]): AttachFacts {
    return {
      lastPts: this.#pts,
      ...(this.#ordinal >= 0 && { lastOrdinal: this.#ordinal }),
      ...(arrived.length > 0 && { arrived: arrived.map((session) => this.#port.idOf(session)) }),
      ...(first && { replayFor: this.#port.authKeyOf(first) }),
    }
  }

  /** One device can be told again what it missed elsewhere; that is nearly always all that there are. */
  #sessionsOfFirstDevice(): readonly Session[] {
    const { authKeyOf } = this.#port
    const [first, ...others] = this.#sessions
    return first ? [first, ...others.filter((session) => authKeyOf(session) === authKeyOf(first))] : []
  }

  receive(frame: PushFrame): void {
    if (this.isEmpty) return
    if (this.#pts >= 0 && !this.#calling) this.#take(frame)
    else if (this.#waiting.length < MAX_WAITING_FRAMES) this.#waiting.push(frame)
    else this.#attachAgain = true
  }

  #attached(asked: number, answer: AttachAnswer, ofDevice: readonly Session[]): void {
    this.#calling = false
    this.#failures = 0
    if (this.isEmpty) {
      this.#detach()
      return
    }
    if (answer.unauthorized.length > 0) this.#port.unauthorized(this.user, answer.unauthorized)
    if (asked < 0) this.#begin(answer, ofDevice)
    else if (answer.following) this.#follow(answer, answer.following)
    else this.#skipTo(answer)
    const waiting = this.#waiting
    this.#waiting = []
    for (const frame of waiting) this.receive(frame)
    if (this.#attachAgain) this.attach()
  }

  #attachFailed(): void {
    this.#failures++
    this.#port.retryLater(this.#failures, () => {
      this.#calling = false
      if (this.isEmpty) this.#detach()
      else this.attach()
    })
  }

  /** What is left is nobody's; a session that joins meanwhile begins anew when the actor has forgotten this gateway. */
  #detach(): void {
    this.#calling = true
    this.#pts = -1
    this.#ordinal = -1
    this.#waiting = []
    this.#pending.takeChanges()
    this.#pending.takeNews()
    void this.#port.detach(this.user).then(() => {
      this.#calling = false
      if (this.isEmpty) this.#port.idle(this)
      else this.attach()
    })
  }

  /**
   * Sessions that were answered with a state before this may have missed what lies between: at the same pts too, as
   * changes without a number do not move it.
   */
  #begin({ pts, ordinal = -1, following = [] }: AttachAnswer, ofDevice: readonly Session[]): void {
    this.#pts = pts
    this.#ordinal = ordinal
    for (const session of this.#sessions) {
      const slot = slotOf(session)
      if (!slot) continue
      slot.coveredFrom = pts
      if (slot.statePts >= 0 && slot.statePts <= pts) this.#port.pushTooLong([session])
    }
    this.#replay(following, ofDevice)
  }

  /** Some clients never fetch a difference: what their device has not acknowledged elsewhere is pushed before all else. */
  #replay(changes: readonly BoxChange[], ofDevice: readonly Session[]): void {
    const sessions = ofDevice.filter((session) => this.#sessions.has(session))
    if (sessions.length === 0 || changes.length === 0) return
    this.#pushing = true
    const next = () => {
      this.#pushing = false
      this.#push()
    }
    const waits = this.#port.pushChanges(this.user, sessions, changes)
    if (isPromise(waits)) void waits.then(next)
    else next()
  }

  #follow(answer: AttachAnswer, following: readonly BoxChange[]): void {
    const isWhole = this.#takeAll(following)
    if (!isWhole || this.#pts < answer.pts) this.#skipTo(answer)
  }

  #take({ afterPts, afterOrdinal, changes, news = [] }: PushFrame): void {
    for (const each of news) this.#pending.addNews(each)
    if (!this.#hasAllUpTo(afterPts, afterOrdinal) || !this.#takeAll(changes)) this.attach()
    this.#push()
  }

  #hasAllUpTo(pts: number, ordinal = -1): boolean {
    return this.#pts >= 0 && (this.#pts > pts || (this.#pts === pts && this.#ordinal >= ordinal))
  }

  /** False at a hole (U2); what was taken before it stays taken. */
  #takeAll(changes: readonly BoxChange[]): boolean {
    let fits = true
    let isWhole = true
    for (const change of changes) {
      if (!this.#isNew(change)) continue
      isWhole = change.pts - change.count <= this.#pts
      if (!isWhole) break
      this.#pts = change.pts
      this.#ordinal = change.ordinal
      if (this.#pending.add(change)) continue
      this.#pending.takeChanges()
      fits = false
    }
    if (!fits) this.#port.pushTooLong(this.sessions)
    this.#push()
    return isWhole
  }

  #isNew({ pts, ordinal }: BoxChange): boolean {
    return pts > this.#pts || (pts === this.#pts && ordinal > this.#ordinal)
  }

  /** U4: what waits is dropped, the difference tells it. */
  #skipTo({ pts, ordinal = -1 }: AttachAnswer): void {
    this.#pending.takeChanges()
    if (pts > this.#pts || (pts === this.#pts && ordinal > this.#ordinal)) {
      this.#pts = pts
      this.#ordinal = ordinal
    }
    this.#port.pushTooLong(this.sessions)
  }

  #push(): void {
    if (this.#pushing || this.#pending.isEmpty) return
    this.#pushing = true
    const next = () => {
      this.#pushing = false
      this.#push()
    }
    const waits = this.#pushWaiting()
    if (isPromise(waits)) void waits.then(next)
    else next()
  }

  /** Pushes what waits; a promise as soon as something of it takes its time (U5). */
  #pushWaiting(): Soon<void> {
    const changes = this.#pending.takeChanges()
    const pushed = changes.length > 0 ? this.#port.pushChanges(this.user, this.sessions, changes) : undefined
    return after(pushed, () => {
      const news = this.#pending.takeNews()
      return news.length > 0 ? this.#port.pushNews(this.user, this.sessions, news) : undefined
    })
  }

  #authKeys(): readonly string[] {
    return [...new Set([...this.#sessions].map((session) => this.#port.authKeyOf(session)))]
  }
}

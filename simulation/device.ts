import type { BoxChange } from '../actors/user/changes.js'
import type { Difference } from '../actors/user/contract.js'
import { errorCode, refusalReason } from '../runtime/index.js'
import { Connection } from './connection.js'
import type { Dice } from './dice.js'
import type { Front, FrontSession, Listener, Scope } from './front.js'
import { Replica } from './replica.js'
import { fetchAccount } from './server-view.js'
import type { World } from './world.js'

/** After this long a gap is filled by a difference (core.telegram.org/api/updates). */
const GAP_MS = 500
const MOST_OVERTAKEN = 3

export type Reply<T> =
  | { readonly kind: 'answer'; readonly value: T }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'lost' }

/** One device of an account, as a careful client library would be. */
export class Device implements Listener {
  readonly user: number
  readonly name: string
  readonly authKey: string
  replica: Replica
  /** Earlier states, to be brought up to date at the end. */
  readonly fossils: Replica[] = []
  readonly #world: World
  readonly #dice: Dice
  #connection: Connection | undefined
  #session: FrontSession | undefined
  /** The gateway that it is connected to. */
  #front: Front | undefined
  #sessions = 0
  #pending = new Set<(reply: Reply<never>) => void>()
  #waiting: (() => void)[] = []
  #held: BoxChange[] = []
  #isSyncing = false
  #mustSync = false
  #isWatchingGap = false

  constructor(world: World, user: number, index: number) {
    this.#world = world
    this.user = user
    this.name = `${user}/${index}`
    this.authKey = `${user.toString(16).padStart(8, '0')}${index.toString(16).padStart(8, '0')}`
    this.replica = new Replica(user)
    this.#dice = world.diceFor(`device ${this.name}`)
  }

  get isOnline(): boolean {
    return this.#session !== undefined && this.#connection?.isOpen === true
  }

  /** Nothing is on its way that it knows of. */
  get isSettled(): boolean {
    return this.isOnline && !this.#isSyncing && !this.#mustSync && this.#held.length === 0
  }

  get unsettled(): string {
    return `online ${this.isOnline}, syncing ${this.#isSyncing}, again ${this.#mustSync}, held ${this.#held.length}`
  }

  /** Connects, and again whenever the connection is lost. */
  connect(): void {
    const front = this.#world.gatewayFor(this)
    if (front === undefined) {
      this.#world.time.setTimer(this.#dice.within(5, 60), () => this.connect())
      return
    }
    const connection = new Connection(this.#world.time, this.#dice, this.#world.settings.slowestHopMs)
    this.#connection = connection
    connection.onClosed = () => this.#lost(connection)
    connection.toGateway(() =>
      front.enter(() => {
        if (!front.isAlive) return connection.closeByGateway()
        const session = front.connect(this, `s${++this.#sessions}`, connection)
        connection.toDevice(() => this.#ready(session, front))
      }),
    )
  }

  /** Drops the connection; comes back after `awayMs`. */
  disconnect(awayMs: number): void {
    const connection = this.#connection
    if (connection === undefined || !connection.isOpen) return
    this.#note('disconnects')
    connection.closeByDevice()
    this.#end()
    this.#world.time.setTimer(awayMs, () => this.connect())
  }

  /**
   * Asks until there is an answer; a refusal is one. `isRepeat`: what was asked before may still be done, though this was
   * refused.
   */
  async insist<T>(
    what: string,
    run: (scope: Scope) => Promise<T>,
  ): Promise<Reply<T> & { kind: 'answer' | 'refused'; readonly isRepeat: boolean }> {
    for (let isRepeat = false; ; isRepeat = true) {
      await this.#online()
      this.#note(`asks ${what}`)
      const askedMs = this.#world.time.monotonic()
      const reply = await this.#ask(run)
      if (reply.kind === 'answer' || reply.kind === 'refused') {
        this.#world.ledger.waitsMs.push(this.#world.time.monotonic() - askedMs)
        this.#note(reply.kind === 'refused' ? `${what} is refused: ${reply.reason}` : `${what} is answered`)
        // A client sees by the answer's pts that something of it was done.
        if (reply.kind === 'refused' && isRepeat) this.sync()
        return { ...reply, isRepeat }
      }
      this.#note(`${what}: ${reply.kind}`)
      if (reply.kind === 'wait') this.#world.ledger.unanswered++
      if (reply.kind === 'wait') await this.#world.time.pause(reply.ms)
    }
  }

  pushed(changes: readonly BoxChange[]): void {
    this.#note(`is pushed ${placesOf(changes)}`)
    this.#hear(changes, 'a push')
  }

  /** Takes what an answer says of the own box. */
  answered(changes: readonly BoxChange[]): void {
    if (changes.length === 0) return
    this.#note(`has in its answer ${placesOf(changes)}`)
    this.#hear(inOrder(changes), 'an answer')
  }

  tooLong(): void {
    this.#note('is told updatesTooLong')
    this.sync()
  }

  sync(): void {
    if (this.#isSyncing) {
      this.#mustSync = true
      return
    }
    this.#isSyncing = true
    void this.#syncAll()
  }

  async #syncAll(): Promise<void> {
    let isDone: boolean
    do {
      this.#mustSync = false
      isDone = await this.#fetchDifference()
    } while (isDone && this.#mustSync)
    this.#isSyncing = false
    // Otherwise the next connection begins with a difference.
    if (isDone) this.#takeHeld()
  }

  async #fetchDifference(): Promise<boolean> {
    const { sliceLimit, totalLimit } = this.#world.settings
    for (;;) {
      const { pts, date } = this.replica
      const reply = await this.#ask((scope) => differenceOf(scope, { pts, date, limit: sliceLimit, totalLimit }))
      if (reply.kind === 'lost') return false
      if (reply.kind === 'refused') throw new Error(`a difference was refused: ${reply.reason}`)
      if (reply.kind === 'wait') {
        await this.#world.time.pause(reply.ms)
        continue
      }
      const difference = reply.value
      this.#note(`difference since ${pts}: ${difference.kind} to ${difference.pts}`)
      if (difference.pts < this.replica.pts && difference.kind === 'tooLong') {
        this.#world.ledger.violated(
          'invariant 5 (nothing early)',
          `device ${this.name} knows pts ${this.replica.pts}, the server only ${difference.pts}`,
        )
      }
      if (difference.kind === 'tooLong') {
        if (!(await this.#refetch())) return false
        continue
      }
      if (difference.kind !== 'empty') {
        for (const change of difference.others) this.#world.ledger.observe(this.user, change, 'a difference')
      }
      this.replica.takeDifference(difference)
      if (difference.kind !== 'slice') return true
      if (this.replica.pts === pts && this.replica.date === date) {
        this.#world.ledger.violated('invariant 4', `a slice since ${pts}, ${date} of ${this.user} gets no further`)
        return true
      }
    }
  }

  async #refetch(): Promise<boolean> {
    for (;;) {
      const reply = await this.#ask(({ me, chat }) => fetchAccount({ user: this.user, me, chat }, this.#world.peers))
      if (reply.kind === 'lost') return false
      if (reply.kind === 'refused') throw new Error(`an account cannot be fetched: ${reply.reason}`)
      if (reply.kind === 'wait') await this.#world.time.pause(reply.ms)
      else {
        this.#note(`refetched at ${reply.value.pts}`)
        this.replica.adopt(reply.value)
        return true
      }
    }
  }

  #hear(changes: readonly BoxChange[], where: string): void {
    for (const change of changes) this.#world.ledger.observe(this.user, change, where)
    this.#held.push(...changes)
    if (!this.#isSyncing) this.#takeHeld()
  }

  #takeHeld(): void {
    for (let again = true; again; ) {
      again = false
      const held = inOrder(this.#held)
      this.#held = []
      for (const change of held) {
        const taken = this.replica.take(change)
        if (taken === 'gap') this.#held.push(change)
        again ||= taken === 'applied'
      }
      again &&= this.#held.length > 0
    }
    if (this.#held.length > 0) this.#watchGap()
  }

  #watchGap(): void {
    if (this.#isWatchingGap) return
    this.#isWatchingGap = true
    this.#world.time.setTimer(GAP_MS, () => {
      this.#isWatchingGap = false
      if (this.#held.length > 0 && this.isOnline) this.sync()
    })
  }

  #ready(session: FrontSession, front: Front): void {
    this.#session = session
    this.#front = front
    this.#note('is connected')
    for (const go of this.#waiting.splice(0)) go()
    this.sync()
  }

  #lost(connection: Connection): void {
    if (this.#connection !== connection) return
    this.#note('lost its connection')
    this.#end()
    this.#world.time.setTimer(this.#dice.within(1, 80), () => this.connect())
  }

  #end(): void {
    this.#connection = undefined
    this.#session = undefined
    this.#front = undefined
    this.#mustSync = false
    this.#held = []
    const pending = [...this.#pending]
    this.#pending.clear()
    for (const answer of pending) answer({ kind: 'lost' })
  }

  #online(): Promise<void> {
    if (this.isOnline) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  #ask<T>(run: (scope: Scope) => Promise<T>): Promise<Reply<T>> {
    const [connection, session, front] = [this.#connection, this.#session, this.#front]
    if (!connection?.isOpen || session === undefined || front === undefined) return Promise.resolve({ kind: 'lost' })
    return new Promise((resolve) => {
      this.#pending.add(resolve)
      const reply = (answer: Reply<T>) =>
        connection.toDevice(() => {
          if (this.#pending.delete(resolve)) resolve(answer)
        })
      connection.toGateway(() =>
        front.enter(() => {
          if (!front.isAlive) return
          run(front.scope(session)).then(
            (value) => reply({ kind: 'answer', value }),
            (error) => connection.isOpen && reply(this.#replyFor(error)),
          )
        }),
      )
    })
  }

  /** As gateway/api/errors.ts, in milliseconds. */
  #replyFor(error: unknown): Reply<never> {
    const reason = refusalReason(error)
    if (reason !== undefined) return { kind: 'refused', reason }
    const code = errorCode(error)
    if (code === undefined || code === 'INTERNAL' || code === 'CORRUPT' || code === 'CALL_CYCLE') {
      this.#world.ledger.violated('no fault of ours', `${this.name} was answered ${String(error)}`)
    }
    return { kind: 'wait', ms: this.#dice.within(20, 300) }
  }

  #note(what: string): void {
    this.#world.trace.note(this.name, what)
  }
}

/** As gateway/api/updates/difference.ts: never older than what was pushed. */
async function differenceOf(
  { me, pushedPts, sawState }: Scope,
  request: Parameters<Scope['me']['difference']>[0],
): Promise<Difference> {
  let isCovered = pushedPts() >= 0
  let difference = await me.difference(request)
  for (let times = 0; times < MOST_OVERTAKEN && difference.kind !== 'slice'; times++) {
    const pushed = pushedPts()
    if (pushed <= difference.pts && isCovered === pushed >= 0) break
    isCovered = pushed >= 0
    difference = await me.difference(request)
  }
  if (difference.kind !== 'slice') sawState(difference.pts)
  return difference
}

function inOrder(changes: readonly BoxChange[]): BoxChange[] {
  return [...changes].sort((one, other) => one.pts - other.pts || one.ordinal - other.ordinal)
}

function placesOf(changes: readonly BoxChange[]): string {
  return changes.map(({ pts, ordinal, fact }) => `${fact.type}@${pts}${ordinal > 0 ? `.${ordinal}` : ''}`).join(' ')
}

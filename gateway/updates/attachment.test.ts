import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { BoxChange } from '../../actors/user/changes.js'
import type { AttachAnswer, PushFrame } from '../../actors/user/contract.js'
import type { Session } from '../mtproto/index.js'
import { FakeSession } from '../testing/fake-session.js'
import { type AttachFacts, Attachment, type AttachmentPort } from './attachment.js'
import { defaultPendingLimits, Pending, PendingBytes } from './pending.js'
import { slotOf } from './session-slot.js'

const settled = () => new Promise<void>((resolve) => setImmediate(resolve))

function change(pts: number, count: number, ordinal = 0): BoxChange {
  return { pts, ordinal, count, atMs: 0, fact: { type: 'seen', atMs: 0 } }
}

interface Held {
  resolve(answer: AttachAnswer): void
  reject(error: Error): void
  readonly last: AttachFacts
}

/** An account, its frames in flight, and sessions that apply what they are pushed as clients do. */
class Rig implements AttachmentPort {
  readonly log: BoxChange[] = []
  readonly clients = new Map<Session, Client>()
  readonly asked: Held[] = []
  readonly answers: (() => void)[] = []
  readonly frames: PushFrame[] = []
  readonly pushes: (() => void)[] = []
  readonly retries: (() => void)[] = []
  readonly detaches: (() => void)[] = []
  /** Places of all changes that were pushed. */
  readonly told: string[] = []
  isAttached = false
  attachment: Attachment
  readonly #limits
  #bytes = new PendingBytes()

  constructor(changesPerAccount = defaultPendingLimits.changesPerAccount) {
    this.#limits = { ...defaultPendingLimits, changesPerAccount }
    this.attachment = this.#fresh()
  }

  #fresh() {
    return new Attachment(1, this, new Pending(this.#limits, this.#bytes))
  }

  get head(): number {
    return this.log.at(-1)?.pts ?? 0
  }

  commit(count: number) {
    const last = this.log.at(-1)
    const next = change(this.head + count, count, count === 0 ? (last?.ordinal ?? 0) + 1 : 0)
    this.log.push(next)
    const after = { afterPts: next.pts - next.count, afterOrdinal: last?.ordinal ?? 0 }
    if (this.isAttached) this.frames.push({ user: 1, ...after, changes: [next] })
  }

  deliverFrame() {
    const frame = this.frames.shift()
    if (frame) this.attachment.receive(frame)
  }

  loseFrame() {
    this.frames.shift()
  }

  /** The attach call's turn runs at the actor; its answer is on the way. */
  runAttach(replayable: boolean) {
    const held = this.asked.shift()
    if (!held) return
    this.isAttached = true
    const pts = this.head
    const { lastPts, lastOrdinal = Number.MAX_SAFE_INTEGER } = held.last
    const after = this.log.filter((each) => each.pts > lastPts || (each.pts === lastPts && each.ordinal > lastOrdinal))
    const following = lastPts < 0 ? [] : replayable ? after : undefined
    const ordinal = this.log.at(-1)?.ordinal ?? 0
    this.answers.push(() => held.resolve({ pts, ordinal, following, unauthorized: [] }))
  }

  failAttach() {
    this.asked.shift()?.reject(new Error('not now'))
  }

  join() {
    const session = new FakeSession({ id: this.clients.size + 1, authKey: (this.clients.size % 3) + 1, userId: 1 })
    this.clients.set(session, new Client(this, session))
    this.attachment.join(session)
  }

  leaveFirst() {
    for (const session of this.clients.keys()) {
      this.clients.delete(session)
      this.attachment.leave(session)
      return
    }
  }

  attach(_user: number, _keys: readonly string[], last: AttachFacts): Promise<AttachAnswer> {
    return new Promise((resolve, reject) => this.asked.push({ resolve, reject, last }))
  }

  detach(): Promise<void> {
    return new Promise((resolve) =>
      this.detaches.push(() => {
        this.isAttached = false
        resolve()
      }),
    )
  }

  idOf(session: Session): string {
    return String(session.id)
  }

  idle() {
    this.attachment = this.#fresh()
  }

  pushChanges(_user: number, sessions: readonly Session[], changes: readonly BoxChange[]): Promise<void> {
    return new Promise((resolve) =>
      this.pushes.push(() => {
        this.told.push(...changes.map(({ pts, ordinal }) => `${pts}.${ordinal}`))
        for (const session of sessions) this.clients.get(session)?.apply(changes)
        resolve()
      }),
    )
  }

  async pushNews() {}

  pushTooLong(sessions: readonly Session[]) {
    for (const session of sessions) this.clients.get(session)?.fetchDifference()
  }

  unauthorized() {}

  authKeyOf(session: Session): string {
    return session.permanentAuthKeyId
  }

  retryLater(_failures: number, then: () => void) {
    this.retries.push(then)
  }

  /** Everything under way ends well. */
  async drain() {
    for (;;) {
      const todo = [this.retries, this.answers, this.pushes, this.detaches].find((list) => list.length > 0)
      if (todo) todo.shift()!()
      else if (this.asked.length > 0) this.runAttach(true)
      else if (this.frames.length > 0) this.deliverFrame()
      else {
        await settled()
        const idle = [this.retries, this.answers, this.pushes, this.detaches, this.asked, this.frames]
        if (idle.every((list) => list.length === 0)) return
      }
      await settled()
    }
  }
}

/** What a client must have seen: each change once and in order, none missing but those a difference told. */
class Client {
  readonly #rig: Rig
  readonly #session: Session
  readonly #known = new Set<number>()
  #lastPts = -1
  #lastOrdinal = -1

  constructor(rig: Rig, session: Session) {
    this.#rig = rig
    this.#session = session
  }

  apply(changes: readonly BoxChange[]) {
    for (const { pts, ordinal, count } of changes) {
      const isLater = pts > this.#lastPts || (pts === this.#lastPts && ordinal > this.#lastOrdinal)
      expect(isLater, `pts ${pts}.${ordinal} after ${this.#lastPts}.${this.#lastOrdinal}`).toBe(true)
      this.#lastPts = pts
      this.#lastOrdinal = ordinal
      for (let each = pts - count + 1; each <= pts; each++) this.#known.add(each)
    }
  }

  fetchDifference() {
    for (let pts = 1; pts <= this.#rig.head; pts++) this.#known.add(pts)
  }

  missing(): number[] {
    const from = slotOf(this.#session)?.coveredFrom ?? 0
    const wanted = Array.from({ length: this.#rig.head - from }, (_, at) => from + 1 + at)
    return wanted.filter((pts) => !this.#known.has(pts))
  }
}

const STEPS = {
  commit0: (rig: Rig) => rig.commit(0),
  commit1: (rig: Rig) => rig.commit(1),
  commit3: (rig: Rig) => rig.commit(3),
  deliver: (rig: Rig) => rig.deliverFrame(),
  lose: (rig: Rig) => rig.loseFrame(),
  runAttach: (rig: Rig) => rig.runAttach(true),
  runAttachTooMuch: (rig: Rig) => rig.runAttach(false),
  failAttach: (rig: Rig) => rig.failAttach(),
  answer: (rig: Rig) => rig.answers.shift()?.(),
  push: (rig: Rig) => rig.pushes.shift()?.(),
  retry: (rig: Rig) => rig.retries.shift()?.(),
  detached: (rig: Rig) => rig.detaches.shift()?.(),
  renew: (rig: Rig) => rig.attachment.attach(),
  join: (rig: Rig) => rig.join(),
  leave: (rig: Rig) => rig.leaveFirst(),
} as const

type Step = keyof typeof STEPS

const steps = fc.array(fc.constantFrom(...(Object.keys(STEPS) as Step[])), {
  minLength: 30,
  maxLength: 150,
  size: 'max',
})

async function play(rig: Rig, script: readonly Step[]) {
  rig.join()
  for (const step of script) {
    STEPS[step](rig)
    await settled()
  }
  await rig.drain()
  // The lease is renewed at last: what a lost frame would have told is told now.
  rig.attachment.attach()
  await rig.drain()
  for (const client of rig.clients.values()) expect(client.missing()).toEqual([])
}

test('U1-U3: whatever is lost, late or repeated, each session sees each pts once and in order, or is sent to the difference', async () => {
  await fc.assert(
    fc.asyncProperty(steps, (script) => play(new Rig(), script)),
    { numRuns: 300 },
  )
})

test('U2: a lost frame of nothing but a change without a number is noticed by the next one', async () => {
  const rig = new Rig()
  rig.join()
  rig.runAttach(true)
  rig.answers.shift()!()
  await settled()
  rig.commit(0)
  rig.loseFrame()
  rig.commit(1)
  rig.deliverFrame()
  rig.runAttach(true)
  rig.answers.shift()!()
  await settled()
  await rig.drain()
  expect(rig.told).toEqual(['0.1', '1.0'])
})

test('U4: with room for two changes the sessions are sent to the difference instead', async () => {
  await fc.assert(
    fc.asyncProperty(steps, (script) => play(new Rig(2), script)),
    { numRuns: 200 },
  )
})

test('U3: what the actor sends right after it attached waits for its answer', async () => {
  const rig = new Rig()
  rig.commit(1)
  rig.join()
  rig.runAttach(true)
  rig.commit(1)
  rig.deliverFrame()
  expect(rig.pushes).toHaveLength(0)
  rig.answers.shift()?.()
  await settled()
  expect(rig.pushes).toHaveLength(1)
})

test('U3: what a new activation sends after it answered does not hide what the one before it had not pushed', async () => {
  const rig = new Rig()
  rig.commit(1)
  rig.join()
  rig.runAttach(true)
  rig.answers.shift()?.()
  await settled()
  // Committed, and the activation ended before it was pushed.
  rig.commit(0)
  rig.loseFrame()
  rig.attachment.attach()
  rig.runAttach(true)
  rig.commit(1)
  rig.deliverFrame()
  rig.answers.shift()?.()
  await rig.drain()
  expect(rig.told).toEqual(['1.1', '2.0'])
})

test('a session that was answered with an older state before the actor knew of it is told to fetch the difference', async () => {
  const rig = new Rig()
  rig.commit(1)
  rig.join()
  const [session] = rig.clients.keys()
  slotOf(session!)!.statePts = 1
  rig.commit(1)
  rig.runAttach(true)
  rig.answers.shift()?.()
  await settled()
  expect(rig.clients.get(session!)!.missing()).toEqual([])
  expect(slotOf(session!)!.coveredFrom).toBe(2)
})

test('the last session that leaves detaches; one that joins meanwhile attaches anew', async () => {
  const rig = new Rig()
  rig.join()
  rig.runAttach(true)
  rig.answers.shift()?.()
  await settled()
  rig.leaveFirst()
  expect(rig.detaches).toHaveLength(1)
  rig.join()
  expect(rig.asked).toHaveLength(0)
  rig.detaches.shift()?.()
  await settled()
  expect(rig.asked).toHaveLength(1)
  expect(rig.asked[0]?.last).toMatchObject({ lastPts: -1 })
})

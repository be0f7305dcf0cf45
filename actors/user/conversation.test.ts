/**
 * Chats and boxes together on a simulated disk, through crashes between any two writes (DESIGN, invariants 1 to 5):
 *
 * 1. All boxes have a chat's messages in the same order.
 * 2. What was acknowledged is in the sender's box under the id and pts that he was told, and in every other box.
 * 3. One operation is one message, however often it is asked for.
 * 4. A device that was away, and one that was attached all the time, end with what is refetched.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Ref } from '../../runtime/index.js'
import { chatActor } from '../chat/actor.js'
import { type ChatId, groupChat, privateChat } from '../chat/chat-id.js'
import { Chat, type Outcome } from '../chat/contract.js'
import { encodeBody } from '../message/body.js'
import { KeptRecords } from '../testing/kept-records.js'
import { World } from '../testing/world.js'
import { userActor } from './actor.js'
import { type PushFrame, User } from './contract.js'
import { Device, LiveDevice, refetch } from './testing/mirror.js'

const PEOPLE = [1, 2, 3] as const
const GROUP = groupChat(5)
const CHATS = [GROUP, privateChat(1, 2), privateChat(2, 2), privateChat(1, 3)]
const ORIGIN = { authKey: '00', session: '11' }
const LIVE = 2
const PATIENCE_MS = 3_000

interface Said {
  readonly by: number
  readonly chat: ChatId
  readonly text: string
  readonly outcome: Outcome
}

/** One thing that somebody does, by small numbers. */
type Deed = readonly [who: number, where: number, what: number, target: number]

class Conversation {
  readonly world: World
  readonly said: Said[] = []
  readonly device = new Device()
  readonly live = new LiveDevice()
  #frames: PushFrame[] = []
  #op = 0

  constructor(seed: number) {
    this.world = new World(
      ({ clock, random }) => [chatActor({ clock, random, limits: { keptEntries: 8 } }), userActor(new KeptRecords())],
      seed,
    )
  }

  user(id: number): Ref<User> {
    return this.world.node.ref(User, id)
  }

  async start(): Promise<void> {
    await this.world.start()
    this.#frames = []
    this.world.node.receive('push', (payload) => this.#frames.push(payload as PushFrame))
    await this.#attach().catch(() => undefined)
  }

  async #attach(): Promise<void> {
    const position = { lastPts: this.live.pts, lastOrdinal: this.live.ordinal }
    const request = { gateway: this.world.node.node, authKeys: [], leaseMs: 600_000, ...position }
    const answer = await this.#patiently(() => this.user(LIVE).attach(request))
    if (!answer) return
    // A hundred entries at most: always told one by one, unless a message was deleted since.
    if (answer.following) await this.world.until(this.live.push(this.user(LIVE), answer.following))
    else await this.#resync()
  }

  async #resync(): Promise<void> {
    const fresh = await this.world.until(refetch(this.user(LIVE)))
    Object.assign(this.live, fresh, { ordinal: 0 })
  }

  /** Undefined when the node does not answer: it crashed. */
  async #patiently<T>(call: () => Promise<T>): Promise<T | undefined> {
    const { crashes } = this.world
    let answer: { value: T } | undefined
    let failed = false
    call().then(
      (value) => {
        answer = { value }
      },
      () => {
        failed = true
      },
    )
    const endMs = this.world.clock.monotonic() + PATIENCE_MS
    const isOver = () => answer !== undefined || failed || this.world.crashes !== crashes
    while (!isOver() && this.world.clock.monotonic() < endMs) await this.world.clock.advance(2)
    return answer?.value
  }

  /** Asks until it knows, as a client does, with the same operation id. */
  async ask<T>(call: () => Promise<T>): Promise<T | undefined> {
    for (let tries = 0; tries < 12; tries++) {
      if (!this.world.isUp) await this.start().catch(() => undefined)
      if (!this.world.isUp) continue
      const answer = await this.#patiently(call)
      if (answer !== undefined) return answer
    }
    return undefined
  }

  chat(id: ChatId): Ref<Chat> {
    return this.world.node.ref(Chat, id)
  }

  async do([who, where, what, target]: Deed): Promise<void> {
    const by = PEOPLE[who % PEOPLE.length] ?? 1
    const mine = CHATS.filter((id) => id === GROUP || id.slice(1).split('-').includes(String(by)))
    const chat = mine[where % mine.length] ?? GROUP
    const asked = { by, op: `r${++this.#op}`, origin: ORIGIN }
    const earlier = this.said.filter((each) => each.chat === chat)
    const n = earlier[target % Math.max(earlier.length, 1)]?.outcome.n
    const ask = (call: () => Promise<unknown>) => this.ask(call)
    if (n === undefined || what < 6) return this.#say(by, chat, asked.op, what % 2 === 0 ? n : undefined)
    if (what === 6) await ask(() => this.chat(chat).edit({ ...asked, target: n, body: body(`edit ${asked.op}`) }))
    if (what === 7) await ask(() => this.chat(chat).delete({ ...asked, targets: [n] }))
    if (what === 8 || what === 9) await ask(() => this.chat(chat).read({ ...asked, upTo: n }))
    if (what === 10) await ask(() => this.chat(chat).react({ ...asked, target: n, reactions: ['👍'] }))
    if (what === 11)
      await ask(() => this.chat(chat).pin({ ...asked, target: n, pinned: true, silent: true, onlyForMe: false }))
  }

  async #say(by: number, chat: ChatId, op: string, replyTo: number | undefined): Promise<void> {
    const text = `${op} by ${by}`
    const draft = { body: body(text), op, ...(replyTo !== undefined && { replyTo }) }
    const outcomes = await this.ask(() => this.chat(chat).post({ by, origin: ORIGIN, drafts: [draft] }))
    const [outcome] = outcomes ?? []
    if (outcome) this.said.push({ by, chat, text, outcome })
  }

  /** A device that was away asks for a part of what it missed. */
  async glance(limit: number): Promise<void> {
    if (!this.world.isUp) return
    await this.#patiently(async () => ({ more: await this.device.step(this.user(1), limit) }))
  }

  async takePushes(): Promise<void> {
    for (let frame = this.#frames.shift(); frame; frame = this.#frames.shift()) {
      if (frame.user !== LIVE || frame.changes.length === 0) continue
      const [first] = frame.changes
      // A frame that was lost, or one from before the attachment: the gateway sees it by afterPts.
      if (frame.afterPts !== this.live.pts || (first?.count === 0 && first.ordinal <= this.live.ordinal)) continue
      await this.world.until(this.live.push(this.user(LIVE), frame.changes))
    }
  }

  async check(): Promise<void> {
    this.world.crashAfter(Number.POSITIVE_INFINITY)
    if (!this.world.isUp) await this.start()
    await this.world.clock.advance(5_000)
    const boxes = new Map<number, Awaited<ReturnType<typeof refetch>>>()
    for (const id of PEOPLE) boxes.set(id, await this.world.until(refetch(this.user(id))))
    await this.world.until(this.device.catchUp(this.user(1), 3))
    expect(this.device.shown()).toEqual(boxes.get(1)?.shown())
    await this.takePushes()
    await this.#attach()
    expect(this.live.shown()).toEqual(boxes.get(LIVE)?.shown())
    await this.#checkOrder()
  }

  async #checkOrder(): Promise<void> {
    for (const chat of CHATS) {
      const people = PEOPLE.filter((id) => chat === GROUP || chat.slice(1).split('-').includes(String(id)))
      const histories = await Promise.all(people.map((id) => this.world.until(this.#history(id, chat))))
      for (const history of histories) expect(history.map(({ n }) => n)).toEqual(histories[0]?.map(({ n }) => n))
      for (const history of histories) expect(new Set(history.map(({ n }) => n)).size).toBe(history.length)
      for (const { by, outcome } of this.said.filter((each) => each.chat === chat)) {
        const [told] = outcome.changes
        const at = people.indexOf(by as (typeof PEOPLE)[number])
        const kept = histories[at]?.find(({ n }) => n === outcome.n)
        // Deleted since, for all, or there as he was told.
        if (kept) expect(kept.id).toBe(told?.pts)
        else expect(histories.every((history) => !history.some(({ n }) => n === outcome.n))).toBe(true)
      }
    }
    const numbers = this.said.map(({ chat, outcome }) => `${chat} ${outcome.n}`)
    expect(new Set(numbers).size).toBe(numbers.length)
  }

  async #history(id: number, chat: ChatId): Promise<{ n: number; id: number }[]> {
    const [low, high] = chat.slice(1).split('-').map(Number)
    const peer =
      chat === GROUP
        ? { kind: 'chat' as const, id: 5 }
        : { kind: 'user' as const, id: (low === id ? (high as number) : low) as number }
    const request = { peer, offsetId: 0, offsetDate: 0, addOffset: 0, limit: 100, maxId: 0, minId: 0 }
    const { messages } = await this.user(id).history(request)
    return messages.map((message) => ({ n: message.fact.n, id: message.id }))
  }
}

const body = (text: string): Uint8Array => encodeBody({ text })
const deed = fc.tuple(fc.nat(2), fc.nat(3), fc.nat(11), fc.nat(9))
const script = fc.array(fc.tuple(deed, fc.option(fc.nat(9), { freq: 4 })), { minLength: 5, maxLength: 40, size: 'max' })

describe('chats and boxes', () => {
  test('1 to 4 hold through crashes between any two writes', { timeout: 300_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 1_000_000 }), script, async (seed, deeds) => {
        const talk = new Conversation(seed)
        await talk.start()
        await talk.ask(() =>
          talk.chat(GROUP).create({ by: 1, op: 'r0', origin: ORIGIN, title: 'All', members: [2, 3] }),
        )
        for (const [each, crashAfter] of deeds) {
          if (crashAfter !== null) talk.world.crashAfter(crashAfter)
          await talk.do(each)
          if (talk.world.isUp) await talk.takePushes()
          await talk.glance(2)
        }
        await talk.check()
        await talk.world.stop()
      }),
      { numRuns: 12 },
    )
  })
})

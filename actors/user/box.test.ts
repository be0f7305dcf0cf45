/**
 * The heart of the account: for any requests, at any point, for devices of any age (invariants 3, 4):
 *
 * 1. old state + difference = refetched state, in slices of any size; pushed state too, without a hole or a repeat.
 * 2. What a restart, a crash, or a replay of the whole journal finds is what was there.
 * 3. The box holds what the chats delivered, each entry once, whatever is delivered again.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Ref } from '../../runtime/index.js'
import { settled } from '../../runtime/testing/index.js'
import type { Peer } from '../chat/chat-id.js'
import type { User } from './contract.js'
import { AccountHost, onlyJournals } from './testing/account.js'
import { Device, LiveDevice, refetch } from './testing/mirror.js'
import { ME, ORIGIN, text, World, type WorldChat } from './testing/world.js'

const RUNS = 150
const small = fc.nat({ max: 12 })

type StepName = Exclude<keyof Steps, 'host' | 'world' | 'devices' | 'live' | 'isAttached' | 'user' | 'peer' | 'begin'>
type Step = { readonly kind: StepName; readonly args: readonly number[] }

/** What may happen, by name. Arguments are small numbers that steps make of what they need. */
class Steps {
  readonly host = new AccountHost()
  readonly world = new World()
  readonly devices = [new Device(), new Device(), new Device()]
  live = new LiveDevice()
  isAttached = false
  #pushed = 0
  #written = 0

  get user(): Ref<User> {
    return this.host.account(ME)
  }

  async begin(): Promise<void> {
    await this.user.register({ phone: '15550001', profile: { firstName: 'Ada', lastName: '', about: '' } })
  }

  #now(): number {
    return this.host.clock.now()
  }

  peer(index: number): Peer {
    return this.world.chat(index).peer
  }

  async #say(chat: WorldChat, contents: Parameters<WorldChat['write']>[0], skip = 0): Promise<void> {
    chat.write(contents, this.#now(), skip)
    await chat.deliver(this.user, 0)
  }

  async post(at: number, from: number, reply: number, flags: number, skip: number) {
    const chat = this.world.chat(at)
    const isMine = from % 3 === 0 || chat.peer.id === ME
    await this.#say(
      chat,
      [
        {
          type: 'message',
          from: isMine ? ME : 7,
          body: text(`message ${this.#written++}`),
          ...(reply % 2 === 1 && { replyTo: chat.pick(reply) }),
          ...((flags & 1) !== 0 && !isMine && { mentioned: true }),
          ...((flags & 2) !== 0 && isMine && { clearDraft: true, op: `r${flags}` }),
          ...((flags & 4) !== 0 && { silent: true }),
        },
      ],
      skip % 3,
    )
  }

  async postMany(at: number, count: number, target: number) {
    const chat = this.world.chat(at)
    const body = text('one of many')
    const items = Array.from({ length: (count % 5) + 1 }, () => ({ type: 'message', from: 7, body }) as const)
    const [first] = chat.write(
      [...items, { type: 'react', target: chat.pick(target), reactions: [], recent: [] }],
      this.#now(),
    )
    chat.write([{ type: 'edit', target: first?.n ?? 0, body: text('edited at once'), mentioned: false }], this.#now())
    await chat.deliver(this.user, 0)
  }

  async edit(at: number, target: number, mentioned: number) {
    const chat = this.world.chat(at)
    const body = text(`edit ${this.#written++}`)
    await this.#say(chat, [{ type: 'edit', target: chat.pick(target), body, mentioned: mentioned % 2 === 1 }])
  }

  async delete(at: number, one: number, other: number) {
    const chat = this.world.chat(at)
    await this.#say(chat, [{ type: 'delete', targets: [chat.pick(one), chat.pick(other)] }])
  }

  async deleteHistory(at: number, upTo: number) {
    const chat = this.world.chat(at)
    await this.#say(chat, [{ type: 'deleteHistory', upTo: chat.pick(upTo) }])
  }

  async readInbox(at: number, upTo: number) {
    const chat = this.world.chat(at)
    await this.#say(chat, [{ type: 'readInbox', upTo: chat.pick(upTo) }])
  }

  async readOutbox(at: number, upTo: number) {
    const chat = this.world.chat(at)
    await this.#say(chat, [{ type: 'readOutbox', upTo: chat.pick(upTo) }])
  }

  async pin(at: number, one: number, other: number, pinned: number) {
    const chat = this.world.chat(at)
    await this.#say(chat, [{ type: 'pin', targets: [chat.pick(one), chat.pick(other)], pinned: pinned % 3 !== 0 }])
  }

  async react(at: number, target: number, count: number) {
    const chat = this.world.chat(at)
    const reactions = count === 0 ? [] : [{ reaction: '👍', count, mine: false }]
    await this.#say(chat, [{ type: 'react', target: chat.pick(target), reactions, recent: [] }])
  }

  async change(at: number) {
    await this.#say(this.world.chat(at), [{ type: 'groupChanged', what: 'about', version: at }])
  }

  async again(at: number, overlap: number) {
    await this.world.chat(at).deliver(this.user, overlap)
  }

  async gap(at: number) {
    const chat = this.world.chat(at)
    const w = await this.user.lane(chat.id)
    const item = { type: 'message', n: w + 2, atMs: this.#now(), from: 7, body: text('too early') } as const
    expect(await this.user.deliver({ chat: chat.id, after: w + 1, items: [item] })).toEqual({ taken: false, w })
  }

  async deleteOwn(at: number, one: number, two: number) {
    const chats = [this.world.chat(at), this.world.chat(at + 1)]
    const all = chats.flatMap(({ messages }) => messages)
    const ids = [one, two].flatMap((index) => all[index % Math.max(all.length, 1)]?.id ?? [])
    await this.user.deleteOwn({ ids: [...ids, 999_999], origin: ORIGIN })
    for (const chat of chats) chat.messages = chat.messages.filter(({ id }) => !ids.includes(id))
  }

  async clear(at: number, upTo: number, keepDialog: number) {
    const chat = this.world.chat(at)
    const maxId = upTo === 0 ? 0 : (chat.messages[upTo % Math.max(chat.messages.length, 1)]?.id ?? 0)
    await this.user.clearHistory({ peer: chat.peer, maxId, keepDialog: keepDialog % 2 === 0, origin: ORIGIN })
    chat.messages = chat.messages.filter(({ id }) => maxId > 0 && id > maxId)
  }

  async readMentions(at: number) {
    await this.user.readMentions({ peer: this.peer(at), origin: ORIGIN })
    for (const message of this.world.chat(at).messages) message.mention = false
  }

  async draft(at: number, replyTo: number) {
    const chat = this.world.chat(at)
    const request = { peer: chat.peer, origin: ORIGIN }
    // Nobody writes a draft for a group that he has not been in.
    if (chat.peer.kind === 'chat' && (await this.user.lane(chat.id)) === 0) return
    if (replyTo % 4 === 0) await this.user.saveDraft(request)
    else await this.user.saveDraft({ ...request, body: text(`draft ${this.#written++}`), replyTo })
  }

  async clearDrafts() {
    await this.user.clearDrafts({ origin: ORIGIN })
  }

  async pinDialog(at: number, pinned: number) {
    const request = { peer: this.peer(at), pinned: pinned % 3 !== 0, origin: ORIGIN }
    await this.user.pinDialog(request).catch(refusedWith('PEER_HISTORY_EMPTY'))
  }

  async reorder(one: number, other: number, force: number) {
    const order = [this.peer(one), this.peer(other)]
    const request = { order, force: force % 2 === 0, origin: ORIGIN }
    await this.user.reorderPinned(request).catch(refusedWith('PEER_HISTORY_EMPTY'))
  }

  async mark(at: number, unread: number) {
    const request = { peer: this.peer(at), unread: unread % 3 !== 0, origin: ORIGIN }
    await this.user.markDialog(request).catch(refusedWith('PEER_HISTORY_EMPTY'))
  }

  async people(who: number, what: number) {
    const user = 20 + (who % 3)
    const card = { firstName: `name ${what}`, lastName: '', phone: '' }
    if (what % 4 === 0) await this.user.setBlocked({ user, blocked: who % 2 === 0, origin: ORIGIN })
    else if (what % 4 === 1) await this.user.deleteContacts({ users: [user], origin: ORIGIN })
    else await this.user.putContacts({ contacts: [{ user, card }], origin: ORIGIN })
  }

  async pass(ms: number) {
    await this.host.clock.advance(ms * 137)
  }

  async attach() {
    if (this.isAttached && this.live.pts > 0) await this.pushes()
    const answer = await this.host.attach(ME, this.live.pts, this.live.ordinal)
    if (answer.following) await this.live.push(this.user, answer.following)
    else {
      const device = Object.assign(new Device(), {
        dialogs: this.live.dialogs,
        pinned: this.live.pinned,
        pts: this.live.pts,
      })
      Object.assign(device, { contacts: this.live.contacts, blocked: this.live.blocked })
      await device.catchUp(this.user, 3)
      Object.assign(this.live, device, { ordinal: 0 })
    }
    expect(this.live.pts).toBe(answer.pts)
    this.isAttached = true
    this.#pushed = this.host.pushed.length
  }

  /** Takes what was pushed since. */
  async pushes() {
    await settled()
    const frames = this.host.pushed.slice(this.#pushed)
    this.#pushed = this.host.pushed.length
    if (!this.isAttached) return
    for (const { afterPts, changes } of frames) {
      if (afterPts !== this.live.pts) throw new Error(`a frame after ${afterPts} at ${this.live.pts}`)
      await this.live.push(this.user, changes)
    }
    await this.#sees(this.live)
  }

  async restart() {
    const before = (await refetch(this.user)).shown()
    await this.pushes()
    await this.host.restart()
    this.isAttached = false
    expect((await refetch(this.user)).shown()).toEqual(before)
  }

  async crash() {
    const before = (await refetch(this.user)).shown()
    await this.pushes()
    await this.host.crash()
    this.isAttached = false
    expect((await refetch(this.user)).shown()).toEqual(before)
  }

  async slice(which: number, limit: number) {
    await this.#device(which).step(this.user, limit + 1)
  }

  async catchUp(which: number, limit: number) {
    const device = this.#device(which)
    await device.catchUp(this.user, limit % 2 === 0 ? limit + 1 : 1_000)
    await this.#sees(device)
  }

  #device(which: number): Device {
    return this.devices[which % this.devices.length] as Device
  }

  async #sees(device: { shown(): unknown }) {
    expect(device.shown()).toEqual((await refetch(this.user)).shown())
  }

  /** The box against the plain model, and against a replay of its whole journal. */
  async holds() {
    const { dialogs } = await this.user.dialogsOf(this.world.chats.map(({ peer }) => peer))
    for (const chat of this.world.chats) {
      const dialog = dialogs.find(({ peer }) => peer === chat.key)
      const { messages } = await this.user.search({ ...everything, peer: chat.peer, query: '', minDate: 0, maxDate: 0 })
      expect(messages.map(({ id }) => id)).toEqual(chat.messages.map(({ id }) => id).reverse())
      expect(messages.map(({ pinned }) => pinned ?? false)).toEqual(chat.messages.map(({ pinned }) => pinned).reverse())
      if (!dialog) continue
      expect(dialog).toMatchObject({ unread: chat.unread, readInboxMaxId: chat.readIn, readOutboxMaxId: chat.readOut })
      expect(dialog.unreadMentions).toBe(chat.messages.filter(({ mention }) => mention).length)
    }
    const { unread } = await this.user.boxState()
    expect(unread).toBe(this.world.chats.reduce((sum, chat) => sum + chat.unread, 0))
    const replayed = new AccountHost(onlyJournals(this.host.store))
    expect((await refetch(replayed.account(ME))).shown()).toEqual((await refetch(this.user)).shown())
    await replayed.stop()
  }
}

const everything = { offsetId: 0, offsetDate: 0, addOffset: 0, limit: 100, maxId: 0, minId: 0 }

function refusedWith(reason: string) {
  return (error: { details?: { reason?: string } }) => {
    if (error.details?.reason !== reason) throw error
  }
}

const arity: { readonly [Kind in StepName]: readonly [weight: number, args: number] } = {
  post: [12, 5],
  postMany: [3, 3],
  edit: [4, 3],
  delete: [3, 3],
  deleteHistory: [1, 2],
  readInbox: [4, 2],
  readOutbox: [2, 2],
  pin: [3, 4],
  react: [3, 3],
  change: [1, 1],
  again: [2, 2],
  gap: [1, 1],
  deleteOwn: [2, 3],
  clear: [1, 3],
  readMentions: [1, 1],
  draft: [4, 2],
  clearDrafts: [1, 0],
  pinDialog: [2, 2],
  reorder: [1, 3],
  mark: [2, 2],
  people: [2, 2],
  pass: [4, 1],
  attach: [2, 0],
  pushes: [3, 0],
  restart: [1, 0],
  crash: [1, 0],
  slice: [4, 2],
  catchUp: [3, 2],
  holds: [1, 0],
}

const step = fc.oneof(
  ...Object.entries(arity).map(([kind, [weight, args]]) => ({
    weight,
    arbitrary: fc.tuple(...Array.from({ length: args }, () => small)).map((values) => ({ kind, args: values }) as Step),
  })),
)

async function take(steps: Steps, { kind, args }: Step): Promise<void> {
  await (steps[kind] as (...values: readonly number[]) => Promise<void>).apply(steps, [...args])
}

describe('an account', () => {
  test('1, 2, 3: differences, pushes, restarts and repeats all lead to the same box', {
    timeout: 300_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 90, size: 'max' }), async (script) => {
        const steps = new Steps()
        await steps.begin()
        for (const each of script) await take(steps, each)
        await steps.pushes()
        await steps.attach()
        for (let device = 0; device < steps.devices.length; device++) await steps.catchUp(device, device * 5)
        await steps.holds()
        await steps.host.stop()
      }),
      { numRuns: RUNS },
    )
  })
})

/**
 * Holds the server to its invariants (docs/architecture.md) once everything is quiet.
 *
 * | number | what is checked |
 * |---|---|
 * | 1 order | in every box the messages of a chat stand in the order of the chat's log |
 * | 2 durability | what was acknowledged is in the log, and in the box of every member whom it concerns |
 * | 3 once | one sending is one entry, one box message a member, and every answer to it names the same |
 * | 4 contiguity | an account's numbers have no hole; every device, old or new, comes to what a new one fetches |
 * | 5 nothing early | every number that any client was ever told of is on the disk, as it was told |
 * | 7 bounds | queues and caches stayed within their limits (bounds.ts) |
 */
import { type ChatId, groupChat, privateChat } from '../actors/chat/chat-id.js'
import { Chat } from '../actors/chat/contract.js'
import { User } from '../actors/user/contract.js'
import { type ActorSystem, errorCode, type JournalEntry } from '../runtime/index.js'
import { ChatLog } from './chat-log.js'
import type { Device } from './device.js'
import { differences, type Replica, type ServerView } from './replica.js'
import { fetchAccount } from './server-view.js'
import { type StoredJournals, storedEntries, typeOf } from './stored-journals.js'
import type { World } from './world.js'

const MOST_REFUSALS = 100
const REFUSAL_PAUSE_MS = 20

export class Checker {
  readonly #world: World
  readonly #views = new Map<number, ServerView>()

  constructor(world: World) {
    this.#world = world
  }

  /** What devices have against what the server says; the server is quiet and answers. */
  async compareDevices(system: ActorSystem): Promise<void> {
    const chat = (id: ChatId) => system.ref(Chat, id)
    for (const user of this.#users) {
      const account = { user, me: system.ref(User, user), chat }
      this.#views.set(user, await this.#patiently(() => fetchAccount(account, this.#world.peers)))
    }
    for (const device of this.#world.devices) {
      this.#compare(device, device.replica, 'as it was kept up to date')
      if (!device.isSettled)
        this.#violated('invariant 4 (contiguity)', `${device.name} does not settle: ${device.unsettled}`)
      for (const [index, fossil] of device.fossils.entries()) {
        const from = fossil.pts
        await this.#catchUp(system, device.user, fossil, [1, 7, 1_000][index % 3] ?? 1)
        this.#compare(device, fossil, `from ${from} by difference`)
      }
    }
  }

  /** What is stored against what clients were told. */
  async compareStored(stored: StoredJournals): Promise<void> {
    for (const chat of this.#chats()) this.#checkChat(new ChatLog(chat, await storedEntries(stored, 'chat', chat)))
    for (const user of this.#users) this.#checkAccount(user, await storedEntries(stored, 'user', `${user}`))
    for (const broken of this.#world.brokenBounds) this.#violated('invariant 7 (bounds)', broken)
  }

  get #users(): number[] {
    return Array.from({ length: this.#world.settings.users }, (_, index) => index + 1)
  }

  *#chats(): Iterable<ChatId> {
    for (const one of this.#users) for (const other of this.#users) if (one <= other) yield privateChat(one, other)
    for (let id = 1; id <= this.#world.settings.groups; id++) yield groupChat(id)
  }

  async #catchUp(system: ActorSystem, user: number, replica: Replica, limit: number): Promise<void> {
    const me = system.ref(User, user)
    for (let slices = 0; slices < 10_000; slices++) {
      const { pts, date } = replica
      const difference = await this.#patiently(() => me.difference({ pts, date, limit, totalLimit: 1_000_000 }))
      if (difference.kind === 'tooLong') {
        this.#violated('invariant 5 (nothing early)', `account ${user} does not know pts ${pts} any more`)
        return
      }
      replica.takeDifference(difference)
      if (difference.kind !== 'slice') return
      if (replica.pts === pts && replica.date === date) break
    }
    this.#violated('invariant 4 (contiguity)', `the difference of account ${user} since ${replica.pts} has no end`)
  }

  /** Reads beside what timers still run in a node of tiny limits: refused, it asks again. */
  async #patiently<T>(read: () => Promise<T>): Promise<T> {
    for (let refusals = 0; ; refusals++) {
      try {
        return await read()
      } catch (error) {
        if (errorCode(error) !== 'OVERLOADED' || refusals === MOST_REFUSALS) throw error
        await this.#world.time.pause(REFUSAL_PAUSE_MS)
      }
    }
  }

  #compare(device: Device, replica: Replica, how: string): void {
    const view = this.#views.get(device.user)
    if (view === undefined) return
    for (const found of differences(replica, view)) {
      this.#violated('invariant 4 (contiguity)', `device ${device.name}, ${how}: ${found}`)
    }
  }

  #checkChat(log: ChatLog): void {
    const { ledger } = this.#world
    for (const [text, entries] of log.posts) {
      if (entries.length > 1) this.#violated('invariant 3 (once)', `${text} is entries ${entries} of ${log.chat}`)
    }
    for (const sending of ledger.sendings) {
      if (sending.chat !== log.chat) continue
      const { text, by, answers, refusal, dueAtMs } = sending
      for (const { n } of dueAtMs === undefined ? answers : []) {
        const entry = log.byNumber.get(n)
        if (entry?.by !== by || (entry.text !== undefined && entry.text !== text)) {
          this.#violated(
            'invariant 2 (durability)',
            `${text} was answered as ${n} of ${log.chat}, which is ${entry?.text}`,
          )
        }
      }
      const isIn = log.posts.has(text)
      // Of two callers one may be refused before the sender is let in again, and the other not.
      if (refusal !== undefined && answers.length === 0 && isIn) {
        this.#violated('invariant 3 (once)', `${text} was refused (${refusal}), and is in ${log.chat}`)
      }
    }
    this.#checkScheduled(log)
    for (const user of this.#users) this.#checkBox(user, log)
  }

  #checkScheduled({ chat, scheduled, waiting }: ChatLog): void {
    for (const { by, id } of this.#world.ledger.scheduled.filter((each) => each.chat === chat)) {
      if (scheduled.get(id) === by) continue
      this.#violated('invariant 2 (durability)', `account ${by} was told of ${id} as scheduled in ${chat}; it is not`)
    }
    for (const [id, dueAtMs] of waiting) {
      if (dueAtMs >= this.#world.time.now()) continue
      this.#violated('invariant 2 (durability)', `what is scheduled as ${id} in ${chat} was due at ${dueAtMs}`)
    }
  }

  #checkBox(user: number, log: ChatLog): void {
    const { chat } = log
    const view = this.#views.get(user)
    const here = [...(view?.messages ?? [])].filter(([, { fact }]) => fact.chat === chat).sort(([a], [b]) => a - b)
    const expected = log.boxes.get(user) ?? new Map()
    const found = new Set<number>()
    let before = 0
    for (const [id, { fact, body }] of here) {
      const { n } = fact
      if (n <= before) {
        const invariant = n === before || found.has(n) ? 'invariant 3 (once)' : 'invariant 1 (order)'
        this.#violated(invariant, `account ${user} has entry ${n} of ${chat} as ${id}, behind entry ${before}`)
      }
      before = n
      found.add(n)
      const wanted = expected.get(n)
      if (wanted === undefined)
        this.#violated(
          'invariant 2 (durability)',
          `account ${user} has ${body}, entry ${n} of ${chat}, which is not there`,
        )
      else if (wanted.text !== undefined && wanted.text !== body) {
        this.#violated(
          'invariant 1 (order)',
          `account ${user} has entry ${n} of ${chat} as ${body}, it says ${wanted.text}`,
        )
      }
      if (this.#deletedByOwner(user, chat, n, true)) {
        this.#violated('invariant 3 (once)', `account ${user} deleted entry ${n} of ${chat} and has it again`)
      }
    }
    for (const [n, { text, isDoubtful }] of expected) {
      if (found.has(n) || isDoubtful || this.#deletedByOwner(user, chat, n, false)) continue
      this.#violated('invariant 2 (durability)', `account ${user} lacks entry ${n} of ${chat}: ${text}`)
    }
  }

  #deletedByOwner(user: number, chat: ChatId, n: number, forSure: boolean): boolean {
    return this.#world.ledger.ownDeletions.some(
      (deletion) =>
        deletion.user === user &&
        deletion.chat === chat &&
        deletion.from <= n &&
        n <= deletion.upTo &&
        (deletion.isAnswered || !forSure),
    )
  }

  #checkAccount(user: number, entries: readonly JournalEntry[]): void {
    let head = { pts: 0, ordinal: 0 }
    const stored = new Map<string, string>()
    for (const entry of entries) {
      const { pts, ordinal, count, atMs } = entry
      const follows =
        count > 0 ? pts === head.pts + count && ordinal === 0 : pts === head.pts && ordinal === head.ordinal + 1
      if (!follows) {
        this.#violated(
          'invariant 4 (contiguity)',
          `account ${user}: ${pts}.${ordinal} follows ${head.pts}.${head.ordinal}`,
        )
      }
      head = { pts, ordinal }
      stored.set(`${pts}.${ordinal}`, `${typeOf(entry)} x${count} at ${atMs}`)
    }
    for (const [place, { what, where }] of this.#world.ledger.seenBy(user)) {
      if (stored.get(place) === what) continue
      this.#violated(
        'invariant 5 (nothing early)',
        `account ${user} was told ${what} as ${place} by ${where}; on the disk that is ${stored.get(place)}`,
      )
    }
  }

  #violated(invariant: string, what: string): void {
    this.#world.ledger.violated(invariant, what)
  }
}

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { groupChat, privateChat } from './chat-id.js'
import type { ChatFact } from './fact.js'
import { applyFact } from './fold.js'
import { groupOfInvite, newInviteHash } from './invite-hash.js'
import { operationHash } from './operation-hash.js'
import { RECEIPTS_AT_REST, RECEIPTS_EVICTED, RECEIPTS_IN_FOLD, WINDOW_MS } from './receipts.js'
import {
  type ChatState,
  concerns,
  countOf,
  emptyChat,
  everyoneConcerned,
  FORMER_MEMBERS,
  lastFor,
  recipientsOf,
} from './state.js'

const USERS = [1, 2, 3, 4, 5]

/** A group's log, with whom each entry concerned when it was appended. */
class Log {
  readonly state: ChatState = emptyChat(groupChat(5))
  readonly entries: { readonly n: number; readonly fact: ChatFact; readonly to: readonly number[] }[] = []
  #ops = 0

  constructor() {
    this.append({ type: 'post', by: 1, op: 'c', action: { type: 'create', title: 'T', users: [2] } })
  }

  append(fact: ChatFact): void {
    const pts = this.entries.length + countOf(fact)
    const to = [...recipientsOf(this.state, fact)]
    if (countOf(fact) > 0) this.entries.push({ n: pts, fact, to })
    applyFact(this.state, fact, { pts, ordinal: 0, count: countOf(fact), atMs: pts })
  }

  op(): string {
    return `o${++this.#ops}`
  }

  /** What a user asks for, as far as it makes sense now. */
  act(by: number, what: number, user: number): void {
    const { members } = this.state
    const op = this.op()
    if (what === 0 && members.has(by) && !members.has(user)) {
      this.append({ type: 'post', by, op, action: { type: 'add', users: [user] } })
    } else if (what === 1 && members.has(user)) {
      this.append({ type: 'post', by, op, action: { type: 'remove', user } })
    } else if (what === 2) this.append({ type: 'read', by, op, upTo: this.entries.length, to: [by, user] })
    else if (what === 3) this.append({ type: 'settled', by: 0, op: '' })
    else if (members.has(by)) this.append({ type: 'post', by, op })
  }
}

describe('the fold of a chat', () => {
  const acts = fc.array(fc.tuple(fc.constantFrom(...USERS), fc.nat(5), fc.constantFrom(...USERS)), { maxLength: 60 })

  it('remembers whom each entry concerned, whoever has left or come back since', () => {
    fc.assert(
      fc.property(acts, (list) => {
        const log = new Log()
        for (const [by, what, user] of list) log.act(by, what, user)
        for (const user of USERS) {
          const concerned = log.entries.filter(({ to }) => to.includes(user))
          const found = log.entries.filter(({ n, fact }) => concerns(log.state, user, n, fact))
          expect(found.map(({ n }) => n)).toEqual(concerned.map(({ n }) => n))
          const wasMember = concerned.some(({ fact }) => fact.type === 'post')
          if (!wasMember) continue
          expect(lastFor(log.state, user)).toBe(concerned.at(-1)?.n)
          expect(everyoneConcerned(log.state)).toContain(user)
        }
      }),
      { numRuns: 300 },
    )
  })

  it('keeps the newest receipts, and says which it lets go, and in which window', () => {
    const state = emptyChat(privateChat(1, 2))
    const total = RECEIPTS_IN_FOLD + RECEIPTS_EVICTED + 2
    const evicted: number[] = []
    const evictedNow = () => {
      for (const [key, first] of state.evicted) {
        expect(key).toBe(operationHash(1, `o${first}`) * 16)
        evicted.push(first)
      }
    }
    for (let n = 1; n <= total; n++) {
      const atMs = n === total ? WINDOW_MS : n
      applyFact(state, { type: 'post', by: 1, op: `o${n}` }, { pts: n, ordinal: 0, count: 1, atMs })
      evictedNow()
    }
    expect(state.receipts.size).toBe(RECEIPTS_IN_FOLD - RECEIPTS_EVICTED)
    expect(evicted).toEqual(Array.from({ length: 2 * RECEIPTS_EVICTED + 2 }, (_, i) => i + 1))
    expect(state.windows).toEqual([0, 1])
    expect(state.receipts.get(operationHash(1, `o${total}`) * 16)).toBe(total)
    applyFact(state, { type: 'settled', by: 0, op: '' }, { pts: total, ordinal: 1, count: 0, atMs: WINDOW_MS })
    evictedNow()
    expect(evicted).toEqual(Array.from({ length: total - RECEIPTS_AT_REST }, (_, i) => i + 1))
    expect([state.receipts.size, state.windows]).toEqual([RECEIPTS_AT_REST, [0, 1]])
  })

  it('forgets former members beyond a bound, those first whose stays are delivered', () => {
    const log = new Log()
    const leave = (user: number, delivered: readonly number[]) => {
      log.append({ type: 'post', by: 1, op: log.op(), action: { type: 'add', users: [user] } })
      log.append({ type: 'post', by: user, op: log.op(), action: { type: 'remove', user }, delivered })
    }
    leave(10, [])
    for (let user = 11; user < 11 + FORMER_MEMBERS; user++) leave(user, user === 11 ? [] : [user - 1])
    const former = log.state.group?.former
    expect(former?.size).toBe(FORMER_MEMBERS)
    // 10 is the oldest, and may still lack something.
    expect([former?.has(10), former?.has(11)]).toEqual([true, false])
  })
})

describe('hashes', () => {
  it('of operations differ, by the one who asks too', () => {
    const seen = new Set<number>()
    for (let by = 1; by <= 50; by++) for (let i = 0; i < 2_000; i++) seen.add(operationHash(by, `r${i.toString(16)}`))
    expect(seen.size).toBe(100_000)
  })

  it('of invite links name their group, and nothing else is one', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
        fc.uint8Array({ minLength: 11, maxLength: 11 }),
        (id, secret) => {
          const random = { bytes: () => Buffer.from(secret), int: () => 0 }
          const hash = newInviteHash(id, random)
          expect(hash).toMatch(/^[A-Za-z0-9_-]{24}$/)
          expect(groupOfInvite(hash)).toBe(id)
        },
      ),
    )
    for (const bad of ['', 'x', 'A'.repeat(24), '_'.repeat(24), `${'A'.repeat(23)}=`]) {
      expect(groupOfInvite(bad)).toBeUndefined()
    }
  })
})

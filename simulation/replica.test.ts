/** P1 to P4: what the simulation takes for a device has to be right, or it proves nothing. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type PeerKey, peerKey, privateChat } from '../actors/chat/chat-id.js'
import { encodeBody } from '../actors/message/body.js'
import type { BoxChange, BoxFact, MessageFact } from '../actors/user/changes.js'
import type { BoxMessage, Difference } from '../actors/user/contract.js'
import { differences, Replica, type ServerView } from './replica.js'

const ME = 1
const chat = privateChat(ME, 2)
const peer = peerKey({ kind: 'user', id: 2 })
const lane = { chat, n: 1 }
const body = (text: string) => encodeBody({ text })

const messageFact = (n: number, from = 2): MessageFact => {
  return { type: 'message', peer, chat, n, from, atMs: n * 1_000, out: from === ME, lane: { chat, n } }
}

/** An account's changes, one after the other, and what a device has that was told all of them in order. */
class Server {
  readonly changes: BoxChange[] = []
  readonly #texts = new Map<number, { text: string; editedAtMs?: number }>()
  #pts = 0
  #ordinal = 0

  get pts(): number {
    return this.#pts
  }

  #append(count: number, fact: BoxFact, text?: string): BoxChange {
    this.#ordinal = count > 0 ? 0 : this.#ordinal + 1
    this.#pts += count
    const at = { pts: this.#pts, ordinal: this.#ordinal, count, atMs: this.changes.length * 1_000 }
    const change = { ...at, fact, ...(text !== undefined && { body: body(text) }) }
    this.changes.push(change)
    return change
  }

  post(from = 2): BoxChange {
    const n = this.#pts + 1
    this.#texts.set(n, { text: `message ${n}` })
    return this.#append(1, messageFact(n, from), `message ${n}`)
  }

  edit(id: number): BoxChange {
    const known = this.#texts.get(id)
    const text = `edited at ${this.#pts + 1}`
    if (known) this.#texts.set(id, { text, editedAtMs: 7 })
    return this.#append(
      1,
      { type: 'edited', id, peer, chat, n: id, editedAtMs: 7, mentioned: false, supersedes: id, lane },
      text,
    )
  }

  delete(ids: readonly number[]): BoxChange {
    for (const id of ids) this.#texts.delete(id)
    const gone = { unread: 0, mentions: 0, pins: 0, top: { id: 0, n: 0, atMs: 0 }, blocks: [] }
    return this.#append(ids.length, { type: 'deleted', peer, ids, chat, ns: ids, ...gone })
  }

  read(maxId: number): BoxChange {
    return this.#append(1, { type: 'readInbox', peer, maxId, maxN: maxId, stillUnread: 0 })
  }

  draft(text: string): BoxChange {
    return this.#append(0, { type: 'draft', peer }, text)
  }

  mark(unread: boolean): BoxChange {
    return this.#append(0, { type: 'dialogMarked', peer, unread })
  }

  pinDialog(pinned: boolean): BoxChange {
    return this.#append(0, { type: 'dialogPinned', peer, pinned })
  }

  reorder(order: readonly PeerKey[]): BoxChange {
    return this.#append(0, { type: 'dialogsReordered', order })
  }

  /** As the account's actor tells one whose date is old: messages as they are now, the rest in order, about `limit` of them. */
  difference(pts: number, limit = Number.POSITIVE_INFINITY): Difference {
    const missed = this.changes.filter((change) => change.pts > pts || change.count === 0)
    let end = missed.length
    if (end > limit) {
      end = missed.findIndex((change, at) => at >= limit && change.count > 0 && change.pts - change.count > pts)
      if (end === -1) end = missed.length
    }
    const told = missed.slice(0, end)
    const next = missed[end]
    const state = { pts: next ? next.pts - next.count : this.#pts, atMs: 9_000 }
    if (missed.length === 0) return { kind: 'empty', ...state }
    return {
      kind: next ? 'slice' : 'full',
      ...state,
      messages: told.flatMap((change) => (change.fact.type === 'message' ? (this.#message(change.fact) ?? []) : [])),
      others: told.filter(({ fact }) => fact.type !== 'message' && !this.#isOfGone(fact)),
    }
  }

  /** The text of an edit in a difference is that of now; one of a message that is gone is not told. */
  #isOfGone(fact: BoxFact): boolean {
    return fact.type === 'edited' && (!this.#texts.has(fact.id) || this.#lastEdit(fact.id)?.fact !== fact)
  }

  #lastEdit(id: number): BoxChange | undefined {
    return this.changes.findLast(({ fact }) => fact.type === 'edited' && fact.id === id)
  }

  #message(fact: MessageFact): BoxMessage | undefined {
    const known = this.#texts.get(fact.n)
    if (!known) return undefined
    const { text, editedAtMs } = known
    return { id: fact.n, fact, body: body(text), ...(editedAtMs !== undefined && { editedAtMs }) }
  }

  /** What one has who heard everything. */
  get view(): ServerView {
    const whole = new Replica(ME)
    for (const change of this.changes) expect(whole.take(change)).not.toBe('gap')
    return viewOf(whole)
  }
}

function viewOf(replica: Replica): ServerView {
  const { pts, date, messages, talks, pinned, settings } = replica
  return {
    pts,
    date,
    messages,
    talks,
    pinned,
    settings,
    unread: new Map([...talks.keys()].map((key) => [key, replica.unread(key)])),
  }
}

describe('a numbered change', () => {
  test('is applied when it follows, dropped when it is known, held when there is a hole (P1)', () => {
    const server = new Server()
    const [first, second, third] = [server.post(), server.post(), server.post()]
    const replica = new Replica(ME)
    expect([first, first, third, second, third].map((change) => replica.take(change))).toEqual([
      'applied',
      'known',
      'gap',
      'applied',
      'applied',
    ])
    expect([...replica.messages.keys()]).toEqual([1, 2, 3])
  })

  test('that counts for several follows by all of them', () => {
    const server = new Server()
    const posts = [server.post(), server.post(), server.post()]
    const deletion = server.delete([1, 3])
    const after = server.post()
    const replica = new Replica(ME)
    for (const post of posts) replica.take(post)
    expect(replica.take(after)).toBe('gap')
    expect(replica.take(deletion)).toBe('applied')
    expect(replica.take(after)).toBe('applied')
    expect([...replica.messages.keys()]).toEqual([2, 6])
  })
})

describe('a change without a number', () => {
  test('waits for the pts that it stands under, and is taken once (P2)', () => {
    const server = new Server()
    const post = server.post()
    const draft = server.draft('one')
    const replica = new Replica(ME)
    expect(replica.take(draft)).toBe('gap')
    replica.take(post)
    expect([draft, draft].map((change) => replica.take(change))).toEqual(['applied', 'known'])
  })

  test('does not undo a newer one of the same thing, whatever the order in which they come', () => {
    const server = new Server()
    const [older, newer, other] = [server.draft('one'), server.draft('two'), server.mark(true)]
    const replica = new Replica(ME)
    expect([newer, older, other].map((change) => replica.take(change))).toEqual(['applied', 'known', 'applied'])
    expect(replica.talks.get(peer)).toMatchObject({ draft: 'two', marked: true })
  })

  test('that a difference or a new state has told already is known', () => {
    const server = new Server()
    server.post()
    const late = server.draft('one')
    server.post()
    const replica = new Replica(ME)
    replica.takeDifference(server.difference(0))
    expect(replica.take(late)).toBe('known')
    const fresh = new Replica(ME)
    fresh.adopt(server.view)
    expect(fresh.take(late)).toBe('known')
  })
})

describe('a difference', () => {
  test('tells what was missed before what is known already of the same thing (P4)', () => {
    const server = new Server()
    const other = peerKey({ kind: 'user', id: 3 })
    server.reorder([peer, other])
    const unpinned = server.pinDialog(false)
    const replica = new Replica(ME)
    replica.take(unpinned)
    replica.takeDifference(server.difference(0))
    expect(replica.pinned).toEqual([other])
    replica.take(server.pinDialog(true))
    replica.takeDifference({ kind: 'full', pts: 0, atMs: 9_000, messages: [], others: [unpinned] })
    expect(replica.pinned, 'what the difference does not reach is newer than it').toEqual([peer, other])
  })

  test('that is empty moves the date alone; one that is too long has nothing to take', () => {
    const replica = new Replica(ME)
    replica.takeDifference({ kind: 'empty', pts: 0, atMs: 5_999 })
    expect([replica.pts, replica.date]).toEqual([0, 5])
    expect(() => replica.takeDifference({ kind: 'tooLong', pts: 9, atMs: 1 })).toThrow(TypeError)
  })

  test('leads from slice to slice to the whole state', () => {
    const server = new Server()
    for (let i = 0; i < 5; i++) server.post()
    server.edit(2)
    server.draft('x')
    server.delete([1])
    server.read(4)
    const replica = new Replica(ME)
    const kinds: string[] = []
    do {
      const difference = server.difference(replica.pts, 2)
      kinds.push(difference.kind)
      replica.takeDifference(difference)
    } while (kinds.at(-1) === 'slice')
    expect(kinds).toEqual(['slice', 'slice', 'slice', 'slice', 'full'])
    expect(differences(replica, server.view)).toEqual([])
  })

  test('does not set back what was pushed while it was on its way', () => {
    const server = new Server()
    server.post()
    const early = server.difference(0)
    const replica = new Replica(ME)
    for (const change of [...server.changes, server.post()]) replica.take(change)
    replica.takeDifference(early)
    expect(replica.pts).toBe(2)
    expect([...replica.messages.keys()]).toEqual([1, 2])
  })
})

test('unread messages are the incoming ones above the cursor, and a cursor never goes back (P3)', () => {
  const server = new Server()
  for (const from of [2, ME, 2, 2]) server.post(from)
  server.read(3)
  server.read(1)
  const replica = new Replica(ME)
  for (const change of server.changes) replica.take(change)
  expect(replica.unread(peer as PeerKey)).toBe(1)
  replica.take(server.delete([4]))
  expect(replica.unread(peer as PeerKey)).toBe(0)
})

test('a difference between a device and the server is named, whatever it is', () => {
  const server = new Server()
  for (let i = 0; i < 3; i++) server.post()
  const device = () => {
    const replica = new Replica(ME)
    replica.adopt(server.view)
    return replica
  }
  expect(differences(device(), server.view)).toEqual([])
  const spoil: ((replica: Replica) => unknown)[] = [
    (replica) => replica.messages.delete(2),
    (replica) => Object.assign(replica.messages.get(1) as object, { body: 'other' }),
    (replica) => Object.assign(replica.messages.get(1) as object, { pinned: true }),
    (replica) => replica.pinned.push(peer),
  ]
  for (const each of spoil) {
    const replica = device()
    each(replica)
    expect(differences(replica, server.view)).toHaveLength(1)
  }
  const copy = device().copy()
  copy.messages.clear()
  expect(differences(device(), server.view)).toEqual([])
})

type Deed = readonly [what: keyof typeof deeds, a: number]
const deeds = {
  post: (server: Server, a: number) => server.post(a % 3 === 0 ? ME : 2),
  edit: (server: Server, a: number) => server.edit(1 + (a % (server.pts + 1))),
  delete: (server: Server, a: number) => server.delete([1 + (a % (server.pts + 1))]),
  read: (server: Server, a: number) => server.read(1 + (a % (server.pts + 1))),
  draft: (server: Server, a: number) => server.draft(`draft ${a}`),
  mark: (server: Server, a: number) => server.mark(a % 2 === 0),
  pinDialog: (server: Server, a: number) => server.pinDialog(a % 2 === 0),
}

/** What becomes of each push: it comes, is lost, comes twice, or late. */
const fate = fc.constantFrom('comes', 'comes', 'comes', 'lost', 'twice', 'late')

test('whatever is lost, repeated or late: with differences in between the device comes to the whole state', () => {
  const deed = fc.tuple(
    fc.constantFrom(...(Object.keys(deeds) as (keyof typeof deeds)[])),
    fc.nat(40),
  ) as fc.Arbitrary<Deed>
  const script = fc.array(fc.tuple(deed, fate, fc.option(fc.integer({ min: 1, max: 4 }), { freq: 4 })), {
    maxLength: 60,
    size: 'max',
  })
  fc.assert(
    fc.property(script, (steps) => {
      const server = new Server()
      const replica = new Replica(ME)
      const late: BoxChange[] = []
      for (const [[what, a], becomes, sliceLimit] of steps) {
        const change = deeds[what](server, a)
        if (becomes === 'late') late.push(change)
        else if (becomes !== 'lost')
          for (const again of becomes === 'twice' ? [1, 2] : [1]) if (again) replica.take(change)
        if (sliceLimit !== null) replica.takeDifference(server.difference(replica.pts, sliceLimit))
        if (a % 5 === 0) for (const each of late.splice(0)) replica.take(each)
      }
      for (let more = true; more; ) {
        const difference = server.difference(replica.pts, 3)
        replica.takeDifference(difference)
        more = difference.kind === 'slice'
      }
      for (const each of late) replica.take(each)
      expect(differences(replica, server.view)).toEqual([])
      expect(replica.pts).toBe(server.pts)
    }),
    { numRuns: 500 },
  )
})

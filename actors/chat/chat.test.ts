import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { itemOf } from '../testing/fake-box.js'
import { draft, ORIGIN, Talk } from '../testing/talk.js'
import { SERVICE_USER_ID } from '../user/contract.js'
import { groupChat, privateChat } from './chat-id.js'
import { Chat, type Outcome } from './contract.js'
import { REST_AFTER_MS } from './operation.js'

describe('posts', () => {
  it('answers with what the post changed in the sender’s box, and gives the other box its copy', async () => {
    const talk = await Talk.start()
    const chat = privateChat(1, 2)
    const outcome = await talk.say(chat, 1, 'hello')
    expect(outcome).toMatchObject({ n: 1, repeated: false })
    expect(outcome.changes.map(itemOf)).toMatchObject([{ n: 1, type: 'message', from: 1, origin: ORIGIN, op: 'r1' }])
    await talk.delivered(2, chat, 1)
    const [copy] = await talk.box(2, chat)
    expect(copy).toMatchObject({ n: 1, type: 'message', from: 1 })
    expect(copy).not.toHaveProperty('op')
    expect(copy).not.toHaveProperty('origin')
  })

  it('is one append in a chat with oneself, and none in the box that the service account lacks', async () => {
    const talk = await Talk.start()
    await talk.say(privateChat(1, 1), 1, 'note')
    expect(await talk.texts(1, privateChat(1, 1))).toEqual(['note'])
    const service = privateChat(1, SERVICE_USER_ID)
    const outcome = await talk.say(service, SERVICE_USER_ID, 'Login code: 12345')
    expect(outcome.changes).toEqual([])
    await talk.delivered(1, service, outcome.n)
    expect(await talk.texts(1, service)).toEqual(['Login code: 12345'])
    expect(await talk.texts(SERVICE_USER_ID, service)).toEqual([])
  })

  it('takes a list in one commit, in order, also with repeats among it', async () => {
    const talk = await Talk.start()
    const chat = privateChat(1, 2)
    await talk.say(chat, 1, 'first', 'a')
    const drafts = ['a', 'b', 'c', 'b'].map((op) => ({ op, body: Buffer.from(op) }))
    const outcomes = await talk.until(talk.chat(chat).post({ by: 1, origin: ORIGIN, drafts }))
    expect(outcomes.map(({ n, repeated }) => [n, repeated])).toEqual([
      [1, true],
      [2, false],
      [3, false],
      [2, false],
    ])
    await talk.delivered(2, chat, 3)
    expect(await talk.texts(2, chat)).toEqual(['first', 'b', 'c'])
  })

  it('a repeat gets the first outcome: at once, while the first is under way, after a crash, and after 1,000 others', async () => {
    const talk = await Talk.start()
    const chat = privateChat(1, 2)
    const both = [talk.chat(chat).post(draft(1, 'once', 'x')), talk.chat(chat).post(draft(1, 'once', 'x'))]
    const [[first], [second]] = (await talk.until(Promise.all(both))) as [[Outcome], [Outcome]]
    expect(second).toEqual({ ...first, repeated: true, changes: second.changes })
    expect(second.changes.map(({ pts }) => pts)).toEqual(first.changes.map(({ pts }) => pts))
    talk.world.crash()
    await talk.world.start()
    const again = await talk.say(chat, 1, 'once', 'x')
    expect(again).toMatchObject({ n: first.n, repeated: true })
    expect(again.changes.map(({ pts }) => pts)).toEqual(first.changes.map(({ pts }) => pts))
    for (let i = 0; i < 11; i++) {
      const drafts = Array.from({ length: 100 }, (_, j) => ({ op: `m${i}-${j}`, body: Buffer.from('.') }))
      await talk.until(talk.chat(chat).post({ by: 2, origin: ORIGIN, drafts }))
    }
    expect(await talk.say(chat, 1, 'once', 'x')).toMatchObject({ n: first.n, repeated: true })
    // Another sender's operation of the same name is another operation.
    expect(await talk.say(chat, 2, 'mine', 'x')).toMatchObject({ repeated: false })
  })

  it('of one who is blocked reach his own box only; the blocker himself may not write', async () => {
    const talk = await Talk.start()
    const chat = privateChat(1, 2)
    await talk.until(talk.chat(chat).setBlocked({ ...talk.asked(2), blocked: true }))
    await talk.say(chat, 1, 'unheard')
    expect(await talk.refused(talk.chat(chat).post(draft(2, 'no', 'q')))).toBe('YOU_BLOCKED_USER')
    expect(await talk.until(talk.chat(chat).audience({ by: 1 }))).toEqual([])
    await talk.until(talk.chat(chat).setBlocked({ ...talk.asked(2), blocked: false }))
    const heard = await talk.say(chat, 1, 'heard')
    await talk.delivered(2, chat, heard.n)
    expect(await talk.texts(1, chat)).toEqual(['unheard', 'heard'])
    expect(await talk.texts(2, chat)).toEqual(['heard'])
  })

  it('are refused to strangers and outside of bounds', async () => {
    const talk = await Talk.start()
    const chat = privateChat(1, 2)
    expect(await talk.refused(talk.chat(chat).post(draft(3, 'x', 'o')))).toBe('PEER_ID_INVALID')
    expect(await talk.refused(talk.chat(groupChat(9)).post(draft(3, 'x', 'o')))).toBe('PEER_ID_INVALID')
    expect(await talk.refused(talk.chat(chat).post(draft(1, '', 'o')))).toBe('MESSAGE_EMPTY')
    expect(await talk.refused(talk.chat(chat).post(draft(1, 'x'.repeat(65537), 'o')))).toBe('MESSAGE_TOO_LONG')
  })
})

describe('delivery', () => {
  it('a box that hangs or fails stops nobody else, and gets all in order when it is well again', async () => {
    const talk = await Talk.start()
    const chat = await talk.group(1, [2, 3, 4])
    talk.trouble.hang.add(2)
    talk.trouble.fail.add(3)
    for (let i = 0; i < 20; i++) await talk.say(chat, 1, `m${i}`)
    await talk.delivered(4, chat, 21)
    expect(await talk.texts(4, chat)).toHaveLength(20)
    talk.trouble.heal()
    await talk.delivered(2, chat, 21)
    await talk.delivered(3, chat, 21)
    expect(await talk.texts(2, chat)).toEqual(await talk.texts(4, chat))
    expect(await talk.texts(3, chat)).toEqual(await talk.texts(4, chat))
  })

  it('a box that takes a part gets the rest, and the answer waits for the whole', async () => {
    const talk = await Talk.start()
    const chat = privateChat(1, 2)
    talk.trouble.itemsATurn = 2
    const drafts = Array.from({ length: 7 }, (_, i) => ({ op: `m${i}`, body: Buffer.from(`${i}`) }))
    const outcomes = await talk.until(talk.chat(chat).post({ by: 1, origin: ORIGIN, drafts }))
    expect(outcomes.map(({ changes }) => changes.map((change) => itemOf(change).n))).toEqual(
      drafts.map((_, i) => [i + 1]),
    )
    await talk.delivered(2, chat, 7)
    expect(await talk.texts(2, chat)).toEqual(drafts.map((_, i) => `${i}`))
  })

  it('a box that looked on while others were concerned reads nothing back for its next entry (L7)', async () => {
    const talk = await Talk.start()
    const chat = privateChat(1, 2)
    await talk.say(chat, 1, 'first')
    // More than what is kept for lanes and what the runtime keeps of a journal; none concerns the other box.
    for (let i = 0; i < 150; i++) {
      const dueAtMs = talk.world.nowMs + 3_600_000
      const { n } = await talk.until(
        talk.chat(chat).schedule({ ...talk.asked(1), draft: { body: Buffer.from('later') }, dueAtMs }),
      )
      const [{ id = 0 } = {}] = await talk.until(talk.chat(chat).scheduled({ by: 1 }))
      await talk.until(talk.chat(chat).settleScheduled({ ...talk.asked(1), ids: [id], action: 'drop' }))
      expect(n).toBe(2 + 2 * i)
    }
    const { counters } = talk.world.storage
    const before = counters.reads
    talk.trouble.appends = 0
    const { n } = await talk.say(chat, 1, 'second')
    await talk.world.waitFor(() => talk.trouble.appends === 2)
    expect(counters.reads).toBe(before)
    await talk.delivered(2, chat, n)
    expect(await talk.texts(2, chat)).toEqual(['first', 'second'])
  })

  it('a box that refuses for good is passed over', async () => {
    const talk = await Talk.start()
    const chat = privateChat(1, 2)
    talk.trouble.refuse.add(2)
    await talk.say(chat, 1, 'to nobody')
    talk.trouble.heal()
    const { n } = await talk.say(chat, 1, 'to somebody')
    await talk.delivered(2, chat, n)
  })

  it('appends what became due meanwhile together', async () => {
    const talk = await Talk.start()
    const chat = privateChat(1, 2)
    await talk.say(chat, 1, 'warm')
    talk.trouble.appends = 0
    const posts = Array.from({ length: 50 }, (_, i) => talk.chat(chat).post(draft(1, `m${i}`, talk.op())))
    await talk.until(Promise.all(posts))
    await talk.delivered(2, chat, 51)
    expect(talk.trouble.appends).toBeLessThan(20)
  })

  it('goes to many boxes in pieces: others have their turn in between (L8)', async () => {
    const talk = await Talk.start()
    const chat = await talk.group(
      1,
      Array.from({ length: 150 }, (_, i) => i + 2),
    )
    await talk.world.clock.advance(1_000)
    const drafts = Array.from({ length: 8 }, (_, i) => draft(1, `m${i}`, talk.op()).drafts[0]!)
    talk.trouble.appends = 0
    const posted = talk.until(talk.chat(chat).post({ by: 1, origin: ORIGIN, drafts }))
    const seen = new Set<number>()
    const look = () => {
      seen.add(talk.trouble.appends)
      if (talk.trouble.appends < 151) setImmediate(look)
    }
    setImmediate(look)
    await posted
    await talk.world.waitFor(() => talk.trouble.appends >= 151)
    // 1,208 items are five pieces.
    expect(seen.size).toBeGreaterThanOrEqual(5)
  })

  it('after a crash the boxes get what they lack, and nobody has to call the chat', async () => {
    const talk = await Talk.start()
    const chat = await talk.group(1, [2, 3])
    talk.trouble.hang.add(2).add(3)
    await talk.say(chat, 1, 'a')
    await talk.say(chat, 1, 'b')
    talk.world.crash()
    talk.trouble.heal()
    await talk.world.start()
    await talk.delivered(2, chat, 3)
    await talk.delivered(3, chat, 3)
    expect(await talk.texts(2, chat)).toEqual(['a', 'b'])
    expect(await talk.texts(3, chat)).toEqual(['a', 'b'])
  })

  it('asks the boxes after a crash, and not when all was delivered and quiet before', async () => {
    const talk = await Talk.start()
    const chat = await talk.group(1, [2, 3])
    await talk.say(chat, 1, 'a')
    talk.world.crash()
    await talk.world.start()
    await talk.world.clock.advance(100)
    expect(talk.trouble.asked).toBe(3)
    await talk.world.clock.advance(2 * REST_AFTER_MS)
    talk.world.crash()
    talk.trouble.asked = 0
    await talk.world.start()
    await talk.until(talk.chat(chat).group({ viewer: 1 }))
    await talk.world.clock.advance(100)
    expect(talk.trouble.asked).toBe(0)
    const { n } = await talk.say(chat, 2, 'b')
    await talk.delivered(3, chat, n)
    expect(await talk.texts(3, chat)).toEqual(['a', 'b'])
  })

  it('finds what concerns a box behind many entries that do not', async () => {
    const talk = await Talk.start()
    const chat = privateChat(1, 2)
    await talk.until(talk.chat(chat).setBlocked({ ...talk.asked(2), blocked: true }))
    for (let i = 0; i < 250; i++) await talk.say(chat, 1, 'unheard')
    await talk.until(talk.chat(chat).setBlocked({ ...talk.asked(2), blocked: false }))
    talk.trouble.hang.add(2)
    const { n } = await talk.say(chat, 1, 'heard')
    talk.world.crash()
    talk.trouble.heal()
    await talk.world.start()
    await talk.delivered(2, chat, n)
    expect(await talk.texts(2, chat)).toEqual(['heard'])
  })

  it('former members get what happened up to their removal, and rejoined ones what happens after', async () => {
    const talk = await Talk.start()
    const chat = await talk.group(1, [2, 3])
    talk.trouble.hang.add(2)
    await talk.say(chat, 1, 'seen')
    await talk.until(talk.chat(chat).removeMember({ ...talk.asked(1), user: 2, revokeHistory: false }))
    await talk.say(chat, 1, 'unseen')
    await talk.until(talk.chat(chat).addMember({ ...talk.asked(1), user: 2 }))
    const { n } = await talk.say(chat, 1, 'seen again')
    talk.world.crash()
    talk.trouble.heal()
    await talk.world.start()
    await talk.delivered(2, chat, n)
    expect(await talk.texts(2, chat)).toEqual(['seen', 'seen again'])
    expect(await talk.texts(3, chat)).toEqual(['seen', 'unseen', 'seen again'])
  })
})

describe('crashes', () => {
  /** Posts, with repeats until it knows, while the node crashes by itself after some writes, again and again. */
  async function storm(seed: number, crashes: readonly number[], posts: number): Promise<void> {
    const talk = new Talk(seed)
    const { world } = talk
    await world.start()
    const chat = await talk.group(1, [2, 3])
    const left = [...crashes]
    const arm = () => {
      const writes = left.shift()
      if (writes !== undefined) world.crashAfter(writes)
    }
    arm()
    const senders = [1, 2, 3].map(async (by) => {
      for (let i = 0; i < posts; i++) {
        const op = `${by}-${i}`
        for (let answer: unknown; answer === undefined; ) {
          if (!world.isUp) {
            await new Promise<void>((resolve) => world.clock.setTimer(5, resolve))
            continue
          }
          const post = world.node.ref(Chat, chat).post(draft(by, `${by}-${i}`, op))
          const silence = new Promise<undefined>((resolve) => world.clock.setTimer(3_000, () => resolve(undefined)))
          answer = await Promise.race([post.catch(() => undefined), silence])
          if (answer === undefined) await new Promise<void>((resolve) => world.clock.setTimer(20, resolve))
        }
      }
    })
    let done = false
    const all = Promise.all(senders).then(() => {
      done = true
    })
    while (!done) {
      if (!world.isUp) {
        arm()
        await world.start().catch(() => undefined)
      }
      await world.clock.advance(2)
    }
    await all
    if (!world.isUp) await world.start()
    const last = 1 + 3 * posts
    for (const user of [1, 2, 3]) await talk.delivered(user, chat, last)
    const expected = (await talk.box(1, chat)).map(({ n }) => n)
    expect(expected).toEqual(Array.from({ length: last }, (_, i) => i + 1))
    for (const user of [2, 3]) expect((await talk.box(user, chat)).map(({ n }) => n)).toEqual(expected)
    const texts = await talk.texts(1, chat)
    expect(new Set(texts).size).toBe(texts.length)
    for (const user of [2, 3]) expect(await talk.texts(user, chat)).toEqual(texts)
  }

  it('after a crash between any two writes each box gets each entry once, in order', async () => {
    for (let writes = 0; writes < 24; writes++) await storm(writes + 1, [writes, writes % 3], 2)
  })

  it('the same under crashes at random', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1 }), fc.array(fc.nat(12), { maxLength: 6 }), (seed, crashes) =>
        storm(seed, crashes, 3),
      ),
      { numRuns: 25 },
    )
  })
})

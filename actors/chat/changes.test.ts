import { describe, expect, it } from 'vitest'
import { itemOf } from '../testing/fake-box.js'
import { draft, ORIGIN, Talk } from '../testing/talk.js'
import { type ChatId, privateChat } from './chat-id.js'
import type { Outcome } from './contract.js'
import { EDIT_WITHIN_MS, HISTORY_STEP } from './posting.js'

const PAIR = privateChat(1, 2)

async function lastOf(talk: Talk, user: number, chat: ChatId) {
  return (await talk.box(user, chat)).at(-1)
}

describe('edits', () => {
  const edit = (talk: Talk, by: number, target: number, text: string, op = talk.op()) =>
    talk.chat(PAIR).edit({ by, op, origin: ORIGIN, target, body: Buffer.from(text) })

  it('reach both boxes, and a repeat has the first outcome', async () => {
    const talk = await Talk.start()
    const { n } = await talk.say(PAIR, 1, 'helo')
    const first = await talk.until(edit(talk, 1, n, 'hello', 'e'))
    expect(first.changes.map(itemOf)).toMatchObject([{ type: 'edit', target: n, origin: ORIGIN }])
    expect(await talk.until(edit(talk, 1, n, 'hello', 'e'))).toMatchObject({ n: first.n, repeated: true })
    await talk.delivered(2, PAIR, first.n)
    expect(await lastOf(talk, 2, PAIR)).toMatchObject({ type: 'edit', target: n, mentioned: false })
  })

  it('are refused to others, of what is not there, unchanged, and after two days', async () => {
    const talk = await Talk.start()
    const { n } = await talk.say(PAIR, 1, 'text')
    expect(await talk.refused(edit(talk, 2, n, 'x'))).toBe('MESSAGE_AUTHOR_REQUIRED')
    expect(await talk.refused(edit(talk, 1, n + 1, 'x'))).toBe('MESSAGE_ID_INVALID')
    expect(await talk.refused(edit(talk, 1, n, 'text'))).toBe('MESSAGE_NOT_MODIFIED')
    await talk.until(edit(talk, 1, n, 'new'))
    expect(await talk.refused(edit(talk, 1, n, 'new'))).toBe('MESSAGE_NOT_MODIFIED')
    talk.world.clock.jump(EDIT_WITHIN_MS + 1)
    expect(await talk.refused(edit(talk, 1, n, 'late'))).toBe('MESSAGE_EDIT_TIME_EXPIRED')
  })

  it('of a message that a box still lacks come after it, each in its turn', async () => {
    const talk = await Talk.start()
    talk.trouble.hang.add(2)
    const { n } = await talk.say(PAIR, 1, 'one')
    await talk.until(edit(talk, 1, n, 'two'))
    await talk.until(edit(talk, 1, n, 'three'))
    talk.world.crash()
    talk.trouble.heal()
    await talk.world.start()
    await talk.delivered(2, PAIR, n + 2)
    const items = await talk.box(2, PAIR)
    expect(items.map(({ type }) => type)).toEqual(['message', 'edit'])
    const [, last] = items
    expect(last).toMatchObject({ n: n + 2 })
    expect(last?.type === 'edit' && Buffer.from(last.body).toString()).toBe('three')
  })
})

describe('deletions', () => {
  it('private: either party, anything; what was deleted is not there for edits, reactions and pins', async () => {
    const talk = await Talk.start()
    const { n } = await talk.say(PAIR, 1, 'gone')
    const outcome = await talk.until(talk.chat(PAIR).delete({ ...talk.asked(2), targets: [n, 99] }))
    expect(outcome.changes.map(itemOf)).toMatchObject([{ type: 'delete', targets: [n] }])
    const body = Buffer.from('x')
    expect(await talk.refused(talk.chat(PAIR).edit({ ...talk.asked(1), target: n, body }))).toBe('MESSAGE_ID_INVALID')
    const nothing = await talk.until(talk.chat(PAIR).delete({ ...talk.asked(2), targets: [n] }))
    expect(nothing).toMatchObject({ n: 0, changes: [] })
  })

  it('in groups: one’s own, admins anything', async () => {
    const talk = await Talk.start()
    const chat = await talk.group(1, [2, 3])
    const { n } = await talk.say(chat, 2, 'mine')
    expect(await talk.refused(talk.chat(chat).delete({ ...talk.asked(3), targets: [n] }))).toBe(
      'MESSAGE_DELETE_FORBIDDEN',
    )
    await talk.until(talk.chat(chat).delete({ ...talk.asked(1), targets: [n] }))
    const own = await talk.say(chat, 2, 'mine too')
    const outcome = await talk.until(talk.chat(chat).delete({ ...talk.asked(2), targets: [own.n] }))
    await talk.delivered(3, chat, outcome.n)
    expect(await lastOf(talk, 3, chat)).toMatchObject({ type: 'delete', targets: [own.n] })
  })

  it('of the history go in bounded steps, and leave nothing to edit; scheduled messages stay', async () => {
    const talk = await Talk.start()
    const dueAtMs = talk.world.nowMs + 3_600_000
    await talk.until(talk.chat(PAIR).schedule({ ...talk.asked(1), draft: { body: Buffer.from('later') }, dueAtMs }))
    let n = 0
    for (let i = 0; i < 12; i++) {
      const drafts = Array.from({ length: 100 }, (_, j) => ({ op: `m${i}-${j}`, body: Buffer.from('.') }))
      n = (await talk.until(talk.chat(PAIR).post({ by: 1, origin: ORIGIN, drafts }))).at(-1)?.n ?? 0
    }
    const first = await talk.until(talk.chat(PAIR).deleteHistory({ ...talk.asked(2), upTo: n }))
    expect(first).toMatchObject({ more: true })
    expect(first.changes.map(itemOf)).toMatchObject([{ type: 'deleteHistory', upTo: HISTORY_STEP }])
    const second = await talk.until(talk.chat(PAIR).deleteHistory({ ...talk.asked(2), upTo: n }))
    expect(second).toMatchObject({ more: false })
    const body = Buffer.from('x')
    expect(await talk.refused(talk.chat(PAIR).edit({ ...talk.asked(1), target: n, body }))).toBe('MESSAGE_ID_INVALID')
    const [scheduled] = await talk.until(talk.chat(PAIR).scheduled({ by: 1 }))
    expect(Buffer.from(scheduled?.draft.body ?? [])).toEqual(Buffer.from('later'))
  })
})

describe('reading', () => {
  const read = (talk: Talk, chat: ChatId, by: number, upTo: number) =>
    talk.until(talk.chat(chat).read({ ...talk.asked(by), upTo }))

  it('tells the reader, and the authors of what nobody had read before', async () => {
    const talk = await Talk.start()
    const chat = await talk.group(1, [2, 3])
    const one = await talk.say(chat, 1, 'from 1')
    const two = await talk.say(chat, 2, 'from 2')
    const first = await read(talk, chat, 3, one.n)
    expect(first.changes.map(itemOf)).toMatchObject([{ type: 'readInbox', upTo: one.n }])
    await talk.delivered(1, chat, first.n)
    expect(await lastOf(talk, 1, chat)).toMatchObject({ type: 'readOutbox', upTo: one.n })
    const second = await read(talk, chat, 1, two.n)
    await talk.delivered(2, chat, second.n)
    expect(await lastOf(talk, 2, chat)).toMatchObject({ type: 'readOutbox', upTo: two.n })
    const third = await read(talk, chat, 3, two.n)
    await talk.say(chat, 3, 'the end')
    await talk.delivered(1, chat, third.n + 1)
    // 2's message was read by 1 already, and 1's by 3: nobody but the reader hears of the third reading.
    for (const user of [1, 2]) expect((await talk.box(user, chat)).map(({ n }) => n)).not.toContain(third.n)
  })

  it('never goes back, and is clamped to what there is', async () => {
    const talk = await Talk.start()
    const { n } = await talk.say(PAIR, 1, 'x')
    expect(await read(talk, PAIR, 2, n + 100)).toMatchObject({ changes: [{ fact: { item: { upTo: n } } }] })
    expect(await read(talk, PAIR, 2, n)).toMatchObject({ n: 0, changes: [] })
  })

  it('is not told to one who is blocked or blocks', async () => {
    const talk = await Talk.start()
    const { n } = await talk.say(PAIR, 1, 'x')
    await talk.until(talk.chat(PAIR).setBlocked({ ...talk.asked(2), blocked: true }))
    await read(talk, PAIR, 2, n)
    await talk.say(PAIR, 1, 'y')
    expect((await talk.box(1, PAIR)).map(({ type }) => type)).toEqual(['message', 'message'])
  })
})

describe('reactions', () => {
  const react = (talk: Talk, by: number, target: number, reactions: readonly string[]) =>
    talk.chat(PAIR).react({ ...talk.asked(by), target, reactions })

  it('are one a user, counted for everyone, and each sees which is his', async () => {
    const talk = await Talk.start()
    const { n } = await talk.say(PAIR, 1, 'x')
    await talk.until(react(talk, 1, n, ['👍']))
    await talk.until(react(talk, 2, n, ['👍']))
    const outcome = await talk.until(react(talk, 2, n, ['🔥']))
    expect(outcome.changes.map(itemOf)).toMatchObject([
      {
        type: 'react',
        target: n,
        reactions: [
          { reaction: '👍', count: 1, mine: false },
          { reaction: '🔥', count: 1, mine: true },
        ],
        recent: [
          { user: 2, reaction: '🔥' },
          { user: 1, reaction: '👍' },
        ],
      },
    ])
    await talk.delivered(1, PAIR, outcome.n)
    expect(await lastOf(talk, 1, PAIR)).toMatchObject({ reactions: [{ mine: true }, { mine: false }] })
    const list = await talk.until(talk.chat(PAIR).reactions({ by: 1, target: n, offset: 0, limit: 1 }))
    expect(list).toMatchObject({ total: 2, items: [{ user: 2 }], nextOffset: 1 })
    await talk.until(react(talk, 2, n, []))
    const left = await talk.until(talk.chat(PAIR).reactions({ by: 1, target: n, offset: 0, limit: 10 }))
    expect(left).toMatchObject({ total: 1, items: [{ user: 1, reaction: '👍' }] })
  })

  it('are refused where they make no sense', async () => {
    const talk = await Talk.start()
    const { n } = await talk.say(PAIR, 1, 'x')
    expect(await talk.refused(react(talk, 1, n, ['👍', '🔥']))).toBe('REACTIONS_TOO_MANY')
    expect(await talk.refused(react(talk, 1, n, ['']))).toBe('REACTION_INVALID')
    expect(await talk.refused(react(talk, 1, n + 5, ['👍']))).toBe('MESSAGE_ID_INVALID')
    expect(await talk.refused(react(talk, 3, n, ['👍']))).toBe('PEER_ID_INVALID')
  })
})

describe('pins', () => {
  const pin = (talk: Talk, chat: ChatId, by: number, target: number, over: object = {}) =>
    talk.chat(chat).pin({ ...talk.asked(by), target, pinned: true, silent: false, onlyForMe: false, ...over })

  it('are many, told by a service message, and unpinned one by one or all', async () => {
    const talk = await Talk.start()
    const one = await talk.say(PAIR, 1, 'a')
    const two = await talk.say(PAIR, 2, 'b')
    const pinned = await talk.until(pin(talk, PAIR, 1, one.n))
    expect(pinned.changes.map(itemOf)).toMatchObject([
      { type: 'pin', targets: [one.n], pinned: true },
      { type: 'message', action: { type: 'pin', target: one.n } },
    ])
    await talk.until(pin(talk, PAIR, 2, two.n))
    expect(await talk.refused(pin(talk, PAIR, 2, two.n))).toBe('CHAT_NOT_MODIFIED')
    const outcome = await talk.until(talk.chat(PAIR).unpinAll(talk.asked(1)))
    expect(outcome).toMatchObject({ more: false })
    expect(outcome.changes.map(itemOf)).toMatchObject([{ type: 'pin', targets: [one.n, two.n], pinned: false }])
    expect(await talk.refused(pin(talk, PAIR, 1, one.n, { pinned: false }))).toBe('CHAT_NOT_MODIFIED')
  })

  it('for oneself stay with oneself', async () => {
    const talk = await Talk.start()
    const { n } = await talk.say(PAIR, 1, 'a')
    const outcome = await talk.until(pin(talk, PAIR, 2, n, { onlyForMe: true }))
    expect(outcome.changes.map(itemOf)).toMatchObject([{ type: 'pin', targets: [n] }])
    await talk.say(PAIR, 2, 'b')
    expect((await talk.box(1, PAIR)).map(({ type }) => type)).not.toContain('pin')
    const all = await talk.until(talk.chat(PAIR).unpinAll(talk.asked(2)))
    expect(all.changes.map(itemOf)).toMatchObject([{ type: 'pin', targets: [n], pinned: false }])
  })

  it('in groups are the admins’', async () => {
    const talk = await Talk.start()
    const chat = await talk.group(1, [2])
    const { n } = await talk.say(chat, 2, 'a')
    expect(await talk.refused(pin(talk, chat, 2, n))).toBe('CHAT_ADMIN_REQUIRED')
    await talk.until(pin(talk, chat, 1, n))
    expect(await talk.until(talk.chat(chat).group({ viewer: 2 }))).toMatchObject({ pinned: n })
  })
})

describe('scheduled messages', () => {
  const HOUR_MS = 3_600_000
  const schedule = (talk: Talk, by: number, text: string, inMs = HOUR_MS) =>
    talk.chat(PAIR).schedule({
      ...talk.asked(by),
      draft: { body: Buffer.from(text), silent: true },
      dueAtMs: talk.world.nowMs + inMs,
    })
  const sentOf = (outcomes: readonly Outcome[]) => outcomes.flatMap(({ changes }) => changes.map(itemOf))

  it('are the author’s alone until they are due, and posted once, also across a crash', async () => {
    const talk = await Talk.start()
    const outcome = await talk.until(schedule(talk, 1, 'later'))
    expect(outcome.changes.map(itemOf)).toMatchObject([{ type: 'schedule', id: 1 }])
    await talk.until(schedule(talk, 1, 'later still', 2 * HOUR_MS))
    expect(await talk.until(talk.chat(PAIR).scheduled({ by: 1 }))).toHaveLength(2)
    expect(await talk.until(talk.chat(PAIR).scheduled({ by: 2 }))).toEqual([])
    talk.world.crash()
    await talk.world.start()
    await talk.world.clock.advance(HOUR_MS + 1_000)
    expect(await talk.texts(2, PAIR)).toEqual(['later'])
    talk.world.crash()
    await talk.world.start()
    await talk.world.clock.advance(HOUR_MS + 1_000)
    expect(await talk.texts(2, PAIR)).toEqual(['later', 'later still'])
    const own = await talk.box(1, PAIR)
    expect(own.map(({ type }) => type)).toEqual([
      'schedule',
      'schedule',
      'message',
      'unschedule',
      'message',
      'unschedule',
    ])
    expect(own[2]).toMatchObject({ fromScheduled: true, silent: true })
    expect(own[3]).toMatchObject({ ids: [1], sent: [own[2]?.n] })
  })

  it('of an account that was deleted meanwhile are dropped', async () => {
    const talk = await Talk.start()
    await talk.until(schedule(talk, 1, 'from the grave'))
    await talk.until(schedule(talk, 2, 'alive'))
    talk.trouble.closed.add(1)
    await talk.world.clock.advance(HOUR_MS + 1_000)
    expect(await talk.texts(2, PAIR)).toEqual(['alive'])
    const left = (await talk.box(1, PAIR)).filter(({ type }) => type === 'unschedule')
    expect(left).toMatchObject([{ ids: [1] }])
    expect(await talk.until(talk.chat(PAIR).scheduled({ by: 1 }))).toEqual([])
  })

  it('are sent at once or dropped on demand, and a repeat has the first outcome', async () => {
    const talk = await Talk.start()
    for (const text of ['a', 'b', 'c']) await talk.until(schedule(talk, 1, text))
    const settle = (ids: readonly number[], action: 'post' | 'drop', op: string) =>
      talk.until(talk.chat(PAIR).settleScheduled({ by: 1, op, origin: ORIGIN, ids, action }))
    const posted = await settle([1, 3], 'post', 'p')
    expect(sentOf(posted).map(({ type }) => type)).toEqual(['message', 'message', 'unschedule'])
    const again = await settle([1, 3], 'post', 'p')
    expect(again.map(({ n }) => n)).toEqual(posted.map(({ n }) => n))
    expect(again.every(({ repeated }) => repeated)).toBe(true)
    expect(sentOf(await settle([2], 'drop', 'd'))).toMatchObject([{ type: 'unschedule', ids: [2] }])
    expect(await talk.until(talk.chat(PAIR).scheduled({ by: 1 }))).toEqual([])
    await talk.world.clock.advance(2 * HOUR_MS)
    expect(await talk.texts(2, PAIR)).toEqual(['a', 'c'])
  })

  it('take another time and another text under the same id, and are sent as they are then, once', async () => {
    const talk = await Talk.start()
    await talk.until(schedule(talk, 1, 'first'))
    await talk.until(schedule(talk, 1, 'second'))
    const inMs = (ms: number) => talk.world.nowMs + ms
    const change = { ...talk.asked(1), id: 1, dueAtMs: inMs(2 * HOUR_MS), body: Buffer.from('changed') }
    const outcome = await talk.until(talk.chat(PAIR).reschedule(change))
    expect(outcome.changes.map(itemOf)).toMatchObject([{ type: 'schedule', id: 1, dueAtMs: change.dueAtMs }])
    const again = await talk.until(talk.chat(PAIR).reschedule(change))
    expect([again.n, again.repeated]).toEqual([outcome.n, true])
    await talk.until(talk.chat(PAIR).reschedule({ ...talk.asked(1), id: 2, dueAtMs: inMs(3 * HOUR_MS) }))
    const listed = await talk.until(talk.chat(PAIR).scheduled({ by: 1 }))
    expect(
      listed.map(({ id, edited, draft }) => [id, edited, Buffer.from(draft.body).toString(), draft.silent]),
    ).toEqual([
      [1, true, 'changed', true],
      [2, true, 'second', true],
    ])
    talk.world.crash()
    await talk.world.start()
    await talk.world.clock.advance(HOUR_MS + 1_000)
    expect(await talk.texts(2, PAIR)).toEqual([])
    await talk.world.clock.advance(HOUR_MS)
    expect(await talk.texts(2, PAIR)).toEqual(['changed'])
    await talk.world.clock.advance(HOUR_MS)
    expect(await talk.texts(2, PAIR)).toEqual(['changed', 'second'])
  })

  it('are moved to an earlier time too, and a new one does not take the id of one that was changed', async () => {
    const talk = await Talk.start()
    await talk.until(schedule(talk, 1, 'late', 5 * HOUR_MS))
    await talk.until(schedule(talk, 1, 'next', 5 * HOUR_MS))
    const soon = talk.world.nowMs + 60_000
    await talk.until(talk.chat(PAIR).reschedule({ ...talk.asked(1), id: 1, dueAtMs: soon }))
    const third = await talk.until(schedule(talk, 1, 'third', 5 * HOUR_MS))
    expect(third.changes.map(itemOf)).toMatchObject([{ id: 3 }])
    await talk.world.clock.advance(61_000)
    expect(await talk.texts(2, PAIR)).toEqual(['late'])
  })

  it('are changed by their author alone, to something else, and while they wait', async () => {
    const talk = await Talk.start()
    await talk.until(schedule(talk, 1, 'mine'))
    const dueAtMs = talk.world.nowMs + 2 * HOUR_MS
    const change = (by: number, more: object = {}) =>
      talk.refused(talk.chat(PAIR).reschedule({ ...talk.asked(by), id: 1, dueAtMs, ...more }))
    expect(await change(2)).toBe('MESSAGE_ID_INVALID')
    expect(await change(3)).toBe('PEER_ID_INVALID')
    expect(await change(1, { id: 2 })).toBe('MESSAGE_ID_INVALID')
    expect(await change(1, { dueAtMs: dueAtMs + 400 * 24 * HOUR_MS })).toBe('SCHEDULE_DATE_TOO_LATE')
    expect(await change(1, { body: Buffer.alloc(0) })).toBe('MESSAGE_EMPTY')
    expect(await change(1)).toBe(undefined)
    expect(await change(1)).toBe('MESSAGE_NOT_MODIFIED')
    expect(await change(1, { body: Buffer.from('mine') })).toBe('MESSAGE_NOT_MODIFIED')
    await talk.world.clock.advance(3 * HOUR_MS)
    expect(await change(1, { dueAtMs: dueAtMs + 5 * HOUR_MS })).toBe('MESSAGE_ID_INVALID')
    expect(await talk.texts(2, PAIR)).toEqual(['mine'])
  })

  it('are refused beyond a hundred, and to strangers', async () => {
    const talk = await Talk.start()
    for (let i = 0; i < 100; i++) await talk.until(schedule(talk, 1, 'x'))
    expect(await talk.refused(schedule(talk, 1, 'x'))).toBe('SCHEDULE_TOO_MUCH')
    expect(await talk.refused(schedule(talk, 3, 'x'))).toBe('PEER_ID_INVALID')
    expect(await talk.refused(schedule(talk, 2, 'x', 400 * 24 * HOUR_MS))).toBe('SCHEDULE_DATE_TOO_LATE')
  })
})

describe('groups', () => {
  it('mention only members, and the author who is replied to', async () => {
    const talk = await Talk.start()
    const chat = await talk.group(1, [2, 3])
    const { n } = await talk.say(chat, 3, 'hey')
    const post = {
      ...draft(1, 'x', 'm'),
      drafts: [{ op: 'm', body: Buffer.from('x'), mentions: [2, 9, 1], replyTo: n }],
    }
    const [outcome] = await talk.until(talk.chat(chat).post(post))
    for (const user of [2, 3]) {
      await talk.delivered(user, chat, outcome?.n ?? 0)
      expect(await lastOf(talk, user, chat)).toMatchObject({ mentioned: true, replyTo: n })
    }
    expect(await lastOf(talk, 1, chat)).not.toHaveProperty('mentioned')
  })
})

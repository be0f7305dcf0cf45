/** CORE D1 and D3 at the box, and what may be left of a message that is gone. */
import { describe, expect, test } from 'vitest'
import { refusalReason } from '../../runtime/index.js'
import type { BoxChange } from './changes.js'
import type { LaneItem } from './contract.js'
import { limits } from './limits.js'
import { AccountHost } from './testing/account.js'
import { ME, ORIGIN, text, World } from './testing/world.js'

const at = 1_700_000_000_000
const posted = (n: number, more: Partial<Extract<LaneItem, { type: 'message' }>> = {}): LaneItem => ({
  type: 'message',
  n,
  atMs: at,
  from: 7,
  body: text(`message ${n}`),
  ...more,
})

function box() {
  const host = new AccountHost()
  return { host, user: host.account(ME), chat: new World().chat(0) }
}

describe('a lane', () => {
  test('refuses a gap, and says how far the box is', async () => {
    const { user, chat } = box()
    expect(await user.deliver({ chat: chat.id, after: 0, items: [posted(1)] })).toMatchObject({ taken: true, w: 1 })
    expect(await user.deliver({ chat: chat.id, after: 2, items: [posted(3)] })).toEqual({ taken: false, w: 1 })
    expect(await user.lane(chat.id)).toBe(1)
    expect((await user.boxState()).pts).toBe(1)
  })

  test('takes an entry once, and answers a repeat with its first change', async () => {
    const { host, user, chat } = box()
    const mine = posted(1, { from: ME, op: 'r1', origin: ORIGIN })
    const first = await user.deliver({ chat: chat.id, after: 0, items: [mine] })
    await user.deliver({ chat: chat.id, after: 1, items: [posted(2), posted(3)] })
    for (const again of [0, 1, 2]) {
      const repeat = await host.account(ME).deliver({ chat: chat.id, after: 0, items: [mine] })
      expect(repeat).toMatchObject({ taken: true, w: 3 })
      if (!first.taken || !repeat.taken) throw new Error('not taken')
      expect(repeat.changes.map(({ n, changes }) => [n, changes.map(plain)])).toEqual([
        [1, first.changes[0]?.changes.map(plain)],
      ])
      if (again === 0) await host.restart()
      if (again === 1) await host.crash()
    }
  })

  test('answers a repeat of a message that cleared a draft with that, too: its sender is told of it in no other way', async () => {
    const { user, chat } = box()
    await user.deliver({ chat: chat.id, after: 0, items: [posted(1)] })
    await user.saveDraft({ peer: chat.peer, body: text('draft'), origin: ORIGIN })
    const items = [posted(2, { from: ME, op: 'r1', origin: ORIGIN, clearDraft: true })]
    const first = await user.deliver({ chat: chat.id, after: 1, items })
    await user.saveDraft({ peer: chat.peer, body: text('another'), origin: ORIGIN })
    const repeat = await user.deliver({ chat: chat.id, after: 1, items })
    if (!first.taken || !repeat.taken) throw new Error('not taken')
    expect(first.changes[0]?.changes.map(({ fact }) => fact.type)).toEqual(['message', 'draft'])
    expect(repeat.changes[0]?.changes.map(plain)).toEqual(first.changes[0]?.changes.map(plain))
  })

  test('tells the session that read of the mark that went with it by a push, too: a repeat would not have it', async () => {
    const { host, user, chat } = box()
    await user.deliver({ chat: chat.id, after: 0, items: [posted(1)] })
    await user.markDialog({ peer: chat.peer, unread: true, origin: ORIGIN })
    await host.attach(ME, 1, 1)
    const read: LaneItem = { type: 'readInbox', n: 2, atMs: at, upTo: 1, origin: ORIGIN }
    await user.deliver({ chat: chat.id, after: 1, items: [read] })
    const told = host.pushed.flatMap(({ changes }) => changes.map(({ fact, origin }) => [fact.type, origin]))
    expect(told).toEqual([
      ['dialogMarked', undefined],
      ['readInbox', ORIGIN],
    ])
  })

  test('answers repeats of entries that made no message, and of messages that are gone', async () => {
    const { user, chat } = box()
    const items: LaneItem[] = [
      posted(1),
      posted(2, { from: ME, op: 'r2' }),
      { type: 'edit', n: 3, atMs: at, target: 1, body: text('edited'), mentioned: false },
      { type: 'delete', n: 4, atMs: at, targets: [2] },
      { type: 'readInbox', n: 5, atMs: at, upTo: 1 },
      { type: 'readInbox', n: 6, atMs: at, upTo: 1 },
      posted(7),
    ]
    await user.deliver({ chat: chat.id, after: 0, items })
    const repeat = await user.deliver({ chat: chat.id, after: 0, items })
    if (!repeat.taken) throw new Error('not taken')
    const told = repeat.changes.map(({ changes }) => changes.map(({ pts, fact }) => [pts, fact.type]))
    const first = [[1, 'message']]
    expect(told).toEqual([
      first,
      [[2, 'message']],
      [[3, 'edited']],
      [[4, 'deleted']],
      [[5, 'readInbox']],
      [],
      [[6, 'message']],
    ])
  })

  test('names by own ids what the chat names by entries, also within one delivery', async () => {
    const { user, chat } = box()
    await user.deliver({ chat: chat.id, after: 0, items: [posted(4), posted(9)] })
    const items: LaneItem[] = [
      posted(12, { replyTo: 9 }),
      posted(13, { replyTo: 12 }),
      posted(14, { replyTo: 1 }),
      posted(15, { action: { type: 'pin', target: 13 } }),
    ]
    await user.deliver({ chat: chat.id, after: 9, items })
    const facts = (await user.messages([3, 4, 5, 6])).map((message) => message?.fact)
    expect(facts.map((fact) => fact?.replyTo)).toEqual([2, 3, undefined, undefined])
    expect(facts[3]?.pinnedId).toBe(4)
  })

  test('clears the draft of the dialog that one sends into, as a change right after the message', async () => {
    const { user, chat } = box()
    await user.saveDraft({ peer: chat.peer, body: text('to be said'), origin: ORIGIN })
    const said = posted(1, { from: ME, clearDraft: true })
    const answer = await user.deliver({ chat: chat.id, after: 0, items: [said] })
    if (!answer.taken) throw new Error('not taken')
    const told = answer.changes[0]?.changes.map(({ pts, ordinal, fact }) => [pts, ordinal, fact.type])
    expect(told).toEqual([
      [1, 0, 'message'],
      [1, 1, 'draft'],
    ])
    expect(await user.drafts()).toEqual([])
  })

  test('a scheduled message clears the draft that it was, and its text is not kept here', async () => {
    const { user, chat } = box()
    await user.saveDraft({ peer: chat.peer, body: text('to be said'), origin: ORIGIN })
    const item = { n: 1, atMs: 1, type: 'schedule', id: 1, dueAtMs: 60_000, clearDraft: true } as const
    const answer = await user.deliver({ chat: chat.id, after: 0, items: [item] })
    if (!answer.taken) throw new Error('not taken')
    const told = answer.changes[0]?.changes.map(({ fact, body }) => [fact.type, body])
    expect(told).toEqual([
      ['draft', undefined],
      ['scheduled', undefined],
    ])
    expect(await user.drafts()).toEqual([])
    expect(answer.w).toBe(1)
  })

  test('names its ids of what others name by entries', async () => {
    const { user, chat } = box()
    await user.deliver({ chat: chat.id, after: 0, items: [posted(4), posted(9)] })
    expect(await user.idsAt({ chat: chat.id, entries: [9, 5, 4] })).toEqual([2, undefined, 1])
  })

  test('deletes a long history in pieces, and says when the rest is to be sent again', async () => {
    const { user, chat } = box()
    const total = 2_300
    for (let n = 0; n < total; n += 100) {
      const items = Array.from({ length: 100 }, (_, index) => posted(n + index + 1))
      await user.deliver({ chat: chat.id, after: n, items })
    }
    const erase: LaneItem = { type: 'deleteHistory', n: total + 1, atMs: at, upTo: total - 10 }
    const answer = await user.deliver({ chat: chat.id, after: total, items: [erase] })
    if (!answer.taken) throw new Error('not taken')
    const counts = answer.changes[0]?.changes.map(({ count }) => count)
    expect(counts).toEqual([1_000, 1_000, 290])
    expect((await user.boxState()).pts).toBe(total + 2_290)
    const { dialogs } = await user.dialogsOf([chat.peer])
    expect(dialogs).toMatchObject([{ topId: total, unread: 10 }])
    expect(await user.difference({ pts: total, date: 0, limit: 2, totalLimit: 9_999 })).toMatchObject({
      kind: 'slice',
      pts: total + 2_000,
    })
  })

  test('leaves what does not fit into one commit to the next delivery', async () => {
    const { user, chat } = box()
    const body = new Uint8Array(1_000_000)
    const items = Array.from({ length: 7 }, (_, index) => posted(index + 1, { body }))
    const answer = await user.deliver({ chat: chat.id, after: 0, items })
    expect(answer).toMatchObject({ taken: true, w: 5 })
    expect(await user.deliver({ chat: chat.id, after: 5, items: items.slice(5) })).toMatchObject({ taken: true, w: 7 })
  })
})

describe('a message that is gone', () => {
  test('leaves no text in the journal or the rows, nor does one that was edited (CORE J1)', async () => {
    const { host, user, chat } = box()
    const secret = 'a secret that is taken back'
    const items: LaneItem[] = [
      posted(1, { body: text(`${secret} first`) }),
      { type: 'edit', n: 2, atMs: at, target: 1, body: text(`${secret} second`), mentioned: false },
      { type: 'edit', n: 3, atMs: at, target: 1, body: text(`${secret} third`), mentioned: false },
      posted(4, { body: text(`${secret} of an edit`) }),
      { type: 'edit', n: 5, atMs: at, target: 4, body: text('harmless'), mentioned: false },
    ]
    await user.deliver({ chat: chat.id, after: 0, items })
    await host.restart()
    const erase: LaneItem = { type: 'delete', n: 6, atMs: at, targets: [1] }
    await host.account(ME).deliver({ chat: chat.id, after: 5, items: [erase] })
    expect(await host.account(ME).messages([1])).toEqual([undefined])
    // Erasures are written with the next checkpoint: it is due after so many entries.
    const more = Array.from({ length: 12 }, (_, index) => posted(index + 7))
    await host.account(ME).deliver({ chat: chat.id, after: 6, items: more })
    await host.restart()
    const { entries, rows } = host.store.journal(`user/${ME}`)
    const stored = [...entries.map(({ body }) => body), ...[...rows.values()].map(({ value }) => value)]
    const texts = stored.map((bytes) => (bytes ? Buffer.from(bytes).toString('latin1') : ''))
    expect(texts.filter((each) => each.includes(secret))).toEqual([])
    expect(texts.some((each) => each.includes('harmless'))).toBe(true)
  })
})

/** Without the session that must not be told again, and with the body as text. */
function plain({ origin: _, body, ...change }: BoxChange): unknown {
  return { ...change, body: body && Buffer.from(body).toString('latin1') }
}

describe('a draft', () => {
  test('for a group is kept only by those who have been in it: its number proves nothing', async () => {
    const { user } = box()
    const draft = (id: number) => user.saveDraft({ peer: { kind: 'chat', id }, body: text('x'), origin: ORIGIN })
    for (const id of [5, 6, 7]) expect(await draft(id).catch(refusalReason)).toBe('PEER_ID_INVALID')
    expect(await user.drafts()).toEqual([])
  })

  test('is one of so many at most', async () => {
    const { user } = box()
    const draft = (id: number) => user.saveDraft({ peer: { kind: 'user', id }, body: text('x'), origin: ORIGIN })
    for (let i = 0; i < limits.drafts; i++) await draft(100 + i)
    expect(await draft(50).catch(refusalReason)).toBe('DRAFTS_TOO_MUCH')
    await draft(100)
    expect(await user.drafts()).toHaveLength(limits.drafts)
  })
})

describe('a difference', () => {
  test('tells changes without a number under the own pts from the date on (F3), and all under later ones', async () => {
    const { host, user, chat } = box()
    const draft = (peer: number) =>
      user.saveDraft({ peer: { kind: 'user', id: peer }, body: text('x'), origin: ORIGIN })
    await user.deliver({ chat: chat.id, after: 0, items: [posted(1)] })
    await draft(21)
    await host.clock.advance(5_000)
    const date = Math.floor(host.clock.now() / 1000)
    await draft(22)
    const since = { date, limit: 10, totalLimit: 100 }
    const peers = async (pts: number) => {
      const answer = await user.difference({ ...since, pts })
      if (!('others' in answer)) throw new Error(answer.kind)
      return answer.others.map(({ fact }) => 'peer' in fact && fact.peer)
    }
    expect(await peers(1)).toEqual(['u22'])
    expect(await peers(0)).toEqual(['u21', 'u22'])
    await host.clock.advance(5_000)
    expect(await user.difference({ ...since, date: date + 1, pts: 1 })).toMatchObject({ kind: 'empty', pts: 1 })
  })
})

describe('a dialog that is cleared', () => {
  test('stays in the list, empty, when it is kept; deleted it goes', async () => {
    const { host, user, chat } = box()
    const other = new World().chat(1)
    await user.deliver({ chat: chat.id, after: 0, items: [posted(1)] })
    await user.deliver({ chat: other.id, after: 0, items: [posted(1, { from: 22, atMs: at + 5_000 })] })
    const clear = { peer: other.peer, maxId: 0, origin: ORIGIN }
    const listed = async (offset = {}) => {
      const all = { offsetDate: 0, offsetId: 0, excludePinned: false, limit: 10, ...offset }
      const { dialogs, total } = await user.dialogs(all)
      expect(total).toBe((await user.dialogs({ ...all, offsetDate: 0, offsetId: 0 })).total)
      return dialogs.map(({ peer, topId }) => `${peer} ${topId}`)
    }
    const both = await listed()
    await user.clearHistory({ ...clear, keepDialog: true })
    const kept = await listed()
    expect(kept).toEqual(both.map((each) => each.replace(/2$/, '0')))
    expect(kept[0]).toMatch(/ 0$/)
    await host.crash()
    expect(await listed()).toEqual(kept)
    // Where it stands, a client goes on by its peer alone.
    const behind = kept.slice(1)
    expect(await listed({ offsetPeer: other.peer })).toEqual(behind)
    await user.pinDialog({ peer: other.peer, pinned: true, origin: ORIGIN })
    await user.pinDialog({ peer: other.peer, pinned: false, origin: ORIGIN })
    expect(await listed()).toEqual(kept)
    await user.clearHistory({ ...clear, keepDialog: false })
    expect(await listed()).toEqual([`${both.find((each) => each.endsWith(' 1'))}`])
    await host.stop()
  })
})

describe('a dialog that is deleted', () => {
  test('tells devices of its draft, mark and pin by changes that they have updates for', async () => {
    const { host, user, chat } = box()
    await user.deliver({ chat: chat.id, after: 0, items: [posted(1)] })
    const on = { peer: chat.peer, origin: ORIGIN }
    await user.saveDraft({ ...on, body: text('unsent') })
    await user.markDialog({ ...on, unread: true })
    await user.pinDialog({ ...on, pinned: true })
    const { changes } = await user.clearHistory({ ...on, maxId: 0, keepDialog: false })
    expect(changes.map(({ fact }) => fact)).toMatchObject([
      { type: 'deleted', ids: [1] },
      { type: 'draft', cleared: true },
      { type: 'dialogMarked', unread: false },
      { type: 'dialogPinned', pinned: false },
      { type: 'dialogDeleted' },
    ])
    await host.stop()
  })
})

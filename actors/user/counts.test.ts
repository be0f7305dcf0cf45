/** C1, C2: what is counted is what is there, and what a count reads does not grow with what it counts. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { JournalStore } from '../../runtime/index.js'
import { MemoryStore } from '../../runtime/testing/index.js'
import { AccountHost } from './testing/account.js'
import { ME, ORIGIN, text, World } from './testing/world.js'

const everything = { offsetId: 0, offsetDate: 0, addOffset: 0, limit: 100, maxId: 0, minId: 0 }

type Deed = readonly [
  what: 'post' | 'many' | 'delete' | 'own' | 'cut' | 'read' | 'page' | 'again',
  a: number,
  b: number,
]

class Counted {
  readonly host = new AccountHost()
  readonly chat = new World().chat(3)

  get user() {
    return this.host.account(ME)
  }

  async do([what, a, b]: Deed): Promise<void> {
    const { chat } = this
    const say = (contents: Parameters<typeof chat.write>[0], skip = 0) => {
      chat.write(contents, this.host.clock.now(), skip)
      return chat.deliver(this.user, 0)
    }
    const message = (from: number) => ({ type: 'message', from, body: text('x') }) as const
    switch (what) {
      case 'post':
        return say([message(a % 3 === 0 ? ME : 7)], b * 7)
      case 'many':
        return say(Array.from({ length: 1 + (a % 60) }, (_, i) => message(i % 4 === 0 ? ME : 7)))
      case 'delete':
        return say([{ type: 'delete', targets: [chat.pick(a), chat.pick(b), chat.pick(a + b)] }])
      case 'cut':
        return a % 4 === 0 ? say([{ type: 'deleteHistory', upTo: chat.pick(b) }]) : undefined
      case 'own': {
        const ids = [a, b].flatMap((index) => chat.messages[index % Math.max(1, chat.messages.length)]?.id ?? [])
        await this.user.deleteOwn({ ids, origin: ORIGIN })
        chat.messages = chat.messages.filter(({ id }) => !ids.includes(id))
        return
      }
      case 'read':
        await say([{ type: 'readInbox', upTo: chat.pick(a * b) }])
        return this.#unread()
      case 'page':
        return this.#page(a * 3, (a % 2 === 0 ? 1 : -1) * b * (1 + (a % 9)))
      case 'again':
        return a % 2 === 0 ? this.host.restart() : this.host.crash()
    }
  }

  async #unread(): Promise<void> {
    const { dialogs } = await this.user.dialogsOf([this.chat.peer])
    if (dialogs[0]) expect(dialogs[0].unread).toBe(this.chat.unread)
  }

  async #page(from: number, addOffset: number): Promise<void> {
    const ids = this.chat.messages.map(({ id }) => id).reverse()
    const offsetId = ids[from % Math.max(1, ids.length)] ?? 0
    const start = ids.filter((id) => offsetId > 0 && id >= offsetId).length + addOffset
    const request = { ...everything, peer: this.chat.peer, offsetId, addOffset, limit: 5 }
    const { messages } = await this.user.history(request)
    expect(messages.map(({ id }) => id)).toEqual(ids.slice(Math.max(0, start), Math.max(0, start + 5)))
  }
}

const small = fc.nat(99)
const deed = fc.tuple(
  fc.constantFrom<Deed[0][]>('post', 'many', 'delete', 'own', 'cut', 'read', 'page', 'page', 'again'),
  small,
  small,
)

describe('unread messages and offsets', () => {
  test('are counted over blocks as they are counted one by one, whatever was deleted', {
    timeout: 120_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(deed, { minLength: 10, maxLength: 80, size: 'max' }), async (deeds) => {
        const counted = new Counted()
        for (const each of deeds) await counted.do(each)
        await counted.do(['page', 1, 40])
        await counted.host.stop()
      }),
      { numRuns: 60 },
    )
  })

  test('of tens of thousands of messages are counted by few rows', { timeout: 60_000 }, async () => {
    const store = new MemoryStore()
    const rows = countedRows(store)
    const host = new AccountHost(store)
    const { chat } = { chat: new World().chat(0) }
    const total = 40_000
    const body = text('x')
    for (let n = 0; n < total; n += 1_000) {
      const items = Array.from({ length: 1_000 }, (_, i) => {
        return { type: 'message', n: n + i + 1, atMs: host.clock.now(), from: 7, body } as const
      })
      await host.account(ME).deliver({ chat: chat.id, after: n, items })
    }
    await host.restart()
    const user = host.account(ME)
    const readOf = async (run: () => Promise<unknown>) => {
      const before = rows.read
      await run()
      return rows.read - before
    }
    const half = { type: 'readInbox', n: total + 1, atMs: host.clock.now(), upTo: total / 2 - 77 } as const
    expect(await readOf(() => user.deliver({ chat: chat.id, after: total, items: [half] }))).toBeLessThan(1_500)
    const { dialogs } = await user.dialogsOf([chat.peer])
    expect(dialogs).toMatchObject([{ unread: total / 2 + 77 }])
    // The device is told what was unread then, and not now.
    const whole = { type: 'readInbox', n: total + 2, atMs: host.clock.now(), upTo: total } as const
    await user.deliver({ chat: chat.id, after: total + 1, items: [whole] })
    const since = { pts: total, date: 0, limit: 1, totalLimit: 10 }
    expect(await readOf(() => user.difference(since))).toBeLessThan(1_500)
    const far = { ...everything, peer: chat.peer, limit: 3 }
    expect(await readOf(() => user.history({ ...far, addOffset: total - 10 }))).toBeLessThan(2_000)
    expect(await readOf(() => user.history({ ...far, addOffset: -30_000, offsetId: 5 }))).toBeLessThan(2_000)
    expect((await user.history({ ...far, addOffset: total - 10 })).messages.map(({ id }) => id)).toEqual([10, 9, 8])
    await host.stop()
  })
})

/** Counts the rows that the store gives. */
function countedRows(store: MemoryStore): { read: number } {
  const rows = { read: 0 }
  const open: JournalStore['open'] = store.open.bind(store)
  store.open = async (...request) => {
    const opened = await open(...request)
    const { journal } = opened
    const scan = journal.scan.bind(journal)
    journal.scan = async (asked) => {
      const found = await scan(asked)
      rows.read += found.length
      return found
    }
    return opened
  }
  return rows
}

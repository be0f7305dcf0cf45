/** S2, S3: in a dialog that is too large to be looked through at once every match is found, and no call looks at it all. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { MessagePage, SearchRequest } from './contract.js'
import { limits } from './limits.js'
import { type AccountOnDisk, accountOnDisk } from './testing/on-disk.js'
import { ME, text, World } from './testing/world.js'

const TOTAL = 50_000
const needles = [3, 11, 12, 13, 9_000, 24_000, 24_001, 49_990]
const chat = new World().chat(0)
const directory = mkdtempSync(join(tmpdir(), 'heliograph-search-'))
let account: AccountOnDisk

const asked: SearchRequest = {
  peer: chat.peer,
  query: 'needle',
  offsetId: 0,
  offsetDate: 0,
  addOffset: 0,
  limit: 3,
  maxId: 0,
  minId: 0,
  minDate: 0,
  maxDate: 0,
}

beforeAll(async () => {
  account = await accountOnDisk(directory, 'pass')
  const hidden = new Set(needles)
  for (let n = 0; n < TOTAL; n += 1_000) {
    const items = Array.from({ length: 1_000 }, (_, i) => {
      const at = n + i + 1
      const body = text(hidden.has(at) ? `a Needle, the ${at}th` : 'hay')
      return {
        type: 'message',
        n: at,
        atMs: 1_700_000_000_000 + at * 1_000,
        from: at % 2 === 0 ? ME : 7,
        body,
      } as const
    })
    await account.user.deliver({ chat: chat.id, after: n, items })
  }
  await account.stop()
  account = await accountOnDisk(directory, 'pass')
}, 120_000)

afterAll(async () => {
  await account.stop()
  rmSync(directory, { recursive: true, force: true })
})

/** One call as the API makes it, and again while it says that it is not finished. */
async function search(request: SearchRequest): Promise<MessagePage> {
  for (let calls = 0; calls < 10; calls++) {
    const before = account.asked.entries
    const page = await account.user.search(request)
    expect(account.asked.entries - before).toBeLessThanOrEqual(limits.searchedMessages + 500)
    if (!page.unfinished) return page
    expect(page.messages).toEqual([])
  }
  throw new Error('the search does not end')
}

const idsOf = ({ messages }: MessagePage) => messages.map(({ id }) => id)

describe('a search in 50,000 messages', () => {
  test('finds the oldest match too, by the pages that clients ask for', async () => {
    const found: number[] = []
    for (;;) {
      const page = idsOf(await search({ ...asked, offsetId: found.at(-1) ?? 0 }))
      if (page.length === 0) break
      found.push(...page)
    }
    expect(found).toEqual([...needles].reverse())
  })

  test('finds it in the whole box as well', async () => {
    const { peer: _, ...anywhere } = asked
    expect(idsOf(await search({ ...anywhere, offsetId: 24_000 }))).toEqual([9_000])
    expect(idsOf(await search({ ...anywhere, offsetId: 9_000 }))).toEqual([13, 12, 11])
  })

  test('comes to its end without a match', async () => {
    expect(await search({ ...asked, query: 'thread' })).toMatchObject({ messages: [], total: 0 })
  })

  test('keeps to add_offset in both directions, authors and dates', async () => {
    expect(idsOf(await search({ ...asked, addOffset: 6 }))).toEqual([11, 3])
    expect(idsOf(await search({ ...asked, offsetId: 24_000, addOffset: -2, limit: 4 }))).toEqual([
      24_001, 24_000, 9_000,
    ])
    expect(idsOf(await search({ ...asked, from: 7, limit: 100 }))).toEqual([24_001])
    expect(idsOf(await search({ ...asked, from: 7, offsetId: 24_001, limit: 100 }))).toEqual([13, 11, 3])
    expect(idsOf(await search({ ...asked, maxDate: 1_700_009_001, limit: 1 }))).toEqual([9_000])
    expect(idsOf(await search({ ...asked, maxDate: 1_700_000_013, limit: 9 }))).toEqual([12, 11, 3])
  })

  test('says that there is more, and not how much', async () => {
    expect(await search({ ...asked, limit: 1 })).toMatchObject({ total: 2, inexact: true })
  })
})

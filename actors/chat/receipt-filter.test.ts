/** R4 of receipts.ts. */
import { describe, expect, it } from 'vitest'
import { ORIGIN, Talk } from '../testing/talk.js'
import { privateChat } from './chat-id.js'
import { operationHash } from './operation-hash.js'
import { Learning, ReceiptFilter } from './receipt-filter.js'
import { RECEIPTS_IN_FOLD } from './receipts.js'
import type { ChatTurn } from './shape.js'

const keyOf = (op: number) => operationHash(1, `r${op}`) * 16
const keys = (from: number, count: number) => Array.from({ length: count }, (_, i) => keyOf(from + i))

/** Rows of one window that stand in the store. */
function rowsOf(stored: readonly number[]): Pick<ChatTurn, 'own'> {
  const orders = [...stored].sort((a, b) => a - b)
  const rows = async (_table: string, _group: string, { from, limit }: { from: number; limit: number }) => {
    const found = orders.filter((order) => order >= from).slice(0, limit)
    return found.map((order) => ({ order, value: 1 }))
  }
  return { own: { rows } as unknown as ChatTurn['own'] }
}

describe('the filter of receipts', () => {
  it('has every key that was put in, and few others', async () => {
    const filter = ReceiptFilter.larger(undefined)!
    const known = keys(0, 2_000)
    for (const key of known) filter.add(key)
    filter.isWhole = true
    expect(known.every((key) => filter.mayHave(key))).toBe(true)
    expect(keys(10_000, 10_000).filter((key) => filter.mayHave(key)).length).toBeLessThan(200)
  })

  it('says nothing before all rows are in it, and nothing any more when it is full', async () => {
    const filter = ReceiptFilter.larger(undefined)!
    const learning = new Learning(filter, [600, 601])
    const stored = rowsOf(keys(0, 600))
    const parts: boolean[] = []
    while (!learning.isOver) {
      parts.push(filter.mayHave(keyOf(-1)))
      await learning.readSome(stored)
    }
    expect(parts).toEqual([true, true, true, true])
    expect([filter.mayHave(keyOf(-1)), filter.mayHave(keyOf(599))]).toEqual([false, true])
    for (const key of keys(1_000, 1_000)) filter.add(key)
    expect([filter.isFull, filter.mayHave(keyOf(-1))]).toEqual([true, true])
    expect(ReceiptFilter.larger(filter)?.isFull).toBe(false)
  })

  it('finds a repeat that left the fold before the chat was busy, while it learns, and after', async () => {
    const talk = await Talk.start()
    const chat = privateChat(1, 2)
    const send = async (from: number, count: number) => {
      for (let n = from; n < from + count; n += 50) {
        const posts = Array.from({ length: 50 }, (_, i) => {
          const drafts = [{ op: `r${n + i}`, body: Buffer.from('.') }]
          return talk.chat(chat).post({ by: 1, origin: ORIGIN, drafts })
        })
        await talk.until(Promise.all(posts))
      }
    }
    await send(0, RECEIPTS_IN_FOLD + 100)
    await talk.world.stop()
    talk.world.crash()
    await talk.world.start()
    for (let round = 0; round < 4; round++) {
      await send(1_000 * (round + 1), 150)
      for (const n of [0, 99, 100, 1_000, 1_000 * round + 1_100]) {
        expect(await talk.say(chat, 1, '.', `r${n}`)).toMatchObject({ repeated: true })
      }
    }
  })
})

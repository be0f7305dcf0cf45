/** R1-R3 of receipts.ts, and what earlier versions stored. */
import { describe, expect, it } from 'vitest'
import { ORIGIN, Talk } from '../testing/talk.js'
import { privateChat } from './chat-id.js'
import type { ChatFact } from './fact.js'
import { applyFact } from './fold.js'
import { REST_AFTER_MS } from './operation.js'
import { operationHash } from './operation-hash.js'
import {
  findOperation,
  forgetOldReceipts,
  hasOldReceipts,
  RECEIPTS_AT_REST,
  RECEIPTS_EVICTED,
  RECEIPTS_IN_FOLD,
  readOldReceipts,
  WINDOW_MS,
} from './receipts.js'
import type { ChatTurn } from './shape.js'
import { type ChatState, emptyChat } from './state.js'
import { decodeState, encodeState } from './state-format.js'

const CHAT = privateChat(1, 2)
const EVERYTHING = { start: Buffer.of(0), end: Buffer.of(0xff) }

/** Receipts on the disk: rows of their table. */
function stored(talk: Talk): number {
  return [...talk.world.disk.range(EVERYTHING)].filter(({ key }) => Buffer.from(key).includes('\x07receipt')).length
}

async function many(talk: Talk, name: string, count: number): Promise<void> {
  for (let from = 0; from < count; from += 100) {
    const drafts = Array.from({ length: 100 }, (_, i) => ({ op: `${name}${from + i}`, body: Buffer.from('.') }))
    await talk.until(talk.chat(CHAT).post({ by: 1, origin: ORIGIN, drafts }))
  }
}

describe('receipts', () => {
  it('are found from the fold and from rows, before and after a rest and a crash (R1)', async () => {
    const talk = await Talk.start()
    await many(talk, 'a', RECEIPTS_IN_FOLD + 300)
    const ops = ['a0', 'a299', 'a300', `a${RECEIPTS_IN_FOLD + 299}`]
    const repeats = async () => {
      const drafts = ops.map((op) => ({ op, body: Buffer.from('.') }))
      const outcomes = await talk.until(talk.chat(CHAT).post({ by: 1, origin: ORIGIN, drafts }))
      return outcomes.map(({ n, repeated }) => (repeated ? n : 0))
    }
    const expected = [1, 300, 301, RECEIPTS_IN_FOLD + 300]
    expect(await repeats()).toEqual(expected)
    await talk.world.clock.advance(4 * REST_AFTER_MS)
    expect(await repeats()).toEqual(expected)
    talk.world.crash()
    await talk.world.start()
    expect(await repeats()).toEqual(expected)
    expect(await talk.say(CHAT, 1, 'new')).toMatchObject({ n: RECEIPTS_IN_FOLD + 301, repeated: false })
  })

  it('are found for 30 days, and gone some time later (R2)', async () => {
    const talk = await Talk.start()
    const { clock } = talk.world
    /** The node is down meanwhile: a virtual month of its alarms takes long. */
    const passed = async (ms: number) => {
      await talk.world.stop()
      talk.world.crash()
      await clock.advance(ms)
      await talk.world.start()
    }
    await many(talk, 'a', RECEIPTS_IN_FOLD)
    await clock.advance(4 * REST_AFTER_MS)
    await passed(WINDOW_MS - 60_000)
    expect(await talk.say(CHAT, 1, '.', 'a0')).toMatchObject({ n: 1, repeated: true })
    await many(talk, 'b', RECEIPTS_IN_FOLD)
    await clock.advance(4 * REST_AFTER_MS)
    await passed(3 * WINDOW_MS)
    expect(stored(talk)).toBe(2 * RECEIPTS_IN_FOLD - RECEIPTS_AT_REST)
    await talk.say(CHAT, 1, 'after a long time', 'c')
    await clock.advance(4 * REST_AFTER_MS)
    await talk.world.stop()
    expect(stored(talk)).toBeLessThan(RECEIPTS_AT_REST)
  })

  it('that are old are read once each, from where the last were forgotten, and in no turn (R2)', async () => {
    const keys = Array.from({ length: 1_200 }, (_, i) => (i + 1) * 1_000)
    const asked: { from: number; limit: number }[] = []
    const own = {
      rows: async (_table: string, _group: string, { from, limit }: { from: number; limit: number }) => {
        asked.push({ from, limit })
        return keys
          .filter((order) => order >= from)
          .slice(0, limit)
          .map((order) => ({ order, value: 1 }))
      },
    }
    let state = { ...emptyChat(CHAT), windows: [600, 605] }
    const append = (fact: ChatFact) => applyFact(state, fact, { pts: 1, ordinal: 1, count: 0, atMs: 605 * WINDOW_MS })
    const turn = { append, own, nowMs: 605 * WINDOW_MS } as unknown as ChatTurn
    const now = () => ({ ...turn, state }) as ChatTurn
    while (hasOldReceipts(now())) {
      const read = await readOldReceipts(now())
      forgetOldReceipts(now(), read)
      state = decodeState(encodeState(state), 2) as typeof state
      // Read by two turns at once, or again: nothing is forgotten twice.
      forgetOldReceipts(now(), read)
    }
    expect(asked).toEqual([0, 500_001, 1_000_001].map((from) => ({ from, limit: 500 })))
    expect([state.windows, state.forgotten]).toEqual([[605], undefined])
  })

  it('that are old are being read while others post (R2)', async () => {
    const talk = await Talk.start()
    const { clock } = talk.world
    await many(talk, 'a', RECEIPTS_IN_FOLD)
    await clock.advance(4 * REST_AFTER_MS)
    await talk.world.stop()
    talk.world.crash()
    await clock.advance(3 * WINDOW_MS)
    await talk.world.start()
    const before = stored(talk)
    for (let at = 0; at < 8; at++) {
      expect(await talk.say(CHAT, 1, 'meanwhile', `b${at}`)).toMatchObject({ repeated: false })
      await clock.advance(REST_AFTER_MS / 2)
    }
    await talk.world.stop()
    expect([before > 400, stored(talk)]).toEqual([true, 0])
  })

  it('are never written over: an operation whose key is taken has the next slot (R3)', async () => {
    const op = 'r1'
    const key = operationHash(1, op) * 16
    const state = emptyChat(CHAT)
    state.receipts.set(key, 7)
    const others = { 7: 'r-other', 9: op } as Record<number, string>
    const own = {
      entriesAt: async (ns: readonly number[]) =>
        ns.map((n) => others[n] && { pts: n, atMs: 0, fact: { type: 'post', by: 1, op: others[n] } }),
    }
    const turn = { state, own, nowMs: 0 } as unknown as ChatTurn
    expect(await findOperation(turn, 1, op)).toEqual({ slot: 1 })
    applyFact(state, { type: 'post', by: 1, op, slot: 1 }, { pts: 9, ordinal: 0, count: 1, atMs: 0 })
    expect([state.receipts.get(key), state.receipts.get(key + 1)]).toEqual([7, 9])
    expect((await findOperation(turn, 1, op)).entries?.map(({ n }) => n)).toEqual([9])
  })
})

describe('the stored fold of a chat', () => {
  it('is the same after it was stored, but for what is told of the latest entry alone', () => {
    const state = emptyChat(CHAT)
    applyFact(state, { type: 'post', by: 1, op: 'a' }, { pts: 1, ordinal: 0, count: 1, atMs: 5 })
    applyFact(state, { type: 'settled', by: 0, op: '' }, { pts: 1, ordinal: 1, count: 0, atMs: 5 })
    expect(decodeState(encodeState(state), 2)).toEqual({ ...state, evicted: [] })
  })

  it('of format 1 has its receipts in slot 0, and more than a fold holds now go with the next entry', async () => {
    const first = {
      ...encodeState(emptyChat(CHAT)),
      windows: undefined,
      receipts: new Map(Array.from({ length: 1_000 }, (_, i) => [operationHash(1, `o${i}`), i + 1])),
      receiptsStored: true,
    }
    const state = decodeState(first, 1)
    expect(state.receipts.get(operationHash(1, 'o999') * 16)).toBe(1_000)
    applyFact(state, { type: 'post', by: 1, op: 'next' }, { pts: 1_001, ordinal: 0, count: 1, atMs: 5 })
    const left = RECEIPTS_IN_FOLD - RECEIPTS_EVICTED
    expect([state.receipts.size, state.evicted.length]).toEqual([left, 1_001 - left])
    expect(await foundInFirstRows(state, 'older')).toEqual([3])
    expect(await foundInFirstRows(decodeState({ ...first, receiptsStored: false }, 1), 'older')).toBeUndefined()
  })
})

/** Looks for an operation of whose hash format 1 stored two entries: that of another operation, and its own. */
async function foundInFirstRows(state: ChatState, op: string): Promise<readonly number[] | undefined> {
  const ops = { 2: 'another', 3: op } as Record<number, string>
  const own = {
    row: async () => undefined,
    rows: async (_table: string, group: string) =>
      group === operationHash(1, op).toString(16) ? [2, 3].map((order) => ({ order, value: 1 })) : [],
    entriesAt: async (ns: readonly number[]) =>
      ns.map((n) => ops[n] && { pts: n, atMs: 0, fact: { type: 'post', by: 1, op: ops[n] } }),
  }
  const turn = { state, own, nowMs: 5 } as unknown as ChatTurn
  return (await findOperation(turn, 1, op)).entries?.map(({ n }) => n)
}

/** V1-V3 of own-reads.ts, P1-P3 of pending-rows.ts, T1 of tail.ts, A4 of activation.ts, against a model. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { PlacedEntry } from './index.js'
import { settled, testSystem } from './testing/index.js'
import { Ledger, type LedgerFact, ledgerActor } from './testing/ledger.js'

const START = { pts: 0, ordinal: 0 }

function ledgers(limits: Parameters<typeof ledgerActor>[0]) {
  const rig = testSystem([ledgerActor(limits)])
  return { ...rig, ledger: rig.system.ref(Ledger, 'a') }
}

const text = (body: Uint8Array | undefined) => body && Buffer.from(body).toString()

const shown = (entries: readonly (PlacedEntry<LedgerFact> | undefined)[]) =>
  entries.map((entry) => entry && [entry.pts, entry.ordinal, entry.fact.type, text(entry.body)])

describe('own entries', () => {
  test('come with position, time, fact and body, from memory or the store alike', async () => {
    for (const checkpointEntries of [1, 100]) {
      const { ledger, clock } = ledgers({ limits: { checkpointEntries } })
      await ledger.put(1, 'one')
      await ledger.note('n')
      await ledger.many(3)
      await ledger.note('m')
      await clock.advance(5_000)
      const expected = [
        [1, 0, 'put', 'body of one'],
        [1, 1, 'note', undefined],
        [4, 0, 'many', undefined],
        [4, 1, 'note', undefined],
      ]
      expect(shown(await ledger.entries(START, 10))).toEqual(expected)
      expect(shown(await ledger.entries(START, 10, 1))).toEqual(expected.slice(0, 2))
      expect(shown(await ledger.entries({ pts: 1, ordinal: 0 }, 2))).toEqual(expected.slice(1, 3))
      expect(shown(await ledger.entriesAt([4, 1, 3, 0, 9]))).toEqual([
        expected[2],
        expected[0],
        undefined,
        undefined,
        undefined,
      ])
    }
  })

  test("leave the runtime's own entries out, and still fill the page", async () => {
    const { ledger, clock } = ledgers({ limits: { checkpointEntries: 1 } })
    await ledger.put(1, 'one')
    for (let i = 0; i < 20; i++) await ledger.remind('ring', clock.now() + 1_000_000 + i, 'x')
    await ledger.put(2, 'two')
    await clock.advance(5_000)
    expect(shown(await ledger.entries(START, 2)).map((each) => each?.[3])).toEqual(['body of one', 'body of two'])
  })

  test('have no body any more once it was erased (V3), in memory, before and after the erasure is written', async () => {
    for (const checkpointEntries of [1, 2, 3, 100]) {
      const { ledger, clock, store } = ledgers({ limits: { checkpointEntries } })
      await ledger.put(1, 'secret')
      await ledger.put(2, 'kept')
      store.fate = (operation) => (operation === 'checkpoint' ? 'unavailable' : 'ok')
      await ledger.erase(1)
      const bodies = async () => (await ledger.entries(START, 2)).map(({ body }) => text(body))
      expect(await bodies()).toEqual([undefined, 'body of kept'])
      store.fate = () => 'ok'
      await clock.advance(10_000)
      expect(await bodies()).toEqual([undefined, 'body of kept'])
      expect((await ledger.entriesAt([1]))[0]?.body).toBeUndefined()
    }
  })
})

describe('own rows', () => {
  const act = fc.oneof(
    fc.record({ act: fc.constant('put' as const), order: fc.nat(12) }),
    fc.record({ act: fc.constant('drop' as const), order: fc.nat(12) }),
    fc.record({ act: fc.constant('idle' as const), ms: fc.constantFrom(5_000, 60_000) }),
    fc.record({ act: fc.constant('checkpoint fails' as const) }),
    fc.record({
      act: fc.constant('scan' as const),
      from: fc.nat(13),
      to: fc.nat(13),
      limit: fc.integer({ min: 1, max: 6 }),
      descending: fc.boolean(),
    }),
  )

  test('are the same as if all were in one place, whatever is in memory, in flight and in the store', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(act, { maxLength: 40 }),
        fc.integer({ min: 1, max: 8 }),
        async (acts, checkpointEntries) => {
          const { ledger, clock, store } = ledgers({ limits: { checkpointEntries } })
          const model = new Map<number, string>()
          let texts = 0
          let unwritten = 0
          for (const step of acts) {
            // Beyond a bound turns wait until a checkpoint can be written again (K3): here time stands still.
            if (++unwritten > 2 * checkpointEntries) {
              store.fate = () => 'ok'
              await clock.advance(5_000)
              unwritten = 0
            }
            if (step.act === 'put') {
              const text = `t${texts++}`
              model.set(step.order, text)
              await ledger.put(step.order, text)
            } else if (step.act === 'drop') {
              model.delete(step.order)
              await ledger.drop(step.order)
            } else if (step.act === 'idle') {
              store.fate = () => 'ok'
              await clock.advance(step.ms)
            } else if (step.act === 'checkpoint fails') {
              store.fate = (operation) => (operation === 'checkpoint' ? 'unavailable' : 'ok')
            } else {
              const { from, to, limit, descending } = step
              const expected = [...model].filter(([order]) => order >= from && order <= to)
              expected.sort(([a], [b]) => (descending ? b - a : a - b))
              const found = await ledger.rows(from, to, limit, descending)
              expect(found).toEqual(expected.slice(0, limit).map(([order, text]) => ({ order, value: { text } })))
              const text = model.get(from)
              expect(await ledger.row(from)).toEqual(text === undefined ? undefined : { text })
              expect(await ledger.model()).toEqual([...model].sort(([a], [b]) => a - b))
            }
          }
        },
      ),
      { numRuns: 150 },
    )
  })

  test('do not change under a scan when a checkpoint ends meanwhile (P2)', async () => {
    const { ledger, store } = ledgers({ limits: { checkpointEntries: 3 } })
    await ledger.put(1, 'a')
    await ledger.put(2, 'b')
    let finish = () => {}
    store.fate = (operation) =>
      operation === 'checkpoint' ? new Promise((resolve) => (finish = () => resolve('ok'))) : 'ok'
    await ledger.put(3, 'c')
    await settled()
    const scanning = ledger.rows(0, 10, 10)
    await ledger.put(2, 'B')
    finish()
    await settled()
    expect((await scanning).map(({ order }) => order)).toEqual([1, 2, 3])
    expect((await ledger.rows(0, 10, 10)).map(({ value }) => value)).toEqual([
      { text: 'a' },
      { text: 'B' },
      { text: 'c' },
    ])
  })
})

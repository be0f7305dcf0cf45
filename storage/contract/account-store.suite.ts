import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { AccountRow } from '../ports/account-store.js'
import type { AccountsHarness, AccountsProcess, NewAccountsHarness } from './harness.js'

export function accountRow(id: number, changes: Partial<AccountRow> = {}): AccountRow {
  return {
    id,
    version: { pts: 1, ordinal: 0 },
    firstName: `First ${id}`,
    lastName: '',
    about: '',
    username: '',
    phone: '15550001',
    photo: '',
    premium: false,
    deleted: false,
    homeDc: 2,
    seenAtMs: 0,
    ...changes,
  }
}

/** What every driver of AccountStore promises (A1, A2 in storage/ports/account-store.ts). */
export function accountStoreSuite(driver: string, newHarness: NewAccountsHarness): void {
  describe(`AccountStore on ${driver}`, () => {
    let harness: AccountsHarness
    let process: AccountsProcess

    beforeEach(async () => {
      harness = newHarness()
      process = await harness.start()
    })
    afterEach(async () => {
      await process.stop()
      await harness.dispose()
    })

    test('A2: rows are there as they were put, in the order asked, after a crash too', async () => {
      const rows = [
        accountRow(2 ** 45 + 7, { username: 'Alice_1', about: 'líne 🎈', photo: '00ff00ff00ff00ff', premium: true }),
        accountRow(1024, { deleted: true, phone: '', firstName: '', homeDc: 4, seenAtMs: 1_700_000_000_123 }),
        accountRow(1025, { version: { pts: 2 ** 31, ordinal: 70_000 } }),
      ]
      await Promise.all(rows.map((row) => process.accounts.put(row)))
      await harness.crash()
      process = await harness.start()
      const asked = [1025, 3, 1024, 2 ** 45 + 7, 1025].map((id) => ({ id }))
      expect(await process.accounts.get(asked)).toEqual([rows[2], undefined, rows[1], rows[0], rows[2]])
      expect(await process.accounts.get([])).toEqual([])
    })

    test('A1: an older version, or the same again, changes nothing', async () => {
      const newest = accountRow(5, { version: { pts: 7, ordinal: 2 }, firstName: 'New' })
      await process.accounts.put(newest)
      for (const version of [
        { pts: 7, ordinal: 2 },
        { pts: 7, ordinal: 1 },
        { pts: 6, ordinal: 90 },
      ]) {
        await process.accounts.put(accountRow(5, { version, firstName: 'Old' }))
      }
      expect(await process.accounts.get([{ id: 5 }])).toEqual([newest])
    })

    test('a row older than asked for is none', async () => {
      const row = accountRow(5, { version: { pts: 7, ordinal: 2 } })
      await process.accounts.put(row)
      const atLeast = (pts: number, ordinal: number) => ({ id: 5, atLeast: { pts, ordinal } })
      const asked = [atLeast(7, 2), atLeast(6, 9), atLeast(7, 3), atLeast(8, 0)]
      expect(await process.accounts.get(asked)).toEqual([row, row, undefined, undefined])
    })

    test('a text that a driver could not store is refused by all', async () => {
      for (const firstName of ['a\0b', 'x'.repeat(1025)]) {
        await expect(process.accounts.put(accountRow(1, { firstName }))).rejects.toThrow(RangeError)
      }
      await expect(process.accounts.put(accountRow(1.5))).rejects.toThrow(RangeError)
      expect(await process.accounts.get([{ id: 1 }])).toEqual([undefined])
    })

    test('A1: whatever order rows of one account come in, the newest stays', async () => {
      const version = fc.record({ pts: fc.nat({ max: 3 }), ordinal: fc.nat({ max: 2 }) })
      let id = 10_000
      await fc.assert(
        fc.asyncProperty(fc.array(version, { minLength: 1, maxLength: 8 }), async (versions) => {
          id++
          await Promise.all(
            versions.map(({ pts, ordinal }) =>
              process.accounts.put(accountRow(id, { version: { pts, ordinal }, firstName: `${pts}.${ordinal}` })),
            ),
          )
          const newest = Math.max(...versions.map(({ pts, ordinal }) => pts * 10 + ordinal))
          const [row] = await process.accounts.get([{ id }])
          expect(row?.firstName).toBe(`${Math.floor(newest / 10)}.${newest % 10}`)
        }),
        { numRuns: 25 },
      )
    })
  })
}

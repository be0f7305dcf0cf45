import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { NameKey, NameRecord } from '../ports/name-directory.js'
import type { AccountsHarness, AccountsProcess, NewAccountsHarness } from './harness.js'

const ALICE: NameKey = { kind: 'username', name: 'alice' }
const NUMBER: NameKey = { kind: 'phone', name: '15550001' }
const NOW = 1_700_000_000_000

/** What every driver of NameDirectory promises (D1-D4 in storage/ports/name-directory.ts). */
export function nameDirectorySuite(driver: string, newHarness: NewAccountsHarness): void {
  describe(`NameDirectory on ${driver}`, () => {
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

    const reserve = (key: NameKey, user: number, atMs = NOW) => process.directory.reserve({ ...key, user, atMs })
    const find = async (key: NameKey) => (await process.directory.find([key]))[0]

    test('a name is reserved, owned, released; kinds do not disturb each other', async () => {
      expect(await find(ALICE)).toBeUndefined()
      const { token, ...reserved } = await reserve(ALICE, 1)
      expect(reserved).toEqual({ holder: 1, owned: false, reservedAtMs: NOW })
      expect(await reserve({ kind: 'phone', name: 'alice' }, 2)).toMatchObject({ holder: 2 })
      await process.directory.confirm({ ...ALICE, user: 1, token })
      expect(await find(ALICE)).toEqual({ holder: 1, owned: true, token })
      expect(await process.directory.find([NUMBER, ALICE])).toEqual([undefined, { holder: 1, owned: true, token }])
      await process.directory.release({ ...ALICE, user: 1, upTo: token })
      expect(await find(ALICE)).toBeUndefined()
    })

    test('D1: of many who reserve at once one is the holder, and all are told so', async () => {
      for (const key of [ALICE, NUMBER]) {
        const told = await Promise.all(Array.from({ length: 40 }, (_, user) => reserve(key, user + 1)))
        expect(new Set(told.map(({ holder }) => holder)).size).toBe(1)
        expect(await find(key)).toEqual(told[0])
      }
    })

    test('D1: an owned name is given to its owner alone', async () => {
      const { token } = await reserve(ALICE, 1)
      await process.directory.confirm({ ...ALICE, user: 1, token })
      expect(await reserve(ALICE, 2)).toEqual({ holder: 1, owned: true, token })
      const again = await reserve(ALICE, 1, NOW + 5)
      expect(again).toEqual({ holder: 1, owned: true, token: NOW + 5, reservedAtMs: NOW + 5 })
      await process.directory.confirm({ ...ALICE, user: 1, token })
      expect(await find(ALICE)).toEqual(again)
      await process.directory.confirm({ ...ALICE, user: 1, token: again.token })
      expect(await find(ALICE)).toEqual({ holder: 1, owned: true, token: again.token })
    })

    test('D2: tokens rise, also when clocks go back and over a release', async () => {
      const first = await reserve(ALICE, 1)
      const second = await reserve(ALICE, 1, 5)
      await process.directory.release({ ...ALICE, user: 1, upTo: second.token })
      const third = await reserve(ALICE, 2, 5)
      expect(first.token).toBeLessThan(second.token)
      expect(second.token).toBeLessThan(third.token)
    })

    test('D3: a late step does nothing to a record that has gone on', async () => {
      const { token } = await reserve(ALICE, 1)
      const later = await reserve(ALICE, 1, NOW + 1)
      await process.directory.release({ ...ALICE, user: 1, upTo: token })
      expect(await find(ALICE)).toEqual(later)
      await process.directory.release({ ...ALICE, user: 1, upTo: later.token })
      await process.directory.confirm({ ...ALICE, user: 1, token: later.token })
      expect(await find(ALICE)).toBeUndefined()
      const other = await reserve(ALICE, 2)
      await process.directory.confirm({ ...ALICE, user: 1, token: later.token })
      await process.directory.release({ ...ALICE, user: 1, upTo: Number.MAX_SAFE_INTEGER })
      expect(await find(ALICE)).toEqual(other)
    })

    test('D4: what was acknowledged outlives a crash', async () => {
      const { token } = await reserve(ALICE, 2 ** 45)
      await process.directory.confirm({ ...ALICE, user: 2 ** 45, token })
      const reserved = await reserve(NUMBER, 7)
      await harness.crash()
      process = await harness.start()
      expect(await process.directory.find([ALICE, NUMBER])).toEqual([{ holder: 2 ** 45, owned: true, token }, reserved])
    })

    test('a name that cannot be one is refused', async () => {
      for (const name of ['', 'a\0b', 'x'.repeat(257)]) {
        await expect(reserve({ kind: 'username', name }, 1)).rejects.toThrow(RangeError)
        await expect(find({ kind: 'username', name })).rejects.toThrow(RangeError)
      }
    })

    const step = fc.record({
      user: fc.integer({ min: 1, max: 3 }),
      what: fc.constantFrom('reserve', 'confirm', 'release'),
      behind: fc.integer({ min: 0, max: 1 }),
    })

    test('any steps, against a model', async () => {
      let round = 0
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
          const key: NameKey = { kind: 'username', name: `model${round++}` }
          let record: NameRecord | undefined
          let token = 0
          for (const { user, what, behind } of steps) {
            const isHolder = record?.holder === user
            if (what === 'reserve') {
              if (!record || isHolder) {
                token = Math.max(token + 1, NOW)
                record = { holder: user, owned: record?.owned ?? false, token, reservedAtMs: NOW }
              }
              expect(await reserve(key, user)).toEqual(record)
            } else if (what === 'confirm') {
              await process.directory.confirm({ ...key, user, token: token - behind })
              const { reservedAtMs, ...rest } = record ?? { holder: 0, token, owned: false }
              const isOpen = reservedAtMs !== undefined && behind > 0
              if (isHolder) record = { ...rest, owned: true, ...(isOpen && { reservedAtMs }) }
            } else {
              await process.directory.release({ ...key, user, upTo: token - behind })
              if (isHolder && behind === 0) record = undefined
            }
            expect(await find(key)).toEqual(record)
          }
        }),
        { numRuns: 25 },
      )
    })
  })
}

import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { AccountsHarness, AccountsProcess, NewAccountsHarness } from './harness.js'

/** What every driver of NameIndex promises (N1-N4 in storage/ports/name-index.ts). */
export function nameIndexSuite(driver: string, newHarness: NewAccountsHarness): void {
  describe(`NameIndex on ${driver}`, () => {
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

    const found = async (query: string, limit = 100) =>
      (await process.names.prefix(query, limit)).map(({ name, userId }) => `${name}=${userId}`)

    test('N1: a name is found by every beginning of it, after a crash too', async () => {
      await process.names.put('alice', 1)
      await process.names.put('alina', 2 ** 45)
      await process.names.put('bob', 3)
      await harness.crash()
      process = await harness.start()
      expect(await found('ali')).toEqual(['alice=1', `alina=${2 ** 45}`])
      expect(await found('alic')).toEqual(['alice=1'])
      expect(await found('bob')).toEqual(['bob=3'])
      expect(await found('bobby')).toEqual([])
    })

    test('N2: without regard to case, as it was last put', async () => {
      await process.names.put('Alice', 1)
      expect(await found('ALI')).toEqual(['Alice=1'])
      await process.names.put('aLICE', 1)
      expect(await found('alice')).toEqual(['aLICE=1'])
      await process.names.remove('ALICE', 1)
      expect(await found('alice')).toEqual([])
    })

    test('N3: a late removal of the former holder leaves the new one', async () => {
      await process.names.put('name', 1)
      await process.names.put('name', 2)
      await process.names.remove('name', 1)
      await process.names.remove('name', 1)
      expect(await found('name')).toEqual(['name=2'])
    })

    test('N4: a query of less than three characters finds nothing, and a limit holds', async () => {
      for (let i = 0; i < 5; i++) await process.names.put(`user${i}`, i)
      for (const short of ['', 'u', 'us']) expect(await found(short)).toEqual([])
      expect(await found('user', 0)).toEqual([])
      expect(await found('user', 3)).toEqual(['user0=0', 'user1=1', 'user2=2'])
    })

    test('a name that cannot be one is refused', async () => {
      for (const name of ['', 'a\0b', 'x'.repeat(5_000)])
        await expect(process.names.put(name, 1)).rejects.toThrow(RangeError)
      expect(await found('x'.repeat(5_000))).toEqual([])
    })

    test('any puts and removals, against a model', async () => {
      const name = fc.string({ unit: fc.constantFrom('a', 'b', 'Ä', '_', '%'), minLength: 3, maxLength: 6 })
      const step = fc.record({ name, userId: fc.nat({ max: 3 }), isPut: fc.boolean() })
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 30 }), name, async (steps, query) => {
          const model = new Map<string, string>()
          await Promise.all(
            steps.map(({ name: each, userId, isPut }) => {
              if (isPut) model.set(`${each.toLowerCase()}=${userId}`, `${each}=${userId}`)
              else model.delete(`${each.toLowerCase()}=${userId}`)
              return isPut ? process.names.put(each, userId) : process.names.remove(each, userId)
            }),
          )
          const expected = [...model].filter(([key]) => key.startsWith(query.toLowerCase())).map(([, value]) => value)
          expect((await found(query)).sort()).toEqual(expected.sort())
          for (const value of model.values()) {
            const [each, userId] = value.split('=')
            await process.names.remove(each!, Number(userId))
          }
        }),
        { numRuns: 30 },
      )
    })
  })
}

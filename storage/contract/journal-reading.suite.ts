import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Journal, JournalEntry, Position } from '../../runtime/index.js'
import type { NewHarness, StorageHarness, StorageProcess } from './harness.js'
import { actorNamed, everything, follow, headOf, openNext, plain, start } from './samples.js'

/** Range reads and point reads, against a model that is a plain list. */
export function readingSuite(newHarness: NewHarness): void {
  let harness: StorageHarness
  let process: StorageProcess

  beforeEach(async () => {
    harness = newHarness()
    process = await harness.start()
  })
  afterEach(async () => {
    await process.stop()
    await harness.dispose()
  })

  /** Commits of entries that count for 0 to 3. */
  const commits = fc.array(fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 5 }), { maxLength: 12 })
  const ordinal = fc.oneof(fc.integer({ min: 0, max: 4 }), fc.constant(everything))
  const position = fc.record({ pts: fc.integer({ min: 0, max: 60 }), ordinal })
  const question = fc.record({
    after: position,
    toPts: fc.oneof(fc.integer({ min: 0, max: 60 }), fc.constant(everything)),
    limit: fc.oneof(fc.integer({ min: 0, max: 8 }), fc.constant(everything)),
  })

  async function written(shape: readonly (readonly number[])[]): Promise<{ journal: Journal; all: JournalEntry[] }> {
    const { journal } = await openNext(process, actorNamed(`model-${nextActor++}`))
    const all: JournalEntry[] = []
    let head = start
    for (const counts of shape) {
      const entries = follow(
        head,
        counts.map((count, i) => ({ count, fact: `${all.length + i}` })),
      )
      await journal.commit({ entries })
      all.push(...entries)
      head = headOf(entries)
    }
    return { journal, all }
  }

  test('read: entries after a position, up to a pts, at most so many', async () => {
    const questions = fc.array(question, { minLength: 1, maxLength: 20 })
    await fc.assert(
      fc.asyncProperty(commits, questions, async (shape, asked) => {
        const { journal, all } = await written(shape)
        for (const { after, toPts, limit } of asked) {
          const expected = all.filter((entry) => isAfter(entry, after) && entry.pts <= toPts).slice(0, limit)
          expect(plain(await journal.read(after, toPts, limit))).toEqual(plain(expected))
        }
      }),
      { numRuns: 40 },
    )
  })

  test('readAt: the numbered entries at exactly these pts, in the order asked', async () => {
    const asked = fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 20 })
    await fc.assert(
      fc.asyncProperty(commits, asked, async (shape, pts) => {
        const { journal, all } = await written(shape)
        const expected = pts.map((at) => all.find((entry) => entry.pts === at && entry.ordinal === 0))
        expect(plain(await journal.readAt(pts))).toEqual(plain(expected))
      }),
      { numRuns: 40 },
    )
  })

  test('numbers beyond 32 bits', async () => {
    const { journal } = await openNext(process, actorNamed('a'))
    const entries = follow(start, [{ count: 2 ** 40 }, { count: 0 }, { count: 2 ** 52 }])
    await journal.commit({ entries })
    expect(plain(await journal.read({ pts: 2 ** 40, ordinal: 0 }, everything, 10))).toEqual(plain(entries.slice(1)))
    expect(plain(await journal.readAt([2 ** 40 + 2 ** 52, 2 ** 40]))).toEqual(plain([entries[2], entries[0]]))
  })
}

let nextActor = 0

function isAfter(entry: Position, after: Position): boolean {
  return entry.pts > after.pts || (entry.pts === after.pts && entry.ordinal > after.ordinal)
}

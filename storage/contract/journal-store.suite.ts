import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { errorCode, type JournalEntry } from '../../runtime/index.js'
import type { NewHarness, StorageHarness, StorageProcess } from './harness.js'
import { checkpointSuite } from './journal-checkpoints.suite.js'
import { crashSuite } from './journal-crashes.suite.js'
import { readingSuite } from './journal-reading.suite.js'
import { takeoverSuite } from './journal-takeover.suite.js'
import { actorNamed, commitOne, facts, follow, headOf, openNext, plain, readAll, start } from './samples.js'

/**
 * What every driver of JournalStore promises (S1-S8 in runtime/journal-store.ts). A driver's test is one call:
 * `journalStoreSuite('LMDB', lmdbHarness)`. Uses the ports and the harness only.
 */
export function journalStoreSuite(driver: string, newHarness: NewHarness): void {
  describe(`JournalStore on ${driver}`, () => {
    describe('commits', () => commitSuite(newHarness))
    describe('reading', () => readingSuite(newHarness))
    describe('takeover', () => takeoverSuite(newHarness))
    describe('checkpoints', () => checkpointSuite(newHarness))
    describe('crashes', () => crashSuite(newHarness))
  })
}

function commitSuite(newHarness: NewHarness): void {
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

  test('a new journal is empty, at (0, 0)', async () => {
    const opened = await openNext(process, actorNamed('new'))
    expect(opened.tail).toEqual([])
    expect(opened.snapshot).toBeUndefined()
    expect(await readAll(opened.journal)).toEqual([])
  })

  test('S1: entries come back as they were given, from the handle and from the next open', async () => {
    const entries = follow(start, [
      { fact: 'one', body: 'body', atMs: 1_700_000_000_123 },
      { fact: '', body: '', atMs: 1_700_000_000_123 },
      { count: 0, fact: 'a draft', atMs: 1_700_000_000_200 },
      { count: 0, fact: 'another', atMs: 1_700_000_000_200 },
      { count: 5, fact: new Uint8Array([0, 255, 1]), atMs: 1_700_000_000_201 },
    ])
    const { journal } = await openNext(process, actorNamed('a'))
    await journal.commit({ entries: entries.slice(0, 3) })
    await journal.commit({ entries: entries.slice(3) })
    expect(plain(await readAll(journal))).toEqual(plain(entries))
    expect(plain((await openNext(process, actorNamed('a'))).tail)).toEqual(plain(entries))
  })

  test('S1: and after a restart, under a higher epoch', async () => {
    const { journal } = await openNext(process, actorNamed('a'))
    await commitOne(journal, start, { fact: 'kept', body: 'too' })
    await process.stop()
    const former = process.epoch
    process = await harness.start()
    expect(process.epoch).toBeGreaterThan(former)
    expect(plain((await openNext(process, actorNamed('a'))).tail)).toEqual(
      plain(follow(start, [{ fact: 'kept', body: 'too' }])),
    )
  })

  test('S2: a reader sees all of a commit or nothing, whenever it reads', async () => {
    const { journal } = await openNext(process, actorNamed('a'))
    let isDone = false
    const lengths = new Set<number>()
    const reading = (async () => {
      while (!isDone) {
        lengths.add((await readAll(journal)).length)
        await new Promise((resolve) => setImmediate(resolve))
      }
    })()
    let head = start
    for (let i = 0; i < 20; i++) {
      const entries = follow(head, ['a', { count: 0, fact: 'b' }, 'c'])
      await journal.commit({ entries })
      head = headOf(entries)
    }
    isDone = true
    await reading
    expect([...lengths].filter((length) => length % 3 !== 0)).toEqual([])
  })

  test('actors whose names begin alike have journals of their own', async () => {
    const names = ['1', '12', '2', '', '1/2', 'chat', 'ä', 'ä'.repeat(200), 'x'.repeat(3_000), `${'x'.repeat(3_000)}y`]
    const actors = [
      ...names.map((key) => actorNamed(key)),
      { kind: 'chat1', key: '2', shard: 3 },
      { kind: '', key: 'chat', shard: 3 },
    ]
    for (const [index, actor] of actors.entries()) {
      const { journal } = await openNext(process, actor)
      await commitOne(journal, start, `of ${index}`)
    }
    for (const [index, actor] of actors.entries()) {
      expect(facts((await openNext(process, actor)).tail)).toEqual([`of ${index}`])
    }
  })

  test('a body of a mebibyte, and a fact of one', async () => {
    const big = Buffer.alloc(1024 * 1024, 7)
    const { journal } = await openNext(process, actorNamed('a'))
    await commitOne(journal, start, { fact: big, body: big })
    const [read] = (await openNext(process, actorNamed('a'))).tail
    expect(Buffer.compare(read!.fact, big)).toBe(0)
    expect(Buffer.compare(read!.body!, big)).toBe(0)
  })

  test('thousands of entries in the tail, in order', async () => {
    const { journal } = await openNext(process, actorNamed('a'))
    let head = start
    const all: JournalEntry[] = []
    for (let i = 0; i < 50; i++) {
      const entries = follow(
        head,
        Array.from({ length: 100 }, (_, j) => `${i}:${j}`),
      )
      await journal.commit({ entries })
      all.push(...entries)
      head = headOf(entries)
    }
    const { tail } = await openNext(process, actorNamed('a'))
    expect(plain(tail)).toEqual(plain(all))
  })

  test('commits of hundreds of actors at once are all there', async () => {
    const actors = Array.from({ length: 300 }, (_, i) => actorNamed(`actor-${i}`))
    await Promise.all(
      actors.map(async (actor) => {
        const { journal } = await openNext(process, actor)
        let head = start
        for (let i = 0; i < 5; i++) head = await commitOne(journal, head, `${actor.key}:${i}`)
      }),
    )
    for (const actor of actors) {
      const { tail } = await openNext(process, actor)
      expect(facts(tail)).toEqual([0, 1, 2, 3, 4].map((i) => `${actor.key}:${i}`))
    }
  })

  test('entries that do not follow the head are refused and leave nothing', async () => {
    const { journal } = await openNext(process, actorNamed('a'))
    const head = await commitOne(journal, start, 'first')
    const wrong: JournalEntry[][] = [
      [],
      follow(start, ['first again']),
      follow({ pts: 5, ordinal: 0 }, ['beyond']),
      follow({ pts: 1, ordinal: 3 }, [{ count: 0 }]),
      [...follow(head, ['good']), ...follow(head, ['twice'])],
    ]
    for (const entries of wrong) {
      expect(errorCode(await journal.commit({ entries }).catch((error: unknown) => error))).toBe('INTERNAL')
    }
    expect(facts((await openNext(process, actorNamed('a'))).tail)).toEqual(['first'])
  })
}

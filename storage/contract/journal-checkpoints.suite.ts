import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { DerivedRow, Journal, Position } from '../../runtime/index.js'
import type { NewHarness, StorageHarness, StorageProcess } from './harness.js'
import {
  actorNamed,
  breathe,
  commitOne,
  everything,
  facts,
  follow,
  headOf,
  openNext,
  plain,
  readAll,
  start,
} from './samples.js'

/** S6, S7, S8 and J1: derived rows, snapshots, erasures of bodies and of journals. */
export function checkpointSuite(newHarness: NewHarness): void {
  let harness: StorageHarness
  let process: StorageProcess
  const actor = actorNamed('a')

  beforeEach(async () => {
    harness = newHarness()
    process = await harness.start()
  })
  afterEach(async () => {
    await process.stop()
    await harness.dispose()
  })

  async function restart(): Promise<void> {
    await process.stop()
    process = await harness.start()
  }

  const snapshotAt = (position: Position, state: string, version = 1) => ({
    position,
    version,
    state: Buffer.from(state),
  })
  const put = (journal: Journal, position: Position, rows: readonly DerivedRow[]) =>
    journal.checkpoint({ snapshot: snapshotAt(position, ''), rows, erased: [] })

  test('S8: an erased journal is empty, without snapshot and rows, also after a restart, and begins anew', async () => {
    const { journal } = await openNext(process, actor)
    const other = await openNext(process, actorNamed('ab'))
    await commitOne(other.journal, start, 'stays')
    let head = start
    for (let i = 0; i < 5; i++) head = await commitOne(journal, head, { fact: `${i}`, body: 'body' })
    const row = { table: 't', group: 'g', order: 1, value: Buffer.from('v') }
    await put(journal, head, [row])
    await commitOne(journal, head, 'after the snapshot')
    await journal.erase()
    await expect(commitOne(journal, start, 'late')).rejects.toThrow()
    for (let round = 0; round < 2; round++) {
      const opened = await openNext(process, actor)
      expect([opened.tail, opened.snapshot]).toEqual([[], undefined])
      expect(await opened.journal.get('t', 'g', 1)).toBeUndefined()
      expect(await opened.journal.scan({ table: 't', group: 'g', from: 0, to: 9, limit: 9 })).toEqual([])
      expect(await readAll(opened.journal)).toEqual([])
      await restart()
    }
    const anew = await openNext(process, actor)
    await commitOne(anew.journal, start, 'anew')
    await restart()
    expect(facts((await openNext(process, actor)).tail)).toEqual(['anew'])
    expect(facts((await openNext(process, actorNamed('ab'))).tail)).toEqual(['stays'])
  })

  test('S8: what was overtaken erases nothing', async () => {
    const { journal } = await openNext(process, actor)
    await commitOne(journal, start, 'one')
    const { journal: newer } = await openNext(process, actor)
    await expect(journal.erase()).rejects.toThrow()
    expect(facts(await readAll(newer))).toEqual(['one'])
  })

  test('S8: a crash in the middle of an erasure leaves all or nothing', async () => {
    for (let writes = 0; writes < 4; writes++) {
      const name = actorNamed(`crash ${writes}`)
      const { journal } = await openNext(process, name)
      const head = await commitOne(journal, start, 'one')
      await put(journal, head, [{ table: 't', group: 'g', order: 1, value: Buffer.from('v') }])
      await commitOne(journal, head, 'two')
      void harness.crashAfter(writes)
      const ended = journal.erase().then(() => true)
      await Promise.race([ended, breathe()])
      await harness.crash()
      process = await harness.start()
      const { tail, snapshot, journal: after } = await openNext(process, name)
      const left = [snapshot?.position.pts, tail.length, (await after.get('t', 'g', 1)) !== undefined]
      expect([
        [undefined, 0, false],
        [1, 1, true],
      ]).toContainEqual(left)
    }
  })

  test('S7: open returns the newest snapshot and the entries after it', async () => {
    const { journal } = await openNext(process, actor)
    let head = await commitOne(journal, start, 'one')
    await journal.checkpoint({ snapshot: snapshotAt(head, 'first', 3), rows: [], erased: [] })
    head = await commitOne(journal, head, 'two')
    head = await commitOne(journal, head, { count: 0, fact: 'three' })
    await journal.checkpoint({ snapshot: snapshotAt(head, 'second', 4), rows: [], erased: [] })
    head = await commitOne(journal, head, { count: 0, fact: 'four' })
    await commitOne(journal, head, 'five')
    for (let round = 0; round < 2; round++) {
      const { snapshot, tail } = await openNext(process, actor)
      expect(snapshot && { ...snapshot, state: Buffer.from(snapshot.state).toString() }).toEqual({
        position: { pts: 2, ordinal: 1 },
        version: 4,
        state: 'second',
      })
      expect(facts(tail)).toEqual(['four', 'five'])
      await restart()
    }
  })

  test('S7: a snapshot in the middle of a commit leaves the rest of it in the tail', async () => {
    const { journal } = await openNext(process, actor)
    await journal.commit({ entries: follow(start, ['one', { count: 0, fact: 'two' }, 'three']) })
    await journal.checkpoint({ snapshot: snapshotAt({ pts: 1, ordinal: 1 }, 's'), rows: [], erased: [] })
    const { snapshot, tail, journal: next } = await openNext(process, actor)
    expect(snapshot?.position).toEqual({ pts: 1, ordinal: 1 })
    expect(facts(tail)).toEqual(['three'])
    await commitOne(next, { pts: 2, ordinal: 0 }, 'four')
    expect(facts(await readAll(next))).toEqual(['one', 'two', 'three', 'four'])
  })

  test('S7: many snapshots in a row, and one that is taken again at the same position', async () => {
    const { journal } = await openNext(process, actor)
    let head = start
    for (let i = 0; i < 10; i++) {
      head = await commitOne(journal, head, `${i}`)
      await journal.checkpoint({ snapshot: snapshotAt(head, `${i}`), rows: [], erased: [] })
    }
    await journal.checkpoint({ snapshot: snapshotAt(head, 'again', 2), rows: [], erased: [] })
    const { snapshot, tail } = await openNext(process, actor)
    expect(Buffer.from(snapshot!.state).toString()).toBe('again')
    expect(tail).toEqual([])
  })

  test('a snapshot of a mebibyte, of nothing, and of an empty journal', async () => {
    const { journal } = await openNext(process, actor)
    await journal.checkpoint({ snapshot: snapshotAt(start, ''), rows: [], erased: [] })
    expect((await openNext(process, actor)).snapshot?.state.length).toBe(0)
    const big = Buffer.alloc(1024 * 1024, 9)
    const { journal: next } = await openNext(process, actor)
    const head = await commitOne(next, start, 'one')
    await next.checkpoint({ snapshot: { position: head, version: 1, state: big }, rows: [], erased: [] })
    expect(Buffer.compare((await openNext(process, actor)).snapshot!.state, big)).toBe(0)
  })

  test('J1: an erased body is gone for good; the entry, its fact and other bodies stay', async () => {
    const entries = follow(start, [
      { fact: 'one', body: 'secret' },
      { fact: 'two', body: 'public' },
      { count: 0, fact: 'note', body: 'kept' },
      { fact: 'three' },
      { fact: 'four', body: 'secret too' },
    ])
    const { journal } = await openNext(process, actor)
    await journal.commit({ entries: entries.slice(0, 3) })
    await journal.commit({ entries: entries.slice(3) })
    await journal.checkpoint({ snapshot: snapshotAt(start, ''), rows: [], erased: [4, 1, 3, 99] })
    const expected = entries.map(({ body, ...rest }) => (body && ![1, 4].includes(rest.pts) ? { ...rest, body } : rest))
    expected[2] = entries[2]!
    expect(plain(await readAll(journal))).toEqual(plain(expected))
    await restart()
    const { journal: next, tail } = await openNext(process, actor)
    expect(plain(tail)).toEqual(plain(expected))
    expect(plain(await next.readAt([1, 2]))).toEqual(plain(expected.slice(0, 2)))
  })

  test('J1: erasures of two checkpoints at once are both done', async () => {
    const { journal } = await openNext(process, actor)
    const entries = follow(
      start,
      Array.from({ length: 8 }, (_, i) => ({ fact: `${i}`, body: 'secret' })),
    )
    await journal.commit({ entries })
    const erase = (erased: number[]) => journal.checkpoint({ snapshot: snapshotAt(start, ''), rows: [], erased })
    await Promise.all([erase([1, 3]), erase([2, 8]), erase([5])])
    const left = (await readAll(journal)).filter((entry) => entry.body).map((entry) => entry.pts)
    expect(left).toEqual([4, 6, 7])
  })

  const names = ['', 't', 'ta', 'table', 'ä', 'g'.repeat(500), `${'g'.repeat(500)}h`]
  const bounds = [0, 255, 256, 4_095, 4_096, 2 ** 32 - 1, 2 ** 32, 2 ** 40 - 1, 2 ** 40, everything]
  const hashes = Array.from({ length: 8 }, (_, i) => (i * 2 + 1) * 2 ** 45 + i)
  const order = fc.oneof(fc.nat({ max: 12 }), fc.constantFrom(...bounds, ...hashes))
  const where = fc.record({ table: fc.constantFrom(...names), group: fc.constantFrom(...names) })
  const change = fc.record({
    where,
    order,
    value: fc.option(fc.uint8Array({ maxLength: 20 }), { nil: undefined, freq: 3 }),
  })
  const asked = fc.record({ where, a: order, b: order, limit: fc.nat({ max: 10 }), descending: fc.boolean() })

  test('S6: the last put of a row wins, and scans are in order, both ways (against a model)', async () => {
    let run = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(change, { maxLength: 15 }), { maxLength: 6 }),
        fc.array(asked, { maxLength: 12 }),
        async (checkpoints, questions) => {
          const { journal } = await openNext(process, actorNamed(`rows-${run++}`))
          const model = new Map<string, { table: string; group: string; order: number; value: Uint8Array }>()
          for (const changes of checkpoints) {
            await put(
              journal,
              start,
              changes.map(({ where: { table, group }, ...rest }) => ({ table, group, ...rest })),
            )
            for (const { where: at, order: of, value } of changes) {
              const key = JSON.stringify([at.table, at.group, of])
              if (value) model.set(key, { ...at, order: of, value })
              else model.delete(key)
            }
          }
          for (const { where: at, a, b, limit, descending } of questions) {
            const [from, to] = [Math.min(a, b), Math.max(a, b)]
            const expected = [...model.values()]
              .filter((row) => row.table === at.table && row.group === at.group && row.order >= from && row.order <= to)
              .sort((x, y) => (descending ? y.order - x.order : x.order - y.order))
              .slice(0, limit)
            const rows = await journal.scan({ ...at, from, to, limit, descending })
            expect(rows.map(comparable)).toEqual(expected.map(comparable))
            const got = await journal.get(at.table, at.group, a)
            const one = model.get(JSON.stringify([at.table, at.group, a]))?.value
            expect(got && [...got]).toEqual(one && [...one])
          }
        },
      ),
      { numRuns: 40 },
    )
  })

  test('S6: rows survive a takeover and a restart, and belong to their actor', async () => {
    const { journal } = await openNext(process, actor)
    const head = headOf(follow(start, ['one']))
    await commitOne(journal, start, 'one')
    await put(journal, head, [{ table: 't', group: 'g', order: 1, value: Buffer.from('old') }])
    const { journal: newer } = await openNext(process, actor)
    await put(newer, head, [{ table: 't', group: 'g', order: 1, value: Buffer.from('new') }])
    await restart()
    const { journal: next } = await openNext(process, actor)
    expect(Buffer.from((await next.get('t', 'g', 1))!).toString()).toBe('new')
    const { journal: other } = await openNext(process, actorNamed('b'))
    expect(await other.get('t', 'g', 1)).toBeUndefined()
    expect(await other.scan({ table: 't', group: 'g', from: 0, to: everything, limit: 10 })).toEqual([])
  })
}

function comparable({ table, group, order, value }: DerivedRow): unknown {
  return [table, group, order, value && [...value]]
}

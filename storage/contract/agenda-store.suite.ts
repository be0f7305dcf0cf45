import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ActorAddress, DueRow, Journal, Position, ShardRange, UndeliveredRow } from '../../runtime/index.js'
import type { NewHarness, StorageHarness, StorageProcess } from './harness.js'
import { actorNamed, commitOne, everything, openNext, start } from './samples.js'

/** What every driver of AgendaStore promises (CORE D2). */
export function agendaStoreSuite(driver: string, newHarness: NewHarness): void {
  describe(`AgendaStore on ${driver}`, () => {
    let harness: StorageHarness
    let process: StorageProcess
    const allShards: ShardRange = { from: 0, to: 4095 }

    beforeEach(async () => {
      harness = newHarness()
      process = await harness.start()
    })
    afterEach(async () => {
      await process.stop()
      await harness.dispose()
    })

    const sweep = async (shards: ShardRange = allShards): Promise<UndeliveredRow[]> => {
      const rows: UndeliveredRow[] = []
      await process.agenda.sweepUndelivered(shards, async (page) => {
        rows.push(...page)
      })
      return rows
    }
    const swept = async (shards?: ShardRange) =>
      (await sweep(shards)).map((row) => `${row.actor.key}@${row.epoch}`).sort()

    const owe = async (actor: ActorAddress, head: Position = start, journal?: Journal) => {
      const handle = journal ?? (await openNext(process, actor)).journal
      return { journal: handle, head: await commitOne(handle, head, 'owes', { undelivered: true }) }
    }

    const restart = async () => {
      await process.stop()
      process = await harness.start()
    }

    test('an undelivered row is swept with its address and epoch, in its shard only, also after a restart', async () => {
      await owe({ kind: 'chat', key: 'a', shard: 0 })
      await owe({ kind: 'chat', key: 'b', shard: 5 })
      await owe({ kind: 'user', key: 'ü'.repeat(300), shard: 4095 })
      const { epoch } = process
      for (let round = 0; round < 2; round++) {
        expect(await swept({ from: 0, to: 4 })).toEqual([`a@${epoch}`])
        expect(await swept({ from: 5, to: 5 })).toEqual([`b@${epoch}`])
        expect(await sweep({ from: 6, to: 4095 })).toEqual([
          { actor: { kind: 'user', key: 'ü'.repeat(300), shard: 4095 }, epoch },
        ])
        await restart()
      }
    })

    test('a commit without the row writes none', async () => {
      const { journal } = await openNext(process, actorNamed('quiet'))
      await commitOne(journal, start, 'owes nothing')
      expect(await sweep()).toEqual([])
    })

    test('a removal that was acknowledged stays, after a restart too', async () => {
      await owe(actorNamed('a'))
      await process.agenda.removeUndelivered(actorNamed('a'), process.epoch)
      expect(await sweep()).toEqual([])
      await restart()
      expect(await sweep()).toEqual([])
    })

    test('a removal takes the rows of its epoch and of earlier ones, and no later one', async () => {
      await owe(actorNamed('a'))
      await owe(actorNamed('other'))
      const first = process.epoch
      await restart()
      await owe(actorNamed('a'), { pts: 1, ordinal: 0 })
      const second = process.epoch
      expect(await swept()).toEqual([`a@${first}`, `a@${second}`, `other@${first}`].sort())
      await process.agenda.removeUndelivered(actorNamed('a'), first)
      expect(await swept()).toEqual([`a@${second}`, `other@${first}`].sort())
      await process.agenda.removeUndelivered(actorNamed('a'), second)
      expect(await swept()).toEqual([`other@${first}`])
    })

    test('a row that is written after its removal was sent stays', async () => {
      const { journal, head } = await owe(actorNamed('a'))
      let position = head
      for (let round = 0; round < 20; round++) {
        const removing = process.agenda.removeUndelivered(actorNamed('a'), process.epoch)
        position = (await owe(actorNamed('a'), position, journal)).head
        await removing
        expect(await swept()).toEqual([`a@${process.epoch}`])
      }
      await restart()
      expect((await sweep()).map((row) => row.actor.key)).toEqual(['a'])
    })

    test('a removal that is sent while the row is being written wins over it', async () => {
      const { journal } = await openNext(process, actorNamed('a'))
      const writing = commitOne(journal, start, 'owes', { undelivered: true })
      await process.agenda.removeUndelivered(actorNamed('a'), process.epoch)
      await writing
      expect(await sweep()).toEqual([])
    })

    test('thousands of rows come in pages, each once, also while rows are removed and written', async () => {
      const actors = Array.from({ length: 1_500 }, (_, i) => actorNamed(`many-${i}`, i % 4096))
      await Promise.all(actors.map((actor) => owe(actor)))
      const seen: string[] = []
      let pages = 0
      await process.agenda.sweepUndelivered(allShards, async (rows) => {
        pages++
        seen.push(...rows.map((row) => row.actor.key))
        await Promise.all(rows.map((row) => process.agenda.removeUndelivered(row.actor, row.epoch)))
      })
      expect(pages).toBeGreaterThan(1)
      expect(seen.sort()).toEqual(actors.map((actor) => actor.key).sort())
      expect(await sweep()).toEqual([])
    })

    test('an error of the visitor ends the sweep', async () => {
      await owe(actorNamed('a'))
      const sweeping = process.agenda.sweepUndelivered(allShards, async () => {
        throw new Error('enough')
      })
      await expect(sweeping).rejects.toThrow('enough')
    })

    test('due rows: earliest first, to the moment asked for, at most so many, of these shards (against a model)', async () => {
      const row = fc.record({
        key: fc.constantFrom('a', 'b', 'c'),
        name: fc.constantFrom('wake', 'sleep', '', 'n'.repeat(400)),
        dueAtMs: fc.oneof(fc.nat({ max: 20 }), fc.constantFrom(1_700_000_000_000, 2 ** 32, everything)),
      })
      const shards: Record<string, number> = { a: 0, b: 9, c: 4095 }
      const question = fc.record({
        untilMs: fc.oneof(fc.nat({ max: 20 }), fc.constant(everything)),
        limit: fc.nat({ max: 8 }),
        from: fc.constantFrom(0, 5),
        to: fc.constantFrom(9, 4095),
      })
      await fc.assert(
        fc.asyncProperty(
          fc.array(row, { maxLength: 12 }),
          fc.array(question, { maxLength: 5 }),
          async (rows, asked) => {
            const actorOf = (key: string): ActorAddress => ({ kind: 'chat', key, shard: shards[key]! })
            const model = new Map<string, DueRow>()
            for (const { key, name, dueAtMs } of rows) {
              const { journal, tail } = await openNext(process, actorOf(key))
              await commitOne(journal, { pts: tail.length, ordinal: 0 }, 'x', { due: [{ name, dueAtMs }] })
              model.set(JSON.stringify([key, name, dueAtMs]), { actor: actorOf(key), name, dueAtMs })
            }
            for (const { untilMs, limit, from, to } of asked) {
              const expected = [...model.values()].filter(
                ({ actor, dueAtMs }) => dueAtMs <= untilMs && actor.shard >= from && actor.shard <= to,
              )
              const found = await process.agenda.due({ from, to }, untilMs, limit)
              const times = expected.map((each) => each.dueAtMs).sort((x, y) => x - y)
              expect(found.map((each) => each.dueAtMs)).toEqual(times.slice(0, limit))
              for (const each of found) expect(expected).toContainEqual(each)
              expect(new Set(found.map((each) => JSON.stringify(each))).size).toBe(found.length)
            }
            for (const each of model.values()) await process.agenda.removeDue(each)
            expect(await process.agenda.due(allShards, everything, 100)).toEqual([])
          },
        ),
        { numRuns: 25 },
      )
    })

    test('a removed reminder stays removed; others of the actor stay', async () => {
      const actor = actorNamed('a')
      const { journal } = await openNext(process, actor)
      await commitOne(journal, start, 'x', {
        due: [
          { name: 'wake', dueAtMs: 10 },
          { name: 'wake', dueAtMs: 20 },
          { name: 'sleep', dueAtMs: 10 },
        ],
      })
      await process.agenda.removeDue({ actor, name: 'wake', dueAtMs: 10 })
      await process.agenda.removeDue({ actor, name: 'wake', dueAtMs: 11 })
      await restart()
      const rows = await process.agenda.due(allShards, 100, 10)
      expect(rows.map(({ name, dueAtMs }) => `${name}@${dueAtMs}`)).toEqual(['sleep@10', 'wake@20'])
    })
  })
}

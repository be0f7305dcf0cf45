import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { ActorAddress, UndeliveredRow } from '../../runtime/index.js'
import type { NewHarness, StorageHarness, StorageProcess } from './harness.js'
import { actorNamed, breathe, commitOne, everything, facts, follow, openNext, readAll, start } from './samples.js'

/** S1, S2, S4, S7 and D2 under crashes: at any moment, and between any two writes. */
export function crashSuite(newHarness: NewHarness): void {
  let harness: StorageHarness

  beforeEach(() => {
    harness = newHarness()
  })
  afterEach(() => harness.dispose())

  const allShards = { from: 0, to: 4095 }
  const undelivered = async (process: StorageProcess): Promise<UndeliveredRow[]> => {
    const rows: UndeliveredRow[] = []
    await process.agenda.sweepUndelivered(allShards, async (page) => {
      rows.push(...page)
    })
    return rows
  }

  test('S1: what was acknowledged is there after a crash at any moment, and nothing that was not given', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 12 }), fc.nat({ max: 40 }), async (actors, patience) => {
        let process = await harness.start()
        const given = new Map<string, string[]>()
        const acknowledged = new Map<string, number>()
        const base = new Map<string, number>()
        for (let i = 0; i < actors; i++) {
          const { journal, tail } = await openNext(process, actorNamed(`${i}`))
          const history = facts(tail)
          given.set(`${i}`, history)
          base.set(`${i}`, history.length)
          acknowledged.set(`${i}`, history.length)
          void (async () => {
            for (let pts = history.length; ; pts++) {
              const fact = `${process.epoch}:${pts}`
              given.get(`${i}`)!.push(fact)
              await commitOne(journal, { pts, ordinal: 0 }, fact)
              acknowledged.set(`${i}`, pts + 1)
            }
          })()
        }
        for (let i = 0; i < patience; i++) await breathe()
        await harness.crash()
        process = await harness.start()
        for (let i = 0; i < actors; i++) {
          const { tail } = await openNext(process, actorNamed(`${i}`))
          const all = given.get(`${i}`)!
          expect(tail.length).toBeGreaterThanOrEqual(acknowledged.get(`${i}`)!)
          expect(facts(tail)).toEqual(all.slice(0, tail.length))
        }
        await process.stop()
      }),
      { numRuns: 20 },
    )
  })

  test('S1, S2, S4, S7: a crash between any two writes', async () => {
    let crashes = 0
    for (let writes = 0; ; writes++) {
      const actor = actorNamed(`between-${writes}`)
      const process = await harness.start()
      const done: string[] = []
      const died = harness.crashAfter(writes)
      const finished = scenario(process, actor, done).then(() => true)
      const isFinished = await Promise.race([finished, died.then(() => false)])
      await harness.crash()
      const next = await harness.start()
      await check(next, actor, done)
      await next.stop()
      if (isFinished) break
      crashes++
    }
    expect(crashes).toBeGreaterThan(5)
  })

  /** Notes each step once it was acknowledged. */
  async function scenario(process: StorageProcess, actor: ActorAddress, done: string[]): Promise<void> {
    const { journal } = await openNext(process, actor)
    await journal.commit({
      entries: follow(start, [{ fact: 'one', body: 'b1' }, 'two', { count: 0, fact: 'three' }]),
      before: { undelivered: true, due: [{ name: 'wake', dueAtMs: 1_000 }] },
    })
    done.push('first commit')
    await commitOne(journal, { pts: 2, ordinal: 1 }, { fact: 'four', body: 'b4' })
    done.push('second commit')
    const row = (value: string) => ({ table: 't', group: 'g', order: 1, value: Buffer.from(value) })
    const snapshot = (pts: number) => ({ position: { pts, ordinal: 0 }, version: 1, state: Buffer.from(`${pts}`) })
    await journal.checkpoint({ snapshot: snapshot(3), rows: [row('of three')], erased: [1] })
    done.push('first checkpoint')
    await commitOne(journal, { pts: 3, ordinal: 0 }, 'five')
    await journal.checkpoint({ snapshot: snapshot(4), rows: [row('of four')], erased: [3] })
    done.push('second checkpoint')
    await process.agenda.removeUndelivered(actor, process.epoch)
    await process.agenda.removeDue({ actor, name: 'wake', dueAtMs: 1_000 })
    await commitOne(journal, { pts: 4, ordinal: 0 }, 'six', { undelivered: true })
    done.push('third commit')
  }

  async function check(process: StorageProcess, actor: ActorAddress, done: readonly string[]): Promise<void> {
    const { journal, snapshot, tail } = await openNext(process, actor)
    const history = await readAll(journal)
    const lengths: Record<string, number> = {
      'first commit': 3,
      'second commit': 4,
      'second checkpoint': 5,
      'third commit': 6,
    }
    const acknowledged = Math.max(0, ...done.map((step) => lengths[step] ?? 0))
    expect(history.length).toBeGreaterThanOrEqual(acknowledged)
    expect([0, 3, 4, 5, 6]).toContain(history.length)
    expect(facts(history)).toEqual(['one', 'two', 'three', 'four', 'five', 'six'].slice(0, history.length))
    const covered = snapshot ? history.filter((entry) => entry.pts <= snapshot.position.pts).length : 0
    expect(facts(tail)).toEqual(facts(history).slice(covered))

    // The snapshot is the watermark of its rows and erasures: they are there when it is.
    const row = await journal.get('t', 'g', 1)
    if (snapshot)
      expect(Buffer.from(row!).toString()).toMatch(snapshot.position.pts === 4 ? /^of four$/ : /^of (three|four)$/)
    if (snapshot) expect(history[0]?.body).toBeUndefined()
    if (done.includes('first checkpoint')) expect(snapshot?.position.pts).toBeGreaterThanOrEqual(3)
    if (done.includes('second checkpoint')) expect(snapshot?.position.pts).toBe(4)

    const owes = (await undelivered(process)).some((each) => each.actor.key === actor.key)
    const isDue = (await process.agenda.due(allShards, everything, 1_000)).some((each) => each.actor.key === actor.key)
    // S4: never an entry without the rows that must come before it, unless they were removed since.
    if (history.length === 3 || history.length === 4 || history.length === 6) expect(owes).toBe(true)
    if (history.length === 3 || history.length === 4) expect(isDue).toBe(true)
  }
}

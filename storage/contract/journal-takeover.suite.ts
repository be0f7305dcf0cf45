import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { errorCode, type Journal, type OpenedJournal } from '../../runtime/index.js'
import type { NewHarness, StorageHarness, StorageProcess } from './harness.js'
import { actorNamed, breathe, commitOne, facts, follow, openNext, plain, readAll, start } from './samples.js'

/** S3: an overtaken owner is harmless. */
export function takeoverSuite(newHarness: NewHarness): void {
  let harness: StorageHarness
  let process: StorageProcess
  const actor = actorNamed('contested')

  beforeEach(async () => {
    harness = newHarness()
    process = await harness.start()
  })
  afterEach(async () => {
    await process.stop()
    await harness.dispose()
  })

  const codeOf = async (work: Promise<unknown>): Promise<string | undefined> =>
    work.then(
      () => 'acknowledged',
      (error) => errorCode(error),
    )

  test('S3: a late commit of an older handle is refused and never seen', async () => {
    const { journal: older } = await openNext(process, actor)
    const head = await commitOne(older, start, 'of the older')
    const { journal: newer } = await openNext(process, actor)
    expect(await codeOf(commitOne(older, head, 'late'))).toBe('OVERTAKEN')
    await commitOne(newer, head, 'of the newer')
    expect(await codeOf(commitOne(older, head, 'later still'))).toBe('OVERTAKEN')
    expect(facts(await readAll(newer))).toEqual(['of the older', 'of the newer'])
    expect(facts((await openNext(process, actor)).tail)).toEqual(['of the older', 'of the newer'])
  })

  test('S3: rows, erasures and snapshots of an older handle are refused and never seen', async () => {
    const { journal: older } = await openNext(process, actor)
    const head = await commitOne(older, start, { fact: 'fact', body: 'body' })
    const { journal: newer } = await openNext(process, actor)
    const late = older.checkpoint({
      snapshot: { position: head, version: 9, state: Buffer.from('late') },
      rows: [{ table: 't', group: 'g', order: 1, value: Buffer.from('late') }],
      erased: [1],
    })
    expect(await codeOf(late)).toBe('OVERTAKEN')
    expect(await newer.get('t', 'g', 1)).toBeUndefined()
    const { snapshot, tail } = await openNext(process, actor)
    expect(snapshot).toBeUndefined()
    expect(plain(tail)).toEqual(plain(follow(start, [{ fact: 'fact', body: 'body' }])))
  })

  test('S3: a commit that is in flight at the takeover is in what the newer open returns, or never seen', async () => {
    let head = start
    for (let round = 0; round < 30; round++) {
      const { journal: older } = await openNext(process, actor)
      let isTaken = false
      const inFlight = codeOf(commitOne(older, head, `in flight ${round}`)).then((outcome) => {
        if (isTaken) expect(outcome).toBe('OVERTAKEN')
      })
      for (let i = 0; i < round % 5; i++) await breathe()
      const { journal: newer, tail } = await openNext(process, actor)
      isTaken = true
      await inFlight
      expect(plain(await readAll(newer))).toEqual(plain(tail))
      head = await commitOne(newer, { pts: tail.length, ordinal: 0 }, `settled ${round}`)
      expect(facts(await readAll(newer)).slice(0, -1)).toEqual(facts(tail))
    }
  })

  test('S3: what was acknowledged before is in what the newer open returns', async () => {
    for (let round = 0; round < 20; round++) {
      const { journal, tail } = await openNext(process, actor)
      const committing = codeOf(commitOne(journal, { pts: tail.length, ordinal: 0 }, `${round}`))
      for (let i = 0; i < round % 4; i++) await breathe()
      const opening = openNext(process, actor)
      const outcome = await committing
      const { tail: next } = await opening
      if (outcome === 'acknowledged') expect(facts(next)).toContain(`${round}`)
      else expect(outcome).toBe('OVERTAKEN')
    }
  })

  test('S3: three takeovers in a row, the first with a commit in flight: only the last may write', async () => {
    const { journal: first } = await openNext(process, actor)
    const inFlight = codeOf(commitOne(first, start, 'in flight'))
    const openings = [openNext(process, actor), openNext(process, actor), openNext(process, actor)]
    const settled = await Promise.allSettled(openings)
    await inFlight
    const last = settled[2] as PromiseFulfilledResult<OpenedJournal>
    expect(last.status).toBe('fulfilled')
    const head = { pts: last.value.tail.length, ordinal: 0 }
    const overtaken = settled.slice(0, 2).flatMap((each) => (each.status === 'fulfilled' ? [each.value.journal] : []))
    for (const journal of [first, ...overtaken]) {
      expect(await codeOf(commitOne(journal, head, 'late'))).toBe('OVERTAKEN')
    }
    for (const each of settled.slice(0, 2)) {
      if (each.status === 'rejected') expect(errorCode(each.reason)).toBe('OVERTAKEN')
    }
    await commitOne(last.value.journal, head, 'of the last')
    const { tail } = await openNext(process, actor)
    expect(facts(tail)).toEqual([...facts(last.value.tail), 'of the last'])
  })

  test('S3: an older writer cannot take over from a newer one', async () => {
    const { journal } = await process.journals.open(actor, { epoch: process.epoch, attempt: 7, mayKeepWriter: false })
    const head = await commitOne(journal, start, 'newer')
    const older = process.journals.open(actor, { epoch: process.epoch, attempt: 6, mayKeepWriter: false })
    expect(await codeOf(older)).toBe('OVERTAKEN')
    const former = process.journals.open(actor, { epoch: process.epoch - 1, attempt: 99, mayKeepWriter: false })
    expect(await codeOf(former)).toBe('OVERTAKEN')
    await commitOne(journal, head, 'undisturbed')
    expect(facts(await readAll(journal))).toEqual(['newer', 'undisturbed'])
  })

  test('S3: nor after a restart, when the newer one had committed', async () => {
    const { epoch } = process
    const { journal } = await process.journals.open(actor, { epoch, attempt: 7, mayKeepWriter: false })
    await commitOne(journal, start, 'newer')
    await process.stop()
    process = await harness.start()
    expect(await codeOf(process.journals.open(actor, { epoch, attempt: 6, mayKeepWriter: false }))).toBe('OVERTAKEN')
    expect(facts((await openNext(process, actor)).tail)).toEqual(['newer'])
  })

  test('a closed handle acknowledges nothing; the next open goes on where it ended', async () => {
    const { journal } = await openNext(process, actor)
    const head = await commitOne(journal, start, 'one')
    journal.close()
    expect(await codeOf(commitOne(journal, head, 'two'))).toBe('OVERTAKEN')
    const { journal: next, tail } = await openNext(process, actor)
    expect(facts(tail)).toEqual(['one'])
    await commitOne(next, head, 'two')
  })

  /** Opens under the process's epoch, told where the journal stands if the driver's handle had said so. */
  const openTold = (handed: Uint8Array | undefined) =>
    process.journals.open(actor, {
      ...{ epoch: process.epoch, attempt: 0, mayKeepWriter: false },
      ...(handed && { handed }),
    })

  const restart = async () => {
    await process.stop()
    process = await harness.start()
  }

  test('S9: who is told where the journal stands goes on from there, and the next open finds one history', async () => {
    const { journal: older } = await openNext(process, actor)
    const second = await commitOne(older, await commitOne(older, start, 'first'), 'second')
    const handed = older.handOver?.()
    await restart()
    const { journal, tail, snapshot, isHanded = false } = await openTold(handed)
    expect(isHanded).toBe(handed !== undefined)
    expect(snapshot).toBeUndefined()
    expect(facts(tail)).toEqual(isHanded ? [] : ['first', 'second'])
    await commitOne(journal, second, 'third')
    expect(facts(await readAll(journal))).toEqual(['first', 'second', 'third'])
    expect(facts((await openNext(process, actor)).tail)).toEqual(['first', 'second', 'third'])
  })

  test('S9: a handle that has something in flight says nothing', async () => {
    const { journal } = await openNext(process, actor)
    if (journal.handOver === undefined) return
    const committing = commitOne(journal, start, 'first')
    expect(journal.handOver()).toBeUndefined()
    await committing
    expect(journal.handOver()).toBeDefined()
    await journal.erase()
    expect(journal.handOver()).toBeUndefined()
  })

  test('S9: what was said under another epoch than the one before is left aside', async () => {
    const { journal: older } = await openNext(process, actor)
    const first = await commitOne(older, start, 'first')
    const handed = older.handOver?.()
    await restart()
    await commitOne((await openNext(process, actor)).journal, first, 'second')
    await restart()
    const { tail, isHanded = false } = await openTold(handed)
    expect(isHanded).toBe(false)
    expect(facts(tail)).toEqual(['first', 'second'])
  })

  test('S3: any interleaving of takeovers and commits leaves one history that holds all that was acknowledged', async () => {
    const step = fc.record({
      do: fc.constantFrom('open' as const, 'commit' as const, 'checkpoint' as const, 'breathe' as const),
      who: fc.nat({ max: 5 }),
    })
    let run = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        const contested = actorNamed(`contested-${run++}`)
        const handles: { journal: Journal; length: number }[] = []
        const acknowledged: string[] = []
        const running: Promise<unknown>[] = []
        const opened = async () => {
          const { journal, tail } = await openNext(process, contested)
          handles.push({ journal, length: tail.length })
        }
        await opened()
        for (const [index, { do: what, who }] of steps.entries()) {
          const handle = handles[Math.max(0, handles.length - 1 - who)]!
          const position = { pts: handle.length, ordinal: 0 }
          if (what === 'open') running.push(opened().catch(() => undefined))
          else if (what === 'breathe') await breathe()
          else if (what === 'checkpoint') {
            const snapshot = { position, version: 1, state: Buffer.from(`${position.pts}`) }
            running.push(codeOf(handle.journal.checkpoint({ snapshot, rows: [], erased: [] })))
          } else {
            const committing = commitOne(handle.journal, position, `${index}`).then(
              () => {
                handle.length++
                acknowledged.push(`${index}`)
              },
              () => undefined,
            )
            running.push(committing)
          }
        }
        await Promise.all(running)
        const { journal, tail, snapshot } = await openNext(process, contested)
        const history = facts(await readAll(journal))
        expect(history.filter((fact) => acknowledged.includes(fact))).toEqual(acknowledged)
        expect(new Set(history).size).toBe(history.length)
        const covered = snapshot ? Number(Buffer.from(snapshot.state).toString()) : 0
        expect(facts(tail)).toEqual(history.slice(covered))
      }),
      { numRuns: 60 },
    )
  })
}

/**
 * A data directory is copied through the ports, here to another embedded store; and any end of the process in between is
 * made good by starting again.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { ActorError, type Journal, type JournalStore, systemClock, systemRandom } from '../../runtime/index.js'
import { noLog } from '../../runtime/testing/index.js'
import { type ActorName, openEmbeddedData, openEmbeddedStorage } from '../../storage/index.js'
import { withAttempts } from './attempts.js'
import { contentsOf } from './contents.js'
import { migrate } from './migration.js'
import type { MigrationTarget } from './target.js'
import { erasedText, makeSampleData } from './testing/sample-data.js'
import { refuseUnfinishedCopy } from './unfinished-copy.js'
import { verify } from './verification.js'

const clock = systemClock
const random = systemRandom
const scratch = mkdtempSync(join(tmpdir(), 'heliograph-migration-'))
const from = join(scratch, 'from')

beforeAll(() => makeSampleData(from, 60))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

const ends: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

async function openSource() {
  const data = await openEmbeddedData({ directory: from, clock, log: noLog })
  ends.push(() => data.close())
  return { ...data, journals: withAttempts(data.journals) }
}

/** Writes so many commits and checkpoints, then none any more. */
function dyingAfter(journals: JournalStore, writes: number): JournalStore {
  let left = writes
  const counted = async (write: () => Promise<void>) => {
    if (left-- <= 0) throw new ActorError('STOPPED', 'the process is gone')
    await write()
  }
  const dying = (journal: Journal): Journal => ({
    commit: (commit) => counted(() => journal.commit(commit)),
    checkpoint: (checkpoint) => counted(() => journal.checkpoint(checkpoint)),
    erase: () => journal.erase(),
    read: (after, toPts, limit) => journal.read(after, toPts, limit),
    readAt: (pts) => journal.readAt(pts),
    scan: (scan) => journal.scan(scan),
    get: (table, group, order) => journal.get(table, group, order),
    close: () => journal.close(),
  })
  return {
    async open(actor, request) {
      const opened = await journals.open(actor, request)
      return { ...opened, journal: dying(opened.journal) }
    },
  }
}

let targets = 0

/** An embedded store in the place of servers; what was ever opened in it is known beyond its processes. */
function newTarget() {
  const directory = join(scratch, `to-${++targets}`)
  const known = new Map<string, ActorName>()
  const rows = { names: new Set<string>(), indexed: new Set<string>(), accounts: new Set<number>() }
  return {
    directory,
    async open(writes = Number.POSITIVE_INFINITY): Promise<MigrationTarget> {
      const storage = await openEmbeddedStorage({ directory, clock, log: noLog })
      const journals = withAttempts(dyingAfter(storage.journals, writes))
      return {
        agenda: storage.agenda,
        // Counted here: the servers count theirs themselves (storage/postgres/row-counts.server.test.ts).
        names: {
          put: (name, user) => {
            rows.indexed.add(`${name.toLowerCase()} ${user}`)
            return storage.names.put(name, user)
          },
          remove: (name, user) => storage.names.remove(name, user),
          prefix: (query, limit) => storage.names.prefix(query, limit),
        },
        directory: {
          find: (keys) => storage.directory.find(keys),
          reserve: (key) => {
            rows.names.add(`${key.kind} ${key.name}`)
            return storage.directory.reserve(key)
          },
          confirm: (key) => storage.directory.confirm(key),
          release: (key) => storage.directory.release(key),
        },
        accounts: {
          get: (wanted) => storage.accounts.get(wanted),
          put: (row) => {
            rows.accounts.add(row.id)
            return storage.accounts.put(row)
          },
        },
        rowCounts: async () => ({ names: rows.names.size, indexed: rows.indexed.size, accounts: rows.accounts.size }),
        epoch: storage.ownership.epoch,
        journals: {
          open(actor, request) {
            known.set(`${actor.kind}/${actor.key}`, actor)
            return journals.open(actor, request)
          },
        },
        owned: async () => undefined,
        async *actors() {
          yield* known.values()
        },
        close: () => storage.close(),
      }
    },
  }
}

type Source = Awaited<ReturnType<typeof openSource>>

async function copy(source: Source, target: MigrationTarget, fingerprint = 'one') {
  const said: string[] = []
  const copied = await migrate({ source, target, fingerprint, clock, say: (line) => said.push(line) })
  return { copied, said }
}

const compare = (source: Source, target: MigrationTarget) =>
  verify({ source, target, clock, random, say: () => undefined })

test('all of a directory arrives, and every account answers the same', async () => {
  const source = await openSource()
  const place = newTarget()
  const target = await place.open()
  const { copied } = await copy(source, target)
  const { kinds } = contentsOf(source)
  expect(copied).toMatchObject({ names: 4, accounts: 5 })
  expect(copied.actors).toBe([...kinds.values()].reduce((sum, { actors }) => sum + actors, 0))
  const { differences, ...counts } = await compare(source, target)
  expect(differences.first).toEqual([])
  expect(counts).toMatchObject({
    actors: copied.actors,
    entries: copied.entries,
    names: 4,
    accountRows: 5,
    accounts: 4,
  })
  expect(counts.rows).toBeGreaterThan(200)
  expect(counts.reminders).toBe(1)
  expect(counts.answers).toBeGreaterThan(40)
  const name = { kind: 'username', name: 'anna_sample' } as const
  expect(await target.directory.find([name])).toMatchObject([{ holder: 1001, owned: true, token: 1_700_000_000_000 }])
  const reserved = await target.directory.reserve({ kind: 'username', name: 'given_up', user: 1004, atMs: 1 })
  expect(reserved.token).toBeGreaterThan(5_000)
  await target.close()
  expect(readFileSync(join(place.directory, 'data.mdb')).includes(erasedText)).toBe(false)
})

test('a copy that was cut off anywhere goes on, and ends as one that was not', async () => {
  const source = await openSource()
  const place = newTarget()
  let ends = 0
  for (let writes = 1; ; writes += 2) {
    const target = await place.open(writes)
    const isOver = await copy(source, target).then(
      () => true,
      () => false,
    )
    if (isOver) {
      expect((await compare(source, target)).differences.first).toEqual([])
      const { said } = await copy(source, target)
      expect(said.join()).toContain('Copied already')
      await refuseUnfinishedCopy(target.journals, target.epoch, 4096)
      await target.close()
      break
    }
    ends++
    await target.close()
    const later = await place.open()
    await expect(refuseUnfinishedCopy(later.journals, later.epoch, 4096)).rejects.toMatchObject({ code: 'REFUSED' })
    await later.close()
  }
  expect(ends).toBeGreaterThan(2)
})

test('a target with data of its own, or of another directory, stays as it is', async () => {
  const source = await openSource()
  const target = await newTarget().open()
  const actor = { kind: 'user', key: '7', shard: 1 }
  const opened = await target.journals.open(actor, { epoch: target.epoch, attempt: 1, mayKeepWriter: false })
  opened.journal.close()
  await expect(copy(source, target)).rejects.toMatchObject({ code: 'REFUSED', details: { reason: 'TARGET_NOT_EMPTY' } })
  await target.close()

  const other = await newTarget().open()
  await copy(source, other)
  await expect(copy(source, other, 'two')).rejects.toMatchObject({ details: { reason: 'OTHER_MIGRATION' } })
  await other.close()
})

test('servers that hold names or account rows of somebody are refused, and left as they are', async () => {
  const source = await openSource()
  const place = newTarget()
  const target = await place.open()
  await target.directory.reserve({ kind: 'username', name: 'foreign', user: 7, atMs: 1 })
  await expect(copy(source, target)).rejects.toMatchObject({ code: 'REFUSED', details: { reason: 'TARGET_NOT_EMPTY' } })
  expect(await actorsOf(target)).toEqual([])
  await target.close()
})

test('what is there and not in the directory is found: a name, a row, one of the search index', async () => {
  const source = await openSource()
  const target = await newTarget().open()
  await copy(source, target)
  await target.directory.reserve({ kind: 'username', name: 'foreign', user: 7, atMs: 1 })
  await target.names.put('Foreign', 7)
  const [account] = source.accounts()
  await target.accounts.put({ ...account!, id: 777_777 })
  const { differences } = await compare(source, target)
  expect(differences.first).toEqual([
    'names: 4 in the directory, 5 on the servers',
    expect.stringMatching(/^names of the search index: \d+ in the directory, \d+ on the servers$/),
    'account rows: 5 in the directory, 6 on the servers',
  ])
  await target.close()
})

test('--verify-only before a copy is refused, and the copy is made all the same', async () => {
  const source = await openSource()
  const place = newTarget()
  const target = await place.open()
  await expect(compare(source, target)).rejects.toMatchObject({ details: { reason: 'NOT_MIGRATED' } })
  expect(await actorsOf(target)).toEqual([])
  await target.close()
  const cutOff = await place.open(3)
  await expect(copy(source, cutOff)).rejects.toThrow()
  await expect(compare(source, cutOff)).rejects.toMatchObject({ details: { reason: 'NOT_MIGRATED' } })
  await cutOff.close()
  const whole = await place.open()
  await copy(source, whole)
  expect((await compare(source, whole)).differences.first).toEqual([])
  await whole.close()
})

async function actorsOf(target: MigrationTarget): Promise<ActorName[]> {
  const all: ActorName[] = []
  for await (const actor of target.actors()) all.push(actor)
  return all
}

test('what was changed on the copy is found: a row, an account', async () => {
  const source = await openSource()
  const target = await newTarget().open()
  await copy(source, target)
  const actor = [...source.actors()].find(({ kind, key }) => kind === 'user' && key === '1001')!
  const opened = await target.journals.open(actor, { epoch: target.epoch, attempt: 1, mayKeepWriter: false })
  const [row] = source.rows(actor)
  const changed = { ...row!, value: Buffer.of(1) }
  await opened.journal.checkpoint({ snapshot: opened.snapshot!, rows: [changed], erased: [] })
  opened.journal.close()
  const account = [...source.accounts()].find(({ id }) => id === 9001)
  await target.accounts.put({ ...account!, version: { pts: 99, ordinal: 0 }, about: 'other' })
  const { differences } = await compare(source, target)
  expect(differences.first.join('\n')).toMatch(/user\/1001: row .* is another/)
  expect(differences.first.join('\n')).toMatch(/account 9001: another row/)
  await target.close()
})

test('a directory that a server has open, and one without data, are refused', async () => {
  const storage = await openEmbeddedStorage({ directory: from, clock, log: noLog })
  await expect(openSource()).rejects.toMatchObject({ details: { reason: 'DIRECTORY_IN_USE' } })
  await storage.close()
  const nowhere = openEmbeddedData({ directory: join(scratch, 'nowhere'), clock, log: noLog })
  await expect(nowhere).rejects.toMatchObject({ details: { reason: 'NO_DATA' } })
})

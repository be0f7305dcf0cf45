// Writes storage/fixtures/format-<n>/, a small data directory in the format that this version writes. Run it once, when
// `currentFormat` (storage/embedded/data-directory.ts) has risen, and commit the result: from then on a test opens it
// with every later version. `node scripts/make-fixture.mjs`

import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from './build.mjs'
import { main, root } from './project.mjs'

const text = (value) => Buffer.from(value, 'utf8')
const position = (pts, ordinal = 0) => ({ pts, ordinal })

async function fill(storage) {
  const { journals, agenda, names, ownership } = storage
  const open = (actor) => journals.open(actor, { epoch: ownership.epoch, attempt: 1, mayKeepWriter: false })
  const entry = (pts, ordinal, count, fact, body) => ({
    pts,
    ordinal,
    count,
    atMs: 1_700_000_000_000 + pts,
    fact: text(fact),
    ...(body && { body: text(body) }),
  })
  const chat = { kind: 'chat', key: '1024', shard: 17 }
  const { journal } = await open(chat)
  await journal.commit({
    entries: [entry(1, 0, 1, 'one', 'first body'), entry(1, 1, 0, 'a draft'), entry(2, 0, 1, 'two', 'erased body')],
    before: { undelivered: true, due: [{ name: 'wake', dueAtMs: 1_800_000_000_000 }] },
  })
  await journal.checkpoint({
    snapshot: { position: position(1, 1), version: 1, state: text('state of one') },
    rows: [],
    erased: [],
  })
  await journal.checkpoint({
    snapshot: { position: position(2), version: 2, state: text('state of two') },
    rows: [
      { table: 'messages', group: 'all', order: 1, value: text('row one') },
      { table: 'messages', group: 'all', order: 2 ** 40, value: text('row two') },
      { table: 'pins', group: 'größe', order: 0, value: text('row three') },
    ],
    erased: [2],
  })
  await journal.commit({ entries: [entry(7, 0, 5, 'seven')] })
  const { journal: long } = await open({ kind: 'user', key: 'k'.repeat(500), shard: 4095 })
  await long.commit({ entries: [entry(1, 0, 1, 'of a long name')] })
  await agenda.removeUndelivered(chat, ownership.epoch - 1)
  await names.put('Alice', 1024)
  await names.put('alina', 2 ** 40)
}

await main(async () => {
  await build()
  const { openEmbeddedStorage } = await import(pathToFileURL(`${root}dist/storage/index.js`).href)
  const { currentFormat } = await import(pathToFileURL(`${root}dist/storage/embedded/data-directory.js`).href)
  const { systemClock } = await import(pathToFileURL(`${root}dist/runtime/index.js`).href)
  const directory = join(mkdtempSync(join(tmpdir(), 'heliograph-fixture-')), 'data')
  const log = { debug() {}, info() {}, warn() {}, error() {} }
  const storage = await openEmbeddedStorage({ directory, clock: systemClock, log })
  await fill(storage)
  await storage.close()
  const target = `${root}storage/fixtures/format-${currentFormat}`
  rmSync(target, { recursive: true, force: true })
  cpSync(directory, target, { recursive: true, filter: (path) => !/lock/.test(path.slice(directory.length)) })
  rmSync(join(directory, '..'), { recursive: true })
  console.log(`Wrote ${target}`)
})

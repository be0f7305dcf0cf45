import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { systemClock as clock, shardOf } from '../../runtime/index.js'
import { noLog } from '../../runtime/testing/index.js'
import { type EmbeddedData, openEmbeddedData } from './data-reader.js'
import { openEmbeddedStorage } from './embedded-storage.js'

const directory = mkdtempSync(join(tmpdir(), 'heliograph-reader-'))
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const bytes = (text: string) => Buffer.from(text)

/** Journals of two entries each, in two commits, the second without a body. */
async function write(names: readonly (readonly [kind: string, key: string])[]): Promise<void> {
  const storage = await openEmbeddedStorage({ directory, clock, log: noLog, shardCount: 64 })
  for (const [kind, key] of names) {
    const actor = { kind, key, shard: shardOf(kind, key, 64) }
    const request = { epoch: storage.ownership.epoch, attempt: 1, mayKeepWriter: false }
    const { journal } = await storage.journals.open(actor, request)
    const entry = { pts: 1, ordinal: 0, count: 1, atMs: 5, fact: bytes(key), body: bytes('body') }
    await journal.commit({ entries: [entry], before: { undelivered: key === 'b' } })
    await journal.commit({ entries: [{ pts: 1, ordinal: 1, count: 0, atMs: 6, fact: bytes('second') }] })
    const rows = [{ table: 't', group: key, order: 2 ** 40, value: bytes('row') }]
    const snapshot = { position: { pts: 1, ordinal: 1 }, version: 1, state: bytes('state') }
    await journal.checkpoint({ snapshot, rows, erased: [] })
    journal.close()
  }
  await storage.close()
}

async function reading<T>(read: (data: EmbeddedData) => T): Promise<T> {
  const data = await openEmbeddedData({ directory, clock, log: noLog })
  try {
    return read(data)
  } finally {
    await data.close()
  }
}

test('R2: every actor once, from any of them on, with its shard; no start is counted', async () => {
  await write([
    ['user', '12'],
    ['chat', 'ä'],
    ['user', 'b'],
    ['user', '1'],
  ])
  for (let time = 0; time < 2; time++) {
    await reading((data) => {
      expect([data.epoch, data.shardCount]).toEqual([1, 64])
      const actors = [...data.actors()]
      expect(actors.map(({ kind, key }) => `${kind}/${key}`).sort()).toEqual(['chat/ä', 'user/1', 'user/12', 'user/b'])
      for (const [at, actor] of actors.entries()) {
        expect(actor.shard).toBe(shardOf(actor.kind, actor.key, 64))
        expect([...data.actors(actor)]).toEqual(actors.slice(at + 1))
        expect(data.owes(actor)).toBe(actor.key === 'b')
      }
    })
  }
})

test('entries after any position, and rows with their tables and groups', async () => {
  await write([['user', '7']])
  await reading((data) => {
    const actor = { kind: 'user', key: '7' }
    const first = { pts: 1, ordinal: 0, count: 1, atMs: 5, fact: bytes('7'), body: bytes('body') }
    const second = { pts: 1, ordinal: 1, count: 0, atMs: 6, fact: bytes('second') }
    const read = [...data.entries(actor)]
    expect(read.map((entry) => ({ ...entry, fact: bytes(String(Buffer.from(entry.fact))) }))).toMatchObject([
      { ...first, body: expect.anything() },
      second,
    ])
    expect([...data.entries(actor, first)].map(({ ordinal }) => ordinal)).toEqual([1])
    expect([...data.entries(actor, second)]).toEqual([])
    expect([...data.rows(actor)]).toMatchObject([{ table: 't', group: '7', order: 2 ** 40 }])
  })
})

test('a name of which only a hash is stored is refused, not passed over', async () => {
  await write([['user', 'x'.repeat(200)]])
  await expect(reading((data) => [...data.actors()])).rejects.toMatchObject({ details: { reason: 'NAME_TOO_LONG' } })
})

import { describe, expect, test } from 'vitest'
import { ActorError, errorCode } from '../../runtime/index.js'
import { SeededRandom } from '../../runtime/testing/index.js'
import { storageOn } from '../cassandra/cassandra-storage.js'
import { CassandraRegister } from '../cassandra/register.js'
import type { CassandraSession } from '../cassandra/session.js'
import { buckets, derived, due, lineages, snapshots, tableOf, undelivered } from '../cassandra/tables.js'
import { commitOne, facts, follow, readAll, start } from '../contract/samples.js'
import { EagerClock } from '../testing/eager-clock.js'
import { calm, type RingLuck } from './cassandra/luck.js'
import { SimulatedCassandra } from './cassandra/simulated-cassandra.js'
import { SimulatedSession } from './cassandra/simulated-session.js'
import { parse } from './cassandra/statement.js'

const clock = new EagerClock()
const ringWith = (luck: Partial<RingLuck> = {}, seed = 1) => {
  const ring = new SimulatedCassandra({ clock, random: new SeededRandom(seed), luck: { ...calm, ...luck } })
  return { ring, session: new SimulatedSession(ring) }
}
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: ActorError) => errorCode(error),
  )
const later = (ms: number) => new Promise<void>((resolve) => clock.setTimer(ms, resolve))

const put = (place: number, value: string, stamp: number) => ({
  query: derived.put,
  parameters: ['chat', 'a', 0, 't', 'g', 0, place, Buffer.from(value), stamp],
})
const remove = (place: number, stamp: number) => ({
  query: derived.remove,
  parameters: [stamp, 'chat', 'a', 0, 't', 'g', 0, place],
})
const rows = (limit = 100) => ({ query: derived.upward, parameters: ['chat', 'a', 0, 't', 'g', 0, 0, 1_000, limit] })
const valuesIn = (found: readonly { readonly [column: string]: unknown }[]) => found.map(({ value }) => `${value}`)

describe('statements', () => {
  const kinds = ['chat', 'user', 'channel', 'id-allocator'].map(tableOf)
  const texts = [...kinds, lineages, buckets, snapshots, derived, undelivered, due]
    .flatMap((table) => Object.values(table))
    .filter((text): text is string => typeof text === 'string')

  test('each of the driver is understood', () => {
    expect(texts.length).toBeGreaterThan(40)
    for (const text of texts) expect(() => parse(text), text).not.toThrow()
  })

  test.for([
    'SELECT a FROM t WHERE b = ? ALLOW FILTERING',
    'SELECT count(*) FROM t',
    'UPDATE t SET a = a + 1 WHERE b = ?',
    'DELETE FROM t WHERE b = ? IF EXISTS',
    'BEGIN BATCH',
  ])('what is not simulated is refused: %s', (text) => {
    expect(() => parse(text)).toThrow(SyntaxError)
  })

  test('T1: a write without a timestamp of ours, a batch over two partitions, and a value of another type are refused', async () => {
    const { session } = ringWith()
    const { query, parameters } = put(1, 'a', 1)
    const bare = { query: query.replace('USING TIMESTAMP ?', ''), parameters }
    await expect(session.write(bare)).rejects.toThrow('no timestamp')
    const other = { ...put(1, 'a', 1), parameters: ['chat', 'b', 0, 't', 'g', 0, 1, Buffer.from('a'), 1] }
    await expect(session.writeTogether([put(1, 'a', 1), other])).rejects.toThrow('two partitions')
    await expect(session.write({ query, parameters: parameters.with(6, 'one') })).rejects.toThrow('no bigint')
  })
})

describe('cells', () => {
  test('the highest timestamp wins in any order; of equal ones the removal, then the greater value', async () => {
    const writes = [
      put(1, 'low', 1),
      put(1, 'high', 2),
      put(2, 'a', 5),
      put(2, 'b', 5),
      put(3, 'gone', 7),
      remove(3, 7),
    ]
    for (let seed = 1; seed <= 20; seed++) {
      const { session } = ringWith({ hopMs: 50 }, seed)
      await Promise.all(writes.map((statement) => session.write(statement)))
      expect(valuesIn(await session.read(rows(), 'quorum'))).toEqual(['high', 'b'])
    }
  })

  test('a removal of a slice takes what comes later with a lower stamp, and nothing else', async () => {
    const { session } = ringWith()
    const owed = (epoch: number, stamp: number) => ({
      query: undelivered.insert,
      parameters: [0, 1, 'chat', 'a', epoch, stamp],
    })
    await session.write({ query: undelivered.remove, parameters: [10, 0, 1, 'chat', 'a', 2] })
    for (const [epoch, stamp] of [
      [1, 9],
      [2, 10],
      [2, 11],
      [3, 4],
    ] as const)
      await session.write(owed(epoch, stamp))
    const found = await session.read({ query: undelivered.after, parameters: [0, 0, '', '', -1, 63, 10] }, 'quorum')
    expect(found.map(({ epoch }) => Number(epoch))).toEqual([2, 3])
  })

  test('what has a time to live is gone after it', async () => {
    const { session } = ringWith()
    await session.write({ query: lineages.mark, parameters: ['chat', 'a', 1, 1, 1, 1, []] })
    const read = async () =>
      (await session.read({ query: lineages.newest, parameters: ['chat', 'a'] }, 'quorum')).length
    expect(await read()).toBe(1)
    await later(864_000_000)
    expect(await read()).toBe(0)
  })
})

describe('replicas', () => {
  const where = (ring: SimulatedCassandra) => [0, 1, 2].map((replica) => valuesIn(ring.look(replica, rows())).join())

  test('a write that one replica missed is at the others; a read at one may lack it, at quorum never', async () => {
    const seen = new Set<string>()
    for (let seed = 1; seed <= 30; seed++) {
      const { ring, session } = ringWith({ missed: 1_000, lostHint: 1_000 }, seed)
      await session.write(put(1, 'x', 1))
      expect(where(ring).sort()).toEqual(['', 'x', 'x'])
      seen.add(valuesIn(await session.read(rows(), 'one')).join())
      expect(valuesIn(await session.read(rows(), 'quorum'))).toEqual(['x'])
    }
    expect([...seen].sort()).toEqual(['', 'x'])
  })

  test('a read at quorum repairs the rows that it looked at, and no others', async () => {
    const { ring, session } = ringWith({ missed: 1_000, lostHint: 1_000 }, 3)
    await session.writeTogether([put(1, 'x', 1), put(2, 'y', 1)])
    for (let reads = 0; reads < 10; reads++) await session.read(rows(1), 'quorum')
    expect(where(ring).sort()).toEqual(['x', 'x,y', 'x,y'])
  })

  test('a hint tells a replica what it missed, also while it was away', async () => {
    const { ring, session } = ringWith({ hintAfterMs: [1_000, 2_000] })
    ring.stop(0)
    await later(600)
    await session.write(put(1, 'x', 1))
    await later(5_000)
    expect(where(ring)).toEqual(['', 'x', 'x'])
    ring.start(0)
    expect(where(ring)).toEqual(['', 'x', 'x'])
    await later(3_000)
    expect(where(ring)).toEqual(['x', 'x', 'x'])
  })

  test('with one of three up nothing is begun, and at first nobody knows', async () => {
    const { ring, session } = ringWith()
    await session.write(put(1, 'x', 1))
    ring.stop(0)
    ring.stop(1)
    expect(await codeOf(session.write(put(2, 'y', 1)))).toBe('OUTCOME_UNKNOWN')
    await later(1_000)
    expect(await codeOf(session.write(put(3, 'z', 1)))).toBe('STORE_UNAVAILABLE')
    expect(await codeOf(session.read(rows(), 'quorum'))).toBe('STORE_UNAVAILABLE')
    expect(valuesIn(await session.read(rows(), 'one'))).toEqual(['x', 'y'])
  })

  test('of a torn write any replicas have it, whole; of a late one all, after its sender has given up', async () => {
    const counts = new Set<number>()
    for (let seed = 1; seed <= 40; seed++) {
      const { ring, session } = ringWith({ torn: 1_000 }, seed)
      expect(await codeOf(session.writeTogether([put(1, 'x', 1), put(2, 'y', 1)]))).toBe('OUTCOME_UNKNOWN')
      await later(10_000)
      const have = where(ring)
      expect(have.every((each) => each === '' || each === 'x,y')).toBe(true)
      counts.add(have.filter(Boolean).length)
    }
    expect([...counts].sort()).toEqual([0, 1, 2, 3])
    const { ring, session } = ringWith({ late: 1_000, lateMs: 10_000 })
    expect(await codeOf(session.write(put(1, 'x', 1)))).toBe('OUTCOME_UNKNOWN')
    expect(where(ring)).toEqual(['', '', ''])
    await later(12_000)
    expect(where(ring)).toEqual(['x', 'x', 'x'])
  })

  test('what a session sends while it is cut does not arrive; a dead one settles nothing', async () => {
    const { ring, session } = ringWith()
    session.isCut = true
    expect(await codeOf(session.write(put(1, 'x', 1)))).toBe('OUTCOME_UNKNOWN')
    expect(where(ring)).toEqual(['', '', ''])
    session.isCut = false
    const writing = codeOf(session.write(put(2, 'y', 1)))
    session.kill()
    await later(10_000)
    expect(where(ring)).toEqual(['y', 'y', 'y'])
    expect(await Promise.race([writing, Promise.resolve('nothing')])).toBe('nothing')
  })
})

describe('decisions', () => {
  const me = { node: 'a', incarnation: '1' }
  const lease = { ...me, lengthMs: 2_000, renewals: 0, isRevoked: false }

  test('one that was left undecided is decided or dropped by the next, and then for good', async () => {
    const outcomes = new Set<string>()
    for (let seed = 1; seed <= 60; seed++) {
      const { ring, session } = ringWith({ undecided: 1_000 }, seed)
      const statement = {
        query:
          'INSERT INTO leases (node, incarnation, length_ms, renewals, revoked) VALUES (?, ?, ?, 0, false) IF NOT EXISTS',
        parameters: ['a', '1', 2_000],
      }
      expect(await codeOf(session.writeIf(statement))).toBe('OUTCOME_UNKNOWN')
      ring.luck = calm
      const register = new CassandraRegister(session)
      const first = await register.readLease('a')
      await later(10_000)
      expect(await register.readLease('a')).toEqual(first)
      outcomes.add(first ? 'decided' : 'dropped')
    }
    expect([...outcomes].sort()).toEqual(['decided', 'dropped'])
  })

  test('D3, G3: a glance may be behind what is being decided, and not behind what was acknowledged', async () => {
    const behind: number[] = []
    for (let seed = 1; seed <= 20; seed++) {
      const { ring, session } = ringWith({ lostHint: 1_000, hopMs: 3 }, seed)
      const register = new CassandraRegister(session)
      for (let view = 1; view <= 5; view++) {
        if (view === 3) ring.stop(seed % 3)
        if (view === 4) ring.start(seed % 3)
        const shards = [{ from: 0, to: 4095, epoch: view, owner: undefined, next: undefined, mustWait: false }]
        const changed = register.change({ view, shardCount: 4096, members: [], shards })
        behind.push(view - ((await register.glance())?.view ?? 0))
        expect(await changed).toBe(true)
        expect(await register.glance(), `seed ${seed}`).toEqual({ view, shardCount: 4096, members: [], shards })
      }
    }
    expect([...new Set(behind)].sort()).toEqual([0, 1])
  })

  test('S5: a bucket of which nobody knows whether it was begun is begun again by another writer only', async () => {
    const { session } = ringWith({ hopMs: 1 })
    let isHeld = false
    const late: (() => Promise<void>)[] = []
    const write: CassandraSession['write'] = async (statement) => {
      if (!isHeld || !statement.query.includes('INTO buckets')) return session.write(statement)
      late.push(() => session.write(statement))
      throw new ActorError('OUTCOME_UNKNOWN', 'no answer')
    }
    const held: CassandraSession = {
      write,
      read: (...asked) => session.read(...asked),
      readSerial: (...asked) => session.readSerial(...asked),
      writeTogether: (...asked) => session.writeTogether(...asked),
      writeIf: (...asked) => session.writeIf(...asked),
      close: () => session.close(),
    }
    const { journals } = storageOn(held, { bucketBytes: 1_000, bucketPts: 3 })
    const actor = { kind: 'chat', key: 'a', shard: 1 }
    const first = await journals.open(actor, { epoch: 1, attempt: 1, mayKeepWriter: false })
    let head = start
    for (let n = 1; n <= 3; n++) head = await commitOne(first.journal, head, `${n}`)
    isHeld = true
    await expect(first.journal.commit({ entries: follow(head, ['4']) })).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      details: { mayLand: true },
    })
    isHeld = false
    first.journal.close()
    const second = await journals.open(actor, { epoch: 1, attempt: 2, mayKeepWriter: false })
    for (let n = 4; n <= 9; n++) head = await commitOne(second.journal, head, `${n}`)
    for (const land of late) await land()
    second.journal.close()
    const third = await journals.open(actor, { epoch: 2, attempt: 1, mayKeepWriter: false })
    expect(facts(await readAll(third.journal))).toEqual(['1', '2', '3', '4', '5', '6', '7', '8', '9'])
  })

  test('W2: the register finds out what became of one that nobody answered', async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const { session } = ringWith({ unanswered: 1_000 }, seed)
      const register = new CassandraRegister(session)
      expect(await register.takeLease(lease, undefined)).toBe(true)
      expect(await register.renewLease({ ...lease, renewals: 1 })).toBe(true)
      expect(await register.revokeLease(me)).toBe(true)
      expect(await register.renewLease({ ...lease, renewals: 2 })).toBe(false)
    }
  })
})

describe('the driver on stale replicas', () => {
  const actor = { kind: 'chat', key: 'a', shard: 1 }

  test('R1: what is read at one ends at the head, whatever stands there beyond it', async () => {
    for (let seed = 1; seed <= 60; seed++) {
      const { session } = ringWith({ missed: 700, lostHint: 1_000, hopMs: 3 }, seed)
      const { journals } = storageOn(session, { bucketBytes: 1_000, bucketPts: 50 })
      const { journal } = await journals.open(actor, { epoch: 1, attempt: 1, mayKeepWriter: false })
      let head = start
      for (let n = 1; n <= 4; n++) head = await commitOne(journal, head, `${n}`)
      const committing = journal.commit({ entries: follow(head, ['under way']) })
      const read = facts(await readAll(journal))
      await committing
      expect(read.slice(0, 4), `seed ${seed}`).toEqual(['1', '2', '3', '4'])
    }
  })
})

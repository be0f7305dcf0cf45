/** Owners one after the other whose clocks differ by minutes: no row of a former one hides what a later one writes. */
import { afterEach, expect, test, vi } from 'vitest'
import { systemClock } from '../../runtime/index.js'
import { commitOne, facts, readAll, start } from '../contract/samples.js'
import { testKeyspace } from '../testing/cassandra-server.js'
import { storageOn } from './cassandra-storage.js'
import { connect } from './client-session.js'
import { defaultLimits } from './options.js'
import { CassandraRegister } from './register.js'

const longMs = 120_000
const minuteMs = 60_000
/** By how much each owner's clock goes wrong. */
const shiftsMs = [20, 5, -10, -30, 0].map((minutes) => minutes * minuteMs)
const keyspace = testKeyspace('clocks')
const actor = { kind: 'chat', key: 'contested', shard: 7 }
const lease = { node: 'node', lengthMs: 1_500, renewals: 0, isRevoked: false }
const owners = shiftsMs.map((_, index) => index + 1)
const rightNow = Date.now
/** Its place has a row while even owners reign, or while odd ones do. */
const placeOf = { every: 1, even: 2, odd: 3 }

afterEach(() => {
  vi.restoreAllMocks()
})

/** As a process of its own: the driver stamps what has no timestamp by the clock, never going back. */
function connectWithClock(shiftMs: number) {
  vi.spyOn(Date, 'now').mockImplementation(() => rightNow() + shiftMs)
  return connect(keyspace.connection(), systemClock)
}

const has = (place: number, owner: number) => place === placeOf.every || (place === placeOf.even) === (owner % 2 === 0)

test(
  'J3, J6, O1: an owner whose clock is behind those before it reads all of theirs, and its own writes are the newest',
  async () => {
    const written: string[] = []
    let head = start
    for (const owner of owners) {
      const session = await connectWithClock(shiftsMs[owner - 1]!)
      const { journals, agenda } = storageOn(session, defaultLimits)
      const register = new CassandraRegister(session)
      const former = owner - 1

      const incarnation = `incarnation ${owner}`
      const formerLease = await register.readLease(lease.node)
      expect(formerLease?.incarnation).toBe(former === 0 ? undefined : `incarnation ${former}`)
      if (formerLease) expect(await register.revokeLease(formerLease)).toBe(true)
      expect(await register.takeLease({ ...lease, incarnation }, formerLease)).toBe(true)
      expect(await register.renewLease({ ...lease, incarnation, renewals: owner })).toBe(true)
      expect(await register.readLease(lease.node)).toEqual({ ...lease, incarnation, renewals: owner })
      const shards = [{ from: 0, to: 4095, epoch: owner, owner: undefined, next: undefined, mustWait: false }]
      expect(await register.change({ view: owner, shardCount: 4096, members: [], shards })).toBe(true)
      expect((await register.glance())?.shards).toEqual(shards)

      const opened = await journals.open(actor, { epoch: owner, attempt: 1, mayKeepWriter: false })
      const { journal } = opened
      expect(facts(await readAll(journal))).toEqual(written)
      expect(opened.snapshot?.state.toString()).toBe(former === 0 ? undefined : `state of ${former}`)
      const rows = async () =>
        Promise.all(Object.values(placeOf).map(async (place) => (await journal.get('t', 'g', place))?.toString()))
      const rowsOf = (by: number) =>
        Object.values(placeOf).map((place) => (has(place, by) ? `row of ${by}` : undefined))
      if (former > 0) expect(await rows()).toEqual(rowsOf(former))

      const before = { undelivered: true, due: [{ name: 'reminder', dueAtMs: 5_000 }] }
      head = await commitOne(journal, head, { fact: `fact of ${owner}`, body: `body of ${owner}` }, before)
      written.push(`fact of ${owner}`)
      await journal.checkpoint({
        snapshot: { position: head, version: 1, state: Buffer.from(`state of ${owner}`) },
        rows: Object.values(placeOf).map((order) => ({
          table: 't',
          group: 'g',
          order,
          value: has(order, owner) ? Buffer.from(`row of ${owner}`) : undefined,
        })),
        erased: former === 0 ? [] : [former],
      })
      expect(await rows()).toEqual(rowsOf(owner))
      const bodies = (await journal.readAt(owners.slice(0, owner))).map((entry) => entry?.body?.toString())
      expect(bodies).toEqual([...Array(former).fill(undefined), `body of ${owner}`])

      // What it owes and is reminded of is there, and goes when it is removed, for the next owner to write it again.
      const shard = { from: actor.shard, to: actor.shard }
      const owed: number[] = []
      const sweep = async () => {
        owed.length = 0
        await agenda.sweepUndelivered(shard, async (page) => void owed.push(...page.map(({ epoch }) => epoch)))
        return owed
      }
      const due = async () => (await agenda.due(shard, 10_000, 10)).map(({ name }) => name)
      expect([await sweep(), await due()]).toEqual([[owner], ['reminder']])
      await agenda.removeUndelivered(actor, owner)
      await agenda.removeDue({ actor, name: 'reminder', dueAtMs: 5_000 })
      expect([await sweep(), await due()]).toEqual([[], []])
      journal.close()
      await session.close()
    }
  },
  longMs,
)

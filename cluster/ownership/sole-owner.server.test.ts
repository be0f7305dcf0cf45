import { afterAll, beforeAll, expect, test } from 'vitest'
import { refusalReason, systemClock, systemRandom } from '../../runtime/index.js'
import { noLog } from '../../runtime/testing/index.js'
import { type CassandraStorage, openCassandraStorage } from '../../storage/index.js'
import { waitUntil } from '../../test/harness/index.js'
import { type SlowLink, slowLink } from '../../test/harness/slow-link.js'
import { serviceAddress } from '../../test/services.js'
import { openSoleOwnership } from './sole-owner.js'

/** O1 to O3 on a register in Cassandra, over a link that can be made silent. */
const longMs = 120_000
let link: SlowLink
let storage: CassandraStorage

beforeAll(async () => {
  const { host, port } = serviceAddress('cassandra')
  link = await slowLink(port, host)
  storage = await openCassandraStorage({
    contactPoints: [`127.0.0.1:${link.port}`],
    localDataCenter: 'dc1',
    keyspace: `test_ownership_${process.pid}`,
    replication: 1,
    clock: systemClock,
    log: noLog,
    schema: 'apply',
  })
}, longMs)
afterAll(async () => {
  await storage?.close()
  await link?.dispose()
})

// A machine that is busy must not make an owner look dead.
const lease = { lengthMs: 4_000, renewEveryMs: 500 }
const open = (self: string) =>
  openSoleOwnership({ register: storage.register, clock: systemClock, random: systemRandom, log: noLog, self, lease })

test(
  'O2: a lease ends while the store is away, and is good again afterwards; the next start has a higher epoch',
  async () => {
    const owner = await open('a')
    expect(owner.holds(1, owner.epoch)).toBe(true)
    link.delayMs = 600_000
    await waitUntil('the lease has ended', () => !owner.holds(1, owner.epoch))
    link.delayMs = 0
    link.cut()
    await waitUntil('the lease holds again', () => owner.holds(1, owner.epoch), longMs)
    await owner.close()
    const next = await open('a')
    expect(next.epoch).toBe(owner.epoch + 1)
    await next.close()
  },
  longMs,
)

test(
  'O3: an owner that lives is left alone; one that is silent is revoked, waited out and knows it',
  async () => {
    const owner = await open('a')
    expect(refusalReason(await open('b').catch((error: unknown) => error))).toBe('ALREADY_OWNED')
    expect(owner.holds(1, owner.epoch)).toBe(true)
    owner.seal()
    const sinceMs = performance.now()
    const next = await open('b')
    expect(performance.now() - sinceMs).toBeGreaterThan(2 * lease.lengthMs)
    expect([next.epoch, owner.holds(1, owner.epoch)]).toEqual([owner.epoch + 1, false])
    await next.close()
  },
  longMs,
)

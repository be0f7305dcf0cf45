import { expect, test } from 'vitest'
import { KeptLog, VirtualClock } from '../../runtime/testing/index.js'
import { LossWatch } from './loss-watch.js'
import type { RedisClient, Reply } from './redis-client.js'
import type { Wire } from './redis-command.js'
import { RedisLink } from './redis-link.js'

/** A server with one key, the mark, which it may give up. */
class MarkServer implements RedisClient {
  isMarked = false
  isAway = false
  evicted = 0

  async send(commands: readonly Wire[]): Promise<readonly Reply[]> {
    return commands.map(([name]) => {
      if (this.isAway) return { error: new Error('gone') }
      if (name !== 'set') return { value: [this.isMarked ? 1 : 0, this.evicted] }
      this.isMarked = true
      return { value: 'OK' }
    })
  }

  serverOf(): string {
    return ''
  }

  close(): void {}
}

async function watched() {
  const server = new MarkServer()
  const clock = new VirtualClock()
  const log = new KeptLog()
  const limits = { timeoutMs: 100, perArgumentMs: 0, inFlight: 10, failures: 3, retryAfterMs: 0 }
  const link = new RedisLink(server, clock, log, { ...limits, complainEveryMs: 60_000 })
  const watch = new LossWatch({ link, clock, log, mark: 'mark', everyMs: 1_000, complainEveryMs: 60_000 })
  let rewrites = 0
  watch.onLoss(() => rewrites++)
  await clock.advance(1_000)
  /** How often all was written again within so many looks. */
  const within = async (looks: number, each: () => void = () => {}): Promise<number> => {
    const before = rewrites
    for (let look = 0; look < looks; look++) {
      each()
      await clock.advance(1_000)
    }
    return rewrites - before
  }
  return { server, log, watch, within }
}

test('W1: all is written again when the mark is gone, and when the server was away', async () => {
  const { server, within } = await watched()
  expect(await within(5)).toBe(0)
  for (let time = 0; time < 3; time++) {
    server.isMarked = false
    expect(await within(1)).toBe(1)
  }
  server.isAway = true
  expect(await within(5)).toBe(0)
  server.isAway = false
  expect(await within(5)).toBe(1)
})

test('W2: while a full server gives up keys, the mark among them, nothing drives out more; then all is written once', async () => {
  const { server, log, watch, within } = await watched()
  const givesUp = () => {
    server.evicted += 10
    server.isMarked = false
  }
  expect(await within(30, givesUp)).toBe(0)
  expect(await within(5)).toBe(1)
  expect(watch.evicted).toBe(300)
  expect(log.lines.map(({ message }) => message)).toEqual(['Redis is full and gives up keys; going on without them'])
})

test('W2: a server that is full for good has all written once a minute at most', async () => {
  const { server, within } = await watched()
  let look = 0
  const givesUpNowAndThen = () => {
    server.evicted += look++ % 2
  }
  expect(await within(600, givesUpNowAndThen)).toBeLessThanOrEqual(10)
})

test('a server that was started again counts what it gave up from 0', async () => {
  const { server, watch, within } = await watched()
  await within(1, () => {
    server.evicted = 50
  })
  await within(1, () => {
    server.evicted = 0
  })
  await within(1, () => {
    server.evicted = 5
  })
  expect(watch.evicted).toBe(55)
})

import { expect, test } from 'vitest'
import { KeptLog, settled, VirtualClock } from '../../runtime/testing/index.js'
import type { RedisClient, Reply } from './redis-client.js'
import { command, run, script, type Wire } from './redis-command.js'
import { type LinkLimits, RedisLink } from './redis-link.js'

const limits: LinkLimits = {
  timeoutMs: 100,
  perArgumentMs: 0,
  inFlight: 10,
  failures: 3,
  retryAfterMs: 1_000,
  complainEveryMs: 60_000,
}

/** A server whose answers the test gives. */
class FakeServer implements RedisClient {
  readonly sent: Wire[] = []
  answer: (wire: Wire) => Reply | 'nothing' = () => ({ value: 'OK' })

  send(commands: readonly Wire[]): Promise<readonly Reply[]> {
    this.sent.push(...commands)
    const replies = commands.map((wire) => this.answer(wire))
    const given = replies.filter((reply) => reply !== 'nothing')
    return given.length < replies.length ? new Promise(() => {}) : Promise.resolve(given)
  }

  serverOf(key: string): string {
    return key.split(' ')[0] ?? ''
  }

  close(): void {}
}

function replyError(message: string): Reply {
  return { error: Object.assign(new Error(message), { name: 'ReplyError' }) }
}

function linkTo(server: FakeServer, changes: Partial<LinkLimits> = {}) {
  const clock = new VirtualClock()
  const log = new KeptLog()
  return { clock, log, link: new RedisLink(server, clock, log, { ...limits, ...changes }) }
}

test('L1: what is late is unknown, and does not hold up another server', async () => {
  const server = new FakeServer()
  server.answer = ([, key]) => (key === 'frozen k' ? 'nothing' : { value: key })
  const { clock, link } = linkTo(server)
  const asked = link.ask([command('get', 'a k'), command('get', 'frozen k'), command('get', 'b k')])
  await clock.advance(99)
  expect(await Promise.race([asked, 'waits'])).toBe('waits')
  await clock.advance(1)
  expect(await asked).toEqual(['a k', undefined, 'b k'])
  expect(link.figures()).toMatchObject({ asked: 3, unknown: 1 })
})

test('a large batch may take longer', async () => {
  const server = new FakeServer()
  server.answer = () => 'nothing'
  const { clock, link } = linkTo(server, { perArgumentMs: 1 })
  const asked = link.ask([command('get', 'k', ...Array.from({ length: 49 }, () => 1))])
  await clock.advance(149)
  expect(await Promise.race([asked, 'waits'])).toBe('waits')
  await clock.advance(1)
  expect(await asked).toEqual([undefined])
})

test('L3: commands under way are bounded, with those that nobody waits for any more', async () => {
  const server = new FakeServer()
  server.answer = () => 'nothing'
  const { clock, link } = linkTo(server, { failures: 100 })
  for (let call = 0; call < 4; call++) {
    const asked = link.ask(Array.from({ length: 3 }, () => command('get', 'k')))
    await clock.advance(100)
    expect(await asked).toEqual([undefined, undefined, undefined])
  }
  expect(server.sent).toHaveLength(9)
})

test('L4: after some failures a server is asked once in a while, until it answers', async () => {
  const server = new FakeServer()
  server.answer = () => ({ error: new Error('Connection is closed.') })
  const { clock, link, log } = linkTo(server)
  for (let call = 0; call < 20; call++) expect(await link.ask([command('get', 'k')])).toEqual([undefined])
  expect(server.sent).toHaveLength(3)
  expect(link.figures().answers).toBe(false)
  await clock.advance(1_000)
  for (let call = 0; call < 20; call++) await link.ask([command('get', 'k')])
  expect(server.sent).toHaveLength(4)
  server.answer = () => ({ value: 'v' })
  expect(await link.ask([command('get', 'k')])).toEqual([undefined])
  expect(await link.ask([command('get', 'another')])).toEqual(['v'])
  await clock.advance(1_000)
  for (let call = 0; call < 5; call++) expect(await link.ask([command('get', 'k')])).toEqual(['v'])
  expect(link.figures().answers).toBe(true)
  expect(log.lines.map(({ level, message }) => `${level}: ${message}`)).toEqual([
    'warn: Redis does not answer; going on without it',
    'info: Redis answers again',
  ])
})

test('a server that says no is there: a refusal is counted and told once, and opens nothing', async () => {
  const server = new FakeServer()
  server.answer = ([name]) => (name === 'set' ? replyError('OOM command not allowed') : { value: 'v' })
  const { link, log } = linkTo(server)
  for (let call = 0; call < 10; call++) expect(await link.ask([command('set', 'k', 1)])).toEqual([undefined])
  expect(await link.ask([command('get', 'k')])).toEqual(['v'])
  expect(link.figures()).toMatchObject({ refused: 10, answers: true })
  expect(log.lines).toHaveLength(1)
})

test.each(['LOADING Redis is loading', 'READONLY a replica', 'CLUSTERDOWN the cluster'])(
  '%s: it is not there',
  async (message) => {
    const server = new FakeServer()
    server.answer = () => replyError(message)
    const { link } = linkTo(server)
    for (let call = 0; call < 5; call++) await link.ask([command('get', 'k')])
    expect(link.figures()).toMatchObject({ refused: 0, answers: false })
  },
)

test('a script that the server does not know is sent whole, and only that one', async () => {
  const server = new FakeServer()
  server.answer = ([name]) => (name === 'evalsha' ? replyError('NOSCRIPT No matching script') : { value: name })
  const { link } = linkTo(server)
  const one = script('return 1')
  expect(await link.ask([run(one, ['k'], [5]), command('get', 'k')])).toEqual(['eval', 'get'])
  expect(server.sent).toEqual([
    ['evalsha', one.sha, 1, 'k', 5],
    ['get', 'k'],
    ['eval', 'return 1', 1, 'k', 5],
  ])
})

test('once closed everything is unknown, at once', async () => {
  const server = new FakeServer()
  const { link } = linkTo(server)
  link.close()
  expect(await link.ask([command('get', 'k')])).toEqual([undefined])
  await settled()
  expect(server.sent).toEqual([])
})

import { afterEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../runtime/index.js'
import { KeptLog, noLog } from '../../runtime/testing/index.js'
import { waitUntil } from '../../test/harness/index.js'
import { type PrivateService, serviceUrl, startPrivateService } from '../../test/services.js'
import { Heartbeats } from './heartbeats.js'
import { type NatsBus, type NatsOptions, openNatsBus } from './nats-bus.js'

const open: NatsBus[] = []
const bus = (servers: readonly string[], more: Partial<NatsOptions> = {}) => {
  const made = openNatsBus({ servers, name: 'test', clock: systemClock, log: noLog, ...more })
  open.push(made)
  return made
}
const connected = (made: NatsBus) => waitUntil('NATS is connected', () => made.isConnected)
const bytes = (text: string) => new TextEncoder().encode(text)
const text = (payload: Uint8Array) => new TextDecoder().decode(payload)
const subject = `heliograph.test-${process.pid}.news`

let own: PrivateService | undefined
afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close()))
  await own?.dispose()
  own = undefined
})

/** What `hearer` hears of what `speaker` says until it heard something: a subscription takes a moment to reach the server. */
async function hears(hearer: string[], speaker: NatsBus, word: string): Promise<void> {
  await waitUntil(`${word} is heard`, () => {
    speaker.publish(subject, bytes(word))
    return hearer.includes(word)
  })
}

describe('a bus on NATS', () => {
  test('B3: a request is answered; one that nobody listens for is said to be so at once, not after its time', async () => {
    const [one, other] = [bus([serviceUrl('nats')]), bus([serviceUrl('nats')])]
    await Promise.all([connected(one), connected(other)])
    const longMs = 30_000
    const sinceMs = performance.now()
    expect(await one.request(`${subject}.nobody`, bytes('?'), longMs)).toEqual({ kind: 'nobody' })
    const listener = other.answer(subject, (payload) => bytes(`${text(payload)}!`))
    const answer = await waitUntil('it is answered', async () => {
      const reply = await one.request(subject, bytes('you'), longMs)
      return reply.kind === 'answer' && text(reply.payload)
    })
    expect(answer).toBe('you!')
    listener.end()
    expect(performance.now() - sinceMs).toBeLessThan(longMs)
    // What is asked before the server sees the subscription end is lost with it, and asked again.
    await waitUntil('nobody is there', async () => (await one.request(subject, bytes('?'), 300)).kind === 'nobody')
  })

  test('B3: a node whose connection is gone is gone at once; one that is silent is not known to be', async () => {
    const [a, b] = [bus([serviceUrl('nats')]), bus([serviceUrl('nats')])]
    const load = { cores: 2, weight: 1, cpu: 0, loopLagMs: 0, callsPerSecond: 0, residents: 0, connections: 0 }
    const beating = (node: string, on: NatsBus) =>
      new Heartbeats({
        cluster: `test-${process.pid}`,
        self: { node, incarnation: `${node}-1` },
        bus: on,
        clock: systemClock,
        everyMs: 50,
        view: () => 7,
        load: () => load,
        isHalted: () => false,
      })
    const [ofA, ofB] = [beating('a', a), beating('b', b)]
    ofA.start()
    ofB.start()
    const heard = await waitUntil('b is heard', () => ofA.lastOf('b'))
    expect(heard).toMatchObject({ node: 'b', incarnation: 'b-1', view: 7, load })
    expect(await ofA.isGone({ node: 'b', incarnation: 'b-1' }, 30_000)).toBe(false)
    expect(await ofA.isGone({ node: 'b', incarnation: 'b-0' }, 30_000)).toBe(true)
    await b.close()
    // What is asked before the server sees the connection end is lost with it, and asked again.
    await waitUntil('b is gone', () => ofA.isGone({ node: 'b', incarnation: 'b-1' }, 300), 5_000)
    ofA.stop()
    ofB.stop()
  })

  test('B1, B2: with its server killed and started again it drops what it is given, and then hears and speaks as before', async () => {
    own = await startPrivateService('nats')
    const [hearer, speaker] = [bus([own.url]), bus([own.url])]
    const heard: string[] = []
    hearer.subscribe(subject, (payload) => void heard.push(text(payload)))
    const changes: boolean[] = []
    speaker.onChange((isConnected) => void changes.push(isConnected))
    await Promise.all([connected(hearer), connected(speaker)])
    await hears(heard, speaker, 'before')
    await own.kill9()
    await waitUntil('both have lost it', () => !hearer.isConnected && !speaker.isConnected)
    expect(speaker.publish(subject, bytes('meanwhile'))).toBe(false)
    expect(await speaker.request(subject, bytes('?'), 10_000)).toEqual({ kind: 'silence' })
    await own.restart()
    await hears(heard, speaker, 'after')
    expect(heard).not.toContain('meanwhile')
    expect(changes).toEqual([true, false, true])
  })

  test('starts without a server, and finds it when it comes; one that hangs counts as lost', async () => {
    own = await startPrivateService('nats')
    await own.stop()
    const heard: string[] = []
    const early = bus([own.url])
    early.subscribe(subject, (payload) => void heard.push(text(payload)))
    expect(early.publish(subject, bytes('nowhere'))).toBe(false)
    await own.restart()
    await connected(early)
    await hears(heard, early, 'hello')
    own.freeze()
    await waitUntil('it counts as lost', () => !early.isConnected)
    own.thaw()
    await connected(early)
  })

  test('takes the next server of a cluster when its own is killed', async () => {
    own = await startPrivateService('nats-3')
    const servers = own.url.split(',')
    const [one, other] = [bus(servers), bus([...servers].reverse())]
    const heard: string[] = []
    one.subscribe(subject, (payload) => void heard.push(text(payload)))
    await Promise.all([connected(one), connected(other)])
    await hears(heard, other, 'three')
    for (const role of ['node-1', 'node-2']) {
      await own.kill9(role)
      await hears(heard, other, `without ${role}`)
    }
  })

  test('logs in as the server asks for it; wrong credentials are said, and tried again', async () => {
    const authorization = JSON.stringify({ user: 'node', password: 'secret' })
    own = await startPrivateService('nats', { settings: { authorization } })
    const log = new KeptLog()
    const wrong = bus([own.url], { credentials: { user: 'node', password: 'guess' }, log })
    await connected(bus([own.url], { credentials: { user: 'node', password: 'secret' } }))
    await waitUntil('it is said', () => log.lines.length > 0)
    expect(wrong.isConnected).toBe(false)
    expect(JSON.stringify(log.lines)).toMatch(/Authorization/i)
    await own.dispose()
    own = await startPrivateService('nats', { settings: { authorization: '{"token":"shared"}' } })
    await connected(bus([own.url], { credentials: { token: 'shared' } }))
  })
})

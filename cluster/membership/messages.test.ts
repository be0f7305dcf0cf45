import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { decode, encode } from '../../runtime/index.js'
import { VirtualClock } from '../../runtime/testing/index.js'
import { Announcements } from './announcements.js'
import { type ClusterEvent, decodeEvent, encodeEvent, eventKinds } from './cluster-event.js'
import { decodeHeartbeat, encodeHeartbeat } from './heartbeat.js'
import { Heartbeats } from './heartbeats.js'
import { subjectsOf } from './subjects.js'
import { MemoryBroker } from './testing/memory-bus.js'

const figure = fc.double({ min: 0, max: 1e9, noNaN: true })
const name = fc.string({ minLength: 1, maxLength: 40 })
const load = fc.record({
  cores: figure,
  weight: figure,
  cpu: figure,
  loopLagMs: figure,
  callsPerSecond: figure,
  residents: figure,
  connections: figure,
})
const heartbeat = fc.record({
  node: name,
  incarnation: name,
  sequence: fc.nat(),
  view: fc.nat(),
  load,
  isHalted: fc.boolean(),
})
const event: fc.Arbitrary<ClusterEvent> = fc.record({
  kind: fc.constantFrom(...eventKinds),
  by: name,
  number: fc.nat(),
  incarnation: name,
  atMs: fc.nat(),
  view: fc.nat(),
  node: fc.string({ maxLength: 40 }),
  shards: fc.nat(),
  text: fc.string(),
})
const idle = { cores: 1, weight: 1, cpu: 0, loopLagMs: 0, callsPerSecond: 0, residents: 0, connections: 0 }

let clock: VirtualClock
let broker: MemoryBroker
beforeEach(() => {
  clock = new VirtualClock()
  broker = new MemoryBroker(clock)
})
const beating = (node: string, cluster = 'c', incarnation = `${node}-1`, bus = broker.connect()) =>
  new Heartbeats({
    cluster,
    self: { node, incarnation },
    bus,
    clock,
    everyMs: 250,
    view: () => 3,
    load: () => idle,
    isHalted: () => false,
  })

describe('messages of the bus', () => {
  test('come back as they were', () => {
    fc.assert(
      fc.property(heartbeat, event, (beat, happened) => {
        expect(decodeHeartbeat(encodeHeartbeat(beat))).toEqual(beat)
        expect(decodeEvent(encodeEvent(happened))).toEqual(happened)
      }),
    )
  })

  test('of a version that did not say whether it has a lease are of a node that has one', () => {
    const list = decode(
      encodeHeartbeat({ node: 'a', incarnation: 'a-1', sequence: 1, view: 2, load: idle, isHalted: true }),
    )
    const former = encode((list as unknown[]).slice(0, 6))
    expect(decodeHeartbeat(former)).toMatchObject({ node: 'a', view: 2, isHalted: false })
  })

  test('that are damaged are no messages, and never throw', () => {
    const damaged = fc.tuple(heartbeat, event, fc.nat(), fc.nat(255), fc.nat())
    fc.assert(
      fc.property(damaged, ([beat, happened, at, byte, end]) => {
        for (const bytes of [encodeHeartbeat(beat), encodeEvent(happened)]) {
          const copy = Buffer.from(bytes)
          copy[at % copy.length] = byte
          decodeHeartbeat(copy)
          decodeEvent(copy)
          decodeHeartbeat(copy.subarray(0, end % copy.length))
        }
      }),
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5_000 }), (bytes) => {
        decodeHeartbeat(bytes)
        decodeEvent(bytes)
      }),
    )
    const wrong = [null, [], [1], [2, 'n', 'i', 1, 1, Array(7).fill(0)], [1, 'n', 'i', 1, 1, Array(7).fill(-1)]]
    for (const value of [...wrong, [1, 'n', 'i', 1, 1, Array(7).fill('0')], [1, '', 'i', 1, 1, Array(7).fill(0)]]) {
      expect(decodeHeartbeat(encode(value))).toBeUndefined()
    }
    expect(decodeHeartbeat(encode([1, 'n', 'i', 1, 1, Array(7).fill(0), 'x'.repeat(2_000)]))).toBeUndefined()
  })

  test('no two nodes or clusters share a subject, whatever their names', () => {
    fc.assert(
      fc.property(name, name, (one, other) => {
        fc.pre(one !== other)
        expect(subjectsOf(one).events).not.toBe(subjectsOf(other).events)
        expect(subjectsOf('c').node(one)).not.toBe(subjectsOf('c').node(other))
        expect(subjectsOf('c').node(one)).toMatch(/^heliograph\.c\.node\.[\w=-]+$/)
      }),
    )
  })
})

describe('heartbeats', () => {
  test('are heard by the others of the cluster, and by no other cluster', async () => {
    const [a, b, foreign] = [beating('a'), beating('b'), beating('b', 'elsewhere')]
    for (const each of [a, b, foreign]) each.start()
    await clock.advance(1_100)
    expect(a.lastOf('b')).toMatchObject({ node: 'b', incarnation: 'b-1', sequence: 5, view: 3, load: idle })
    expect([a.lastOf('a'), foreign.lastOf('a'), a.droppedMessages]).toEqual([undefined, undefined, 0])
    b.stop()
    await clock.advance(1_000)
    expect(a.lastOf('b')?.sequence).toBe(5)
  })

  test('that are malformed, on another node’s subject or heard before are dropped and counted', async () => {
    const a = beating('a')
    const stranger = broker.connect()
    a.start()
    const beat = { node: 'b', incarnation: 'b-1', sequence: 4, view: 1, load: idle, isHalted: false }
    const { heartbeat: subject } = subjectsOf('c')
    const heard: number[] = []
    a.onHeartbeat(({ sequence }) => heard.push(sequence))
    stranger.publish(subject('b'), encodeHeartbeat(beat))
    stranger.publish(subject('b'), encodeHeartbeat(beat))
    stranger.publish(subject('x'), encodeHeartbeat({ ...beat, sequence: 5 }))
    stranger.publish(subject('b'), new Uint8Array([1, 2, 3]))
    await clock.advance(10)
    expect([heard, a.droppedMessages]).toEqual([[4], 3])
    stranger.publish(subject('b'), encodeHeartbeat({ ...beat, incarnation: 'b-2', sequence: 1 }))
    await clock.advance(10)
    expect(heard).toEqual([4, 1])
  })

  test('B1: are not queued while there is no connection', async () => {
    const bus = broker.connect()
    const [a, b] = [beating('a'), beating('b', 'c', 'b-1', bus)]
    const heard: number[] = []
    a.onHeartbeat(({ sequence }) => heard.push(sequence))
    for (const each of [a, b]) each.start()
    await clock.advance(300)
    bus.cut(true)
    await clock.advance(1_000)
    bus.cut(false)
    await clock.advance(250)
    expect(heard).toEqual([1, 2, 7])
  })
})

describe('announcements', () => {
  const announcing = (node: string) =>
    new Announcements({ cluster: 'c', self: { node, incarnation: '1' }, bus: broker.connect(), clock, view: () => 9 })

  test('reach every node once, the one that says it at once', async () => {
    const [a, b] = [announcing('a'), announcing('b')]
    for (const each of [a, b]) each.start()
    a.say('takeover', 'n3 had 40 shards', { node: 'n3', shards: 40 })
    expect(a.recent()).toHaveLength(1)
    await clock.advance(10)
    expect(b.recent()).toEqual(a.recent())
    expect(b.recent()[0]).toMatchObject({ kind: 'takeover', by: 'a', number: 1, view: 9, node: 'n3', shards: 40 })
  })

  test('the last five hundred are kept, and what is none is dropped and counted', async () => {
    const [a, b] = [announcing('a'), announcing('b')]
    for (const each of [a, b]) each.start()
    for (let i = 0; i < 510; i++) a.say('view', `view ${i}`)
    broker.connect().publish(subjectsOf('c').events, new Uint8Array(5_000))
    await clock.advance(10)
    expect([b.recent().length, b.recent()[0]?.number, b.droppedMessages]).toEqual([500, 11, 1])
  })
})

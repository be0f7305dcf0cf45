/** A node beside one of another version, on the wire (W3, T3): the other one is played by hand, byte for byte. */
import { afterEach, describe, expect, test, vi } from 'vitest'
import { type CallEnvelope, decode, encode, type NodeId, systemClock } from '../../runtime/index.js'
import { grpcStreams, type Stream } from './grpc-streams.js'
import { NodeTransport } from './node-transport.js'
import { PROTOCOL_VERSIONS } from './protocol-versions.js'
import { ANSWER, CALL, FAILURE, ROUTE } from './wire.js'

const silence = { debug() {}, info() {}, warn() {}, error() {} }
const streamOptions = { frameBytes: 1024 * 1024 }
const { oldest, newest } = PROTOCOL_VERSIONS
/** As a node of before version 2 says it. */
const plainHello = (from: number, to: number, node = 'other') => [from, to, 'test', node, `${node}1`, 'data']

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

/** This program's transport; calls to it are answered with their argument. */
async function ours(addresses: Readonly<Record<NodeId, string>> = {}) {
  const calls: CallEnvelope[] = []
  const transport = new NodeTransport({
    cluster: 'test',
    self: 'ours',
    incarnation: 'ours1',
    program: '0.1.0',
    clock: systemClock,
    log: silence,
    atTickEnd: setImmediate,
    peers: {
      addressOf: (node) => addresses[node],
      others: () => [],
      view: () => 1,
      saw: () => undefined,
      refresh: async () => undefined,
    },
  })
  transport.serve({
    handle: async (call) => {
      calls.push(call)
      if (call.args[0] === 'fail') throw new Error('no')
      return call.args[0]
    },
    deliver: () => undefined,
  })
  ends.push(() => transport.close())
  return { transport, calls, address: `127.0.0.1:${await transport.listen('127.0.0.1', 0)}` }
}

/** The other node calls: what it is sent, and why its stream ended. */
function caller(address: string) {
  const lists: unknown[][] = []
  const whys: string[] = []
  const stream = grpcStreams.dial(address, streamOptions, {
    message: (bytes) => void lists.push(decode(bytes) as unknown[]),
    ended: (why) => void whys.push(why),
  })
  ends.push(() => stream.end('over'))
  /** Messages of all batches so far. */
  const messages = () => lists.slice(1).flatMap(([, , each]) => each as unknown[][])
  return { send: (...value: unknown[]) => stream.write(encode(value)), lists, messages, whys }
}

/** The other node is called: it says this hello and answers each call with what `answer` makes of it. */
async function callee(hello: readonly unknown[], answer: (id: number) => readonly unknown[] = () => []) {
  const hellos: unknown[][] = []
  const listener = await grpcStreams.listen({ host: '127.0.0.1', port: 0 }, streamOptions, (stream: Stream) => ({
    message(bytes) {
      const list = decode(bytes) as unknown[]
      if (typeof list[2] === 'string') {
        hellos.push(list)
        stream.write(encode(hello))
        return
      }
      const calls = (list[2] as unknown[][]).filter(([kind]) => kind === CALL)
      if (calls.length > 0) stream.write(encode([1, 0, calls.map(([, id]) => answer(id as number))]))
    },
    ended: () => undefined,
  }))
  ends.push(() => listener.close())
  return { address: `127.0.0.1:${listener.port}`, hellos }
}

const envelope: CallEnvelope = {
  kind: 'counter',
  key: '1',
  method: 'add',
  args: ['x'],
  deadlineMs: systemClock.now() + 60_000,
  traceId: 'trace',
  chain: [],
  ifActive: false,
}
const called = (transport: NodeTransport, node: NodeId): Promise<unknown> =>
  new Promise((answered, failed) => transport.call(node, envelope, { answered, failed }))

describe('a node of the previous minor version', () => {
  test('that calls gets answers as it knows them, and one of this version learns how long they took', async () => {
    const { address } = await ours()
    for (const [hello, length] of [
      [plainHello(oldest, oldest), 3],
      [plainHello(oldest - 1, oldest), 3],
      [plainHello(oldest, newest), 4],
    ] as const) {
      const other = caller(address)
      other.send(...hello)
      other.send(1, 0, [
        [ROUTE, 1, 'counter', 'add'],
        [CALL, 7, 1, 'key', ['yes'], 60_000],
        [CALL, 8, 1, 'key', ['fail'], 60_000],
      ])
      await vi.waitFor(() => expect(other.messages()).toHaveLength(2))
      expect(other.lists[0]!.slice(0, 6)).toEqual([oldest, newest, 'test', 'ours', 'ours1', 'data'])
      const answer = other.messages().find(([kind]) => kind === ANSWER)!
      const failure = other.messages().find(([kind]) => kind === FAILURE)!
      expect(answer.slice(0, 3)).toEqual([ANSWER, 7, 'yes'])
      expect(failure.slice(0, 2)).toEqual([FAILURE, 8])
      expect([answer.length, failure.length]).toEqual([length, length])
    }
  })

  test('that is called does not say how long it took, and its answers count without', async () => {
    const other = await callee(plainHello(oldest, oldest), (id) => [ANSWER, id, 'the answer'])
    const { transport } = await ours({ other: other.address })
    expect(await called(transport, 'other')).toBe('the answer')
    expect(transport.traffic).toEqual({ calls: 1, timed: 0, thereMs: 0, betweenMs: 0 })
    expect([transport.streamsOf(oldest), transport.streamsOf(newest)]).toEqual([1, 0])
    expect(other.hellos[0]).toEqual([oldest, newest, 'test', 'ours', 'ours1', 'data', '0.1.0'])
  })
})

describe('a node of the next minor version', () => {
  test('that says more than this one knows is understood', async () => {
    const { address, calls } = await ours()
    const other = caller(address)
    other.send(...plainHello(newest, newest + 1), '0.2.0', { more: true }, 3)
    const more = ['trace', [], false, [7, 4095], 'more', { than: 'this' }]
    other.send(
      1,
      0,
      [
        [ROUTE, 1, 'counter', 'add', 'more'],
        [CALL, 7, 1, 'key', ['yes'], 60_000, ...more],
      ],
      'more',
      5,
    )
    await vi.waitFor(() => expect(other.messages()).toHaveLength(1))
    expect(calls[0]).toMatchObject({ kind: 'counter', method: 'add', args: ['yes'], traceId: 'trace', from: [7, 4095] })
  })

  test('answers with more than this one knows, and is believed about its time no further than the call took', async () => {
    const answer = (id: number) => [ANSWER, id, 'the answer', 3_600_000_000, 'more']
    const other = await callee([...plainHello(newest, newest + 1), '0.2.0', 'more'], answer)
    const { transport } = await ours({ other: other.address })
    expect(await called(transport, 'other')).toBe('the answer')
    expect(transport.streamsOf(newest)).toBe(1)
    expect(transport.traffic).toMatchObject({ calls: 1, timed: 1, betweenMs: 0 })
    expect(transport.traffic.thereMs).toBeLessThan(60_000)
  })
})

describe('a node two minor versions away', () => {
  const far = [...plainHello(newest + 1, newest + 2), '0.3.0']
  const line =
    /node other \(0\.3\.0\) speaks versions 3 to 4 .*, node ours \(0\.1\.0\) speaks versions 1 to 2 .*one minor/

  test('that dials is told who this is and why it is refused', async () => {
    const { address } = await ours()
    const other = caller(address)
    other.send(...far)
    await vi.waitFor(() => expect(other.whys[0]).toMatch(line))
    expect(other.lists).toEqual([[oldest, newest, 'test', 'ours', 'ours1', 'data', '0.1.0']])
  })

  test('that is dialled fails calls with the reason; nothing is sent to it', async () => {
    const other = await callee(far)
    const { transport } = await ours({ other: other.address })
    await expect(called(transport, 'other')).rejects.toMatchObject({
      code: 'NOT_OWNER',
      message: expect.stringMatching(line),
    })
    expect(await transport.refusalBy(other.address)).toMatch(line)
  })

  test('is not taken for one that is gone, or of no business of ours', async () => {
    const { transport } = await ours()
    const previous = await callee(plainHello(oldest, oldest))
    expect(await transport.refusalBy(previous.address)).toBeUndefined()
    expect(await transport.refusalBy('127.0.0.1:1')).toBeUndefined()
  })
})

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
  const sent: Uint8Array[] = []
  const whys: string[] = []
  const stream = grpcStreams.dial(address, streamOptions, {
    message: (bytes) => void sent.push(bytes),
    ended: (why) => void whys.push(why),
  })
  ends.push(() => stream.end('over'))
  return {
    send: (...value: unknown[]) => stream.write(encode(value)),
    sendBytes: (bytes: Uint8Array) => stream.write(bytes),
    hello: () => decode(sent[0]!) as unknown[],
    batches: () => sent.slice(1),
    /** Messages of all batches so far, to a node of before packed batches. */
    messages: () => sent.slice(1).flatMap((bytes) => (decode(bytes) as unknown[])[2] as unknown[][]),
    hellos: () => sent.map((bytes) => decode(bytes)),
    whys,
  }
}

/** Packed batches by hand (packed-batches.ts): numbers below 128 are a byte each. */
const text = (value: string) => [value.length, ...Buffer.from(value)]
const END = 7
const MORE = 1
const route = (flags: number, ...more: number[]) => [ROUTE, flags, 1, ...text('counter'), ...text('add'), ...more]
/** With 60,000 ms left, and one argument. */
const call = (id: number, flags: number, members: number[], argument: string, ...more: number[]) => {
  const args = [0x91, 0xa0 | argument.length, ...Buffer.from(argument)]
  return [CALL, flags, id, 1, ...text('key'), 0xe0, 0xd4, 0x03, ...members, ...args, ...more]
}
const batch = (...messages: number[][]) => Buffer.from([1, 0, 0, ...messages.flat(), END])

/** The other node is called: it says this hello and answers each call with what `answer` makes of it. */
async function callee(
  hello: readonly unknown[],
  answer: (batch: Uint8Array) => Uint8Array | undefined = () => undefined,
) {
  const hellos: unknown[][] = []
  const listener = await grpcStreams.listen({ host: '127.0.0.1', port: 0 }, streamOptions, (stream: Stream) => {
    let isGreeted = false
    return {
      message(bytes) {
        if (isGreeted) {
          const answered = answer(bytes)
          if (answered !== undefined) stream.write(answered)
          return
        }
        isGreeted = true
        hellos.push(decode(bytes) as unknown[])
        stream.write(encode(hello))
      },
      ended: () => undefined,
    }
  })
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
  test('that calls in lists gets answers as it knows them', async () => {
    const { address } = await ours()
    for (const hello of [plainHello(oldest, oldest), plainHello(oldest - 1, oldest)]) {
      const other = caller(address)
      other.send(...hello)
      other.send(1, 0, [
        [ROUTE, 1, 'counter', 'add'],
        [CALL, 7, 1, 'key', ['yes'], 60_000],
        [CALL, 8, 1, 'key', ['fail'], 60_000],
      ])
      await vi.waitFor(() => expect(other.messages()).toHaveLength(2))
      expect(other.hello().slice(0, 6)).toEqual([oldest, newest, 'test', 'ours', 'ours1', 'data'])
      const answer = other.messages().find(([kind]) => kind === ANSWER)!
      const failure = other.messages().find(([kind]) => kind === FAILURE)!
      expect(answer).toEqual([ANSWER, 7, 'yes'])
      expect(failure.slice(0, 2)).toEqual([FAILURE, 8])
      expect(failure).toHaveLength(3)
    }
  })

  test('is told apart from one of this version, which is answered packed and learns how long it took', async () => {
    const { address } = await ours()
    const other = caller(address)
    other.send(...plainHello(oldest, newest))
    other.sendBytes(batch(route(0), call(7, 0, [], 'yes')))
    await vi.waitFor(() => expect(other.batches()).toHaveLength(1))
    const bytes = [...other.batches()[0]!]
    const timed = 4
    const credit = bytes[1]
    expect(bytes.slice(0, 6)).toEqual([1, credit, 0, ANSWER, timed, 7])
    expect(bytes.slice(-5)).toEqual([0xa3, ...Buffer.from('yes'), END])
  })

  test('that is called does not say how long it took, and its answers count without', async () => {
    const other = await callee(plainHello(oldest, oldest), (bytes) => {
      const [, , messages] = decode(bytes) as [number, number, unknown[][]]
      const calls = messages.filter(([kind]) => kind === CALL)
      return encode([1, 0, calls.map(([, id]) => [ANSWER, id, 'the answer'])])
    })
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
    const [trace, from] = [4, 32]
    const more = [5, 1, 2, 3, 4, 5]
    const members = [...text('trace'), 2, 7, 0xff, 0x1f]
    const messages = [route(MORE, ...more), call(7, trace | from | MORE, members, 'yes', ...more)]
    other.sendBytes(Buffer.from([1, 0, 3, 9, 9, 9, ...messages.flat(), END]))
    await vi.waitFor(() => expect(other.batches()).toHaveLength(1))
    expect(calls[0]).toMatchObject({ kind: 'counter', method: 'add', args: ['yes'], traceId: 'trace', from: [7, 4095] })
  })

  test('answers with more than this one knows, and is believed about its time no further than the call took', async () => {
    const timed = 4
    const tookUs = [0x80, 0xa4, 0xcc, 0xb4, 0x0d] // 3,600,000,000
    const answer = [ANSWER, timed | MORE, 0, ...tookUs, 0xaa, ...Buffer.from('the answer'), 2, 1, 2]
    const other = await callee([...plainHello(newest, newest + 1), '0.2.0', 'more'], () => batch(answer))
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
    expect(other.hellos()).toEqual([[oldest, newest, 'test', 'ours', 'ours1', 'data', '0.1.0']])
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

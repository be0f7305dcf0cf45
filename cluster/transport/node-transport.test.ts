/** Two nodes of one process, over real gRPC streams on loopback. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { ActorError, type CallEnvelope, errorCode, type Frame, type NodeId, systemClock } from '../../runtime/index.js'
import type { TlsKeys } from './grpc-streams.js'
import { NodeTransport, type NodeTransportOptions } from './node-transport.js'

/** Long: the machine may be slow. */
const DEADLINE_MS = 30_000
const silence = { debug() {}, info() {}, warn() {}, error() {} }
const bytes = (text: string) => Buffer.from(text)
/** A call as a promise. */
const called = (transport: NodeTransport, node: NodeId, call: CallEnvelope): Promise<unknown> =>
  new Promise((answered, failed) => transport.call(node, call, { answered, failed }))
const text = (payload: unknown) => Buffer.from(payload as Uint8Array).toString()

const open: NodeTransport[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((transport) => transport.close()))
})

type Changed = Partial<Omit<NodeTransportOptions, 'self'>>

/** Addresses by node; each node's view, and how it reads a newer one. */
function world() {
  const addresses = new Map<NodeId, string>()
  const views = new Map<NodeId, number>()
  const refreshed: { node: NodeId; view: number; done: () => void }[] = []
  const node = async (self: NodeId, changed: Changed = {}) => {
    const calls: CallEnvelope[] = []
    const frames: Frame[] = []
    const transport = new NodeTransport({
      cluster: 'test',
      self,
      incarnation: `${self}1`,
      clock: systemClock,
      log: silence,
      atTickEnd: setImmediate,
      peers: {
        addressOf: (other) => addresses.get(other),
        others: () => [...addresses.keys()].filter((other) => other !== self),
        view: () => views.get(self) ?? 0,
        saw: () => undefined,
        refresh: (view) =>
          new Promise((resolve) => {
            const done = () => {
              views.set(self, view)
              resolve()
            }
            refreshed.push({ node: self, view, done })
          }),
      },
      ...changed,
    })
    open.push(transport)
    const served = { handle: async (call: CallEnvelope): Promise<unknown> => call.args[0] }
    transport.serve({
      handle: (call) => {
        calls.push(call)
        return served.handle(call)
      },
      deliver: (_from, frame) => {
        frames.push(frame)
      },
    })
    const port = await transport.listen('127.0.0.1', 0)
    addresses.set(self, `127.0.0.1:${port}`)
    return { transport, calls, frames, served }
  }
  return { node, addresses, views, refreshed }
}

const envelope = (argument: unknown, more: Partial<CallEnvelope> = {}): CallEnvelope => ({
  kind: 'counter',
  key: '1',
  method: 'add',
  args: [argument],
  deadlineMs: systemClock.now() + DEADLINE_MS,
  traceId: 'trace',
  chain: ['chat/1', 'user/2'],
  ifActive: false,
  ...more,
})

describe('calls and frames between nodes', () => {
  test('arrive as they were, and answers and errors come back', async () => {
    const { node } = world()
    const [a, b] = [await node('a'), await node('b')]
    expect(text(await called(a.transport, 'b', envelope(bytes('hello'), { ifActive: true })))).toBe('hello')
    const [call] = b.calls
    expect(call).toMatchObject({ kind: 'counter', key: '1', method: 'add', traceId: 'trace', ifActive: true })
    expect(call!.chain).toEqual(['chat/1', 'user/2'])
    expect(Math.abs(call!.deadlineMs - systemClock.now() - DEADLINE_MS)).toBeLessThan(2_000)

    const refusal = new ActorError('OVERLOADED', 'full', { retryAfterMs: 70 })
    b.served.handle = () => Promise.reject(refusal)
    await expect(called(a.transport, 'b', envelope(bytes('')))).rejects.toEqual(refusal)
  })

  test('carry the epoch and the shards of who sent them', async () => {
    const { node } = world()
    const [a, b] = [await node('a'), await node('b')]
    for (const from of [undefined, [7, 4095], [900_000, 1, 2, 3]]) {
      await called(a.transport, 'b', envelope(bytes('x'), { chain: [], from }))
      a.transport.send('b', { sink: 'push', payload: bytes('x'), from })
      await vi.waitFor(() => expect(b.frames.length).toBe(b.calls.length))
      expect([b.calls.at(-1)?.from, b.frames.at(-1)?.from]).toEqual([from, from])
    }
  })

  test('T1: keep their order, calls and frames together, through a window far smaller than what is sent', async () => {
    const { node } = world()
    const limits = { windowBytes: 4_000, batchBytes: 1_000 }
    const [a, b] = [await node('a', { limits }), await node('b', { limits })]
    const order: string[] = []
    b.served.handle = async (call) => {
      order.push(text(call.args[0]))
      return call.args[0]
    }
    const deliver = vi.spyOn(b.frames, 'push').mockImplementation((frame) => order.push(text(frame.payload)))
    const expected = Array.from({ length: 5_000 }, (_, at) => `${at}`)
    const answers = await Promise.all(
      expected.map((name, at) => {
        if (at % 3 > 0) return called(a.transport, 'b', envelope(bytes(name))).then(text)
        a.transport.send('b', { sink: 'push', payload: bytes(name) })
        return name
      }),
    )
    expect(answers).toEqual(expected)
    expect(order).toEqual(expected)
    expect(deliver).toHaveBeenCalled()
  })

  test('a message larger than the window gets through, one larger than a frame fails and harms nobody else', async () => {
    const { node } = world()
    const limits = { windowBytes: 10_000, frameBytes: 1_000_000 }
    const [a] = [await node('a', { limits }), await node('b', { limits })]
    expect(await called(a.transport, 'b', envelope(new Uint8Array(500_000)))).toHaveLength(500_000)
    const beside = called(a.transport, 'b', envelope(bytes('beside')))
    await expect(called(a.transport, 'b', envelope(new Uint8Array(2_000_000)))).rejects.toMatchObject({
      code: 'INTERNAL',
    })
    expect(text(await beside)).toBe('beside')
    await vi.waitFor(
      async () => expect(text(await called(a.transport, 'b', envelope(bytes('again'))))).toBe('again'),
      5_000,
    )
  })

  test('broadcast reaches every node, the own one too', async () => {
    const { node } = world()
    const nodes = [await node('a'), await node('b'), await node('c')]
    nodes[0]!.transport.broadcast({ sink: 'news', payload: bytes('x') })
    await vi.waitFor(() => expect(nodes.map(({ frames }) => frames.length)).toEqual([1, 1, 1]))
  })

  test('T2: a question on the control lane is answered while data waits for its turn', async () => {
    const { node } = world()
    const [a, b] = [await node('a'), await node('b')]
    b.served.handle = () => new Promise(() => undefined)
    const stuck = called(a.transport, 'b', envelope(bytes('stuck'))).catch(errorCode)
    b.transport.answer('probe', async (payload, from) => bytes(`${text(payload)} ${from}`))
    expect(text(await a.transport.ask('b', 'probe', bytes('are you there'), 1_000))).toBe('are you there a')
    await expect(a.transport.ask('b', 'what', bytes(''), 1_000)).rejects.toMatchObject({ code: 'INTERNAL' })
    await b.transport.close()
    expect(await stuck).toBe('OUTCOME_UNKNOWN')
  })
})

describe('when things go wrong', () => {
  test('B5: what cannot be encoded fails alone, on the way there and on the way back', async () => {
    const { node } = world()
    const [a, b] = [await node('a'), await node('b')]
    const [before, bad, after] = [bytes('before'), Symbol('bad'), bytes('after')].map((argument) =>
      called(a.transport, 'b', envelope(argument)).then(text, errorCode),
    )
    expect(await Promise.all([before, bad, after])).toEqual(['before', 'INTERNAL', 'after'])
    b.served.handle = async ({ args }) => (text(args[0]) === 'bad' ? Symbol('bad') : args[0])
    const answers = ['good', 'bad', 'fine'].map((name) =>
      called(a.transport, 'b', envelope(bytes(name))).then(text, errorCode),
    )
    expect(await Promise.all(answers)).toEqual(['good', 'INTERNAL', 'fine'])
  })

  test('H1: a node that is not there costs no time-out, and certainly got nothing', async () => {
    const { node, addresses } = world()
    const a = await node('a')
    addresses.set('gone', '127.0.0.1:1')
    for (const target of ['gone', 'never heard of']) {
      expect(await called(a.transport, target, envelope(bytes(''))).catch(errorCode)).toBe('NOT_OWNER')
      expect(await called(a.transport, target, envelope(bytes(''))).catch(errorCode)).toBe('NOT_OWNER')
    }
  })

  test('H1: a call without an answer ends at its deadline with an unknown outcome, and its answer goes nowhere', async () => {
    const { node } = world()
    const [a, b] = [await node('a'), await node('b')]
    let answer = (_: unknown) => {}
    b.served.handle = () =>
      new Promise((resolve) => {
        answer = resolve
      })
    const call = called(a.transport, 'b', envelope(bytes(''), { deadlineMs: systemClock.now() + 300 }))
    expect(await call.catch(errorCode)).toBe('OUTCOME_UNKNOWN')
    answer(bytes('late'))
    b.served.handle = async ({ args }) => args[0]
    expect(text(await called(a.transport, 'b', envelope(bytes('next'))))).toBe('next')
  })

  test('H2: what waits for a node that takes nothing in is bounded', async () => {
    const { node, addresses } = world()
    // Ten calls, and the name of their method before them.
    const limits = { waitingMessages: 11, connectMs: 300 }
    const a = await node('a', { limits })
    // Listens and never says hello.
    const { createServer } = await import('node:net')
    const mute = createServer(() => undefined)
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve))
    addresses.set('mute', `127.0.0.1:${(mute.address() as { port: number }).port}`)
    const codes = await Promise.all(
      Array.from({ length: 15 }, () => called(a.transport, 'mute', envelope(bytes(''))).catch(errorCode)),
    )
    expect(codes.filter((code) => code === 'OVERLOADED')).toHaveLength(5)
    expect(codes.filter((code) => code === 'NOT_OWNER')).toHaveLength(10)
    mute.close()
  })

  test('C3: calls under way are bounded at the callee', async () => {
    const { node } = world()
    const [a, b] = [await node('a'), await node('b', { limits: { callsUnderWay: 3 } })]
    b.served.handle = () => new Promise(() => undefined)
    const codes = Array.from({ length: 5 }, () => called(a.transport, 'b', envelope(bytes(''))).catch(errorCode))
    await vi.waitFor(() => expect(b.calls).toHaveLength(3))
    expect(await Promise.all(codes.slice(3))).toEqual(['OVERLOADED', 'OVERLOADED'])
    await b.transport.close()
    expect(await Promise.all(codes.slice(0, 3))).toEqual(Array(3).fill('OUTCOME_UNKNOWN'))
  })

  test('a node that comes back at another address is found again', async () => {
    const { node } = world()
    const [a, b] = [await node('a'), await node('b')]
    await called(a.transport, 'b', envelope(bytes('')))
    await b.transport.close()
    const next = await node('b')
    await vi.waitFor(
      async () => expect(text(await called(a.transport, 'b', envelope(bytes('back'))))).toBe('back'),
      5_000,
    )
    expect(next.calls).not.toHaveLength(0)
  })

  test('C2: what a node with a newer view sends waits until the view is read, in its order', async () => {
    const { node, views, refreshed } = world()
    const [a, b] = [await node('a'), await node('b')]
    views.set('a', 5)
    const answers = ['1', '2', '3'].map((name) => called(a.transport, 'b', envelope(bytes(name))).then(text))
    await vi.waitFor(() => expect(refreshed).toMatchObject([{ node: 'b', view: 5 }]))
    views.set('a', 4)
    answers.push(called(a.transport, 'b', envelope(bytes('4'))).then(text))
    expect(b.calls).toEqual([])
    refreshed[0]!.done()
    expect(await Promise.all(answers)).toEqual(['1', '2', '3', '4'])
    expect(b.calls.map(({ args }) => text(args[0]))).toEqual(['1', '2', '3', '4'])
    expect(refreshed).toHaveLength(1)
  })
})

describe('T3: who talks to whom', () => {
  const why = async (one: Changed, other: Changed) => {
    const { node } = world()
    const [a] = [await node('a', one), await node('b', other)]
    return called(a.transport, 'b', envelope(bytes('yes'))).then(text, (error: Error) => error.message)
  }

  test('nodes of one cluster whose versions overlap: the next minor version and this one too', async () => {
    expect(await why({ versions: { oldest: 1, newest: 2 } }, { versions: { oldest: 2, newest: 3 } })).toBe('yes')
    expect(await why({ versions: { oldest: 2, newest: 3 } }, { versions: { oldest: 1, newest: 2 } })).toBe('yes')
  })

  test('others are told why not', async () => {
    expect(await why({ versions: { oldest: 3, newest: 4 } }, {})).toMatch(/node a speaks versions 3 to 4 .*one minor/)
    expect(await why({ cluster: 'staging' }, {})).toMatch(/the cluster test, not staging/)
  })

  describe('with TLS', () => {
    const folder = mkdtempSync(join(tmpdir(), 'heliograph-tls-'))
    const keys = (name: string): TlsKeys => ({
      authority: readFileSync(join(folder, `${name}-ca.pem`)),
      certificate: readFileSync(join(folder, `${name}.pem`)),
      key: readFileSync(join(folder, `${name}.key`)),
    })
    const make = (name: string) => {
      const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' })
      const subject = (common: string) => [
        '-subj',
        `/CN=${common}`,
        '-nodes',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
      ]
      openssl(
        'req',
        '-x509',
        '-days',
        '2',
        ...subject(`${name} CA`),
        '-keyout',
        `${name}-ca.key`,
        '-out',
        `${name}-ca.pem`,
      )
      const address = ['-addext', 'subjectAltName=IP:127.0.0.1']
      openssl('req', ...subject('node'), ...address, '-keyout', `${name}.key`, '-out', `${name}.csr`)
      const signing = [
        '-CA',
        `${name}-ca.pem`,
        '-CAkey',
        `${name}-ca.key`,
        '-CAcreateserial',
        '-copy_extensions',
        'copy',
      ]
      openssl('x509', '-req', '-days', '2', '-in', `${name}.csr`, ...signing, '-out', `${name}.pem`)
      return keys(name)
    }

    test('only those whose certificate the authority signed', async () => {
      try {
        const [ours, others] = [make('ours'), make('others')]
        expect(await why({ tls: ours }, { tls: ours })).toBe('yes')
        expect(await why({ tls: { ...others, authority: ours.authority } }, { tls: ours })).not.toBe('yes')
        expect(await why({}, { tls: ours })).not.toBe('yes')
        expect(await why({ tls: ours }, {})).not.toBe('yes')
      } finally {
        rmSync(folder, { recursive: true })
      }
    })
  })
})

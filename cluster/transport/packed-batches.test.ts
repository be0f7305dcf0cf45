import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { errorCode } from '../../runtime/index.js'
import { listedBatches } from './listed-batches.js'
import { packedBatches } from './packed-batches.js'
import { ANSWER, ASK, type Batch, CALL, CANCEL, FAILURE, FRAME, type Message, ROUTE } from './wire.js'

const name = fc.oneof(
  fc.string({ minLength: 1, maxLength: 30 }),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }),
  fc.constant('x'.repeat(200)),
)
const long = fc.string({ unit: 'binary', maxLength: 300 })
const count = fc.oneof(fc.nat(300), fc.nat(), fc.maxSafeNat())
const payload = fc.uint8Array({ maxLength: 1_000 }).map((bytes) => Buffer.from(bytes))
const from = fc.option(fc.array(count, { minLength: 2, maxLength: 5 }), { nil: undefined })
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.integer(),
    fc.double({ noNaN: true }).filter((each) => !Object.is(each, -0)),
    fc.boolean(),
    fc.constant(null),
    fc.constant(undefined),
    fc.string({ maxLength: 300 }),
    payload,
    fc.array(tie('value'), { maxLength: 20 }),
    fc.record({ id: fc.nat(), text: fc.string() }),
    fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('value'), { noNullPrototype: true }),
  ),
}))
const call = fc
  .tuple(count, count, name, fc.array(value, { maxLength: 20 }), count, fc.option(long, { nil: undefined }))
  .chain(([id, route, key, args, leftMs, trace]) =>
    fc.tuple(fc.array(long, { maxLength: 4 }), fc.boolean(), from).map(([chain, ifActive, sender]) => {
      const bare = [CALL, id, route, key, args, leftMs, trace]
      const isBare = chain.length === 0 && !ifActive && sender === undefined
      return (isBare ? bare : [...bare, chain, ifActive, sender]) as unknown as Message
    }),
  )
const message: fc.Arbitrary<Message> = fc.oneof(
  call,
  fc.tuple(fc.constant(FRAME), name, payload, from),
  fc.tuple(fc.constant(ASK), count, name, payload, count),
  fc.tuple(fc.constant(CANCEL), count),
  fc.tuple(fc.constant(ROUTE), count, name, name),
  fc.tuple(fc.constant(ANSWER), count, value, fc.option(count, { nil: undefined })),
  fc.tuple(fc.constant(FAILURE), count, payload),
  fc.tuple(fc.constant(FAILURE), count, payload, count),
) as fc.Arbitrary<Message>
const batch: fc.Arbitrary<Batch> = fc.record({
  view: count,
  credit: count,
  messages: fc.array(message, { maxLength: 8 }),
})

const refused = (bytes: Uint8Array) => {
  try {
    packedBatches.decode(bytes)
    return undefined
  } catch (error) {
    return errorCode(error)
  }
}

describe('packed batches', () => {
  test('come back as they were', () => {
    fc.assert(
      fc.property(batch, (given) => {
        expect(packedBatches.decode(packedBatches.encode(given))).toEqual(given)
      }),
      { numRuns: 300 },
    )
  })

  test('stay as they were when others are written after them, also beyond the end of a chunk', () => {
    fc.assert(
      fc.property(fc.array(batch, { minLength: 2, maxLength: 20 }), (given) => {
        const written = given.map((each) => packedBatches.encode(each))
        expect(written.map((bytes) => packedBatches.decode(bytes))).toEqual(given)
      }),
    )
  })

  test('share no memory with what was received', () => {
    const given = [FRAME, 'sink', Buffer.from('payload')] as const
    const bytes = Buffer.from(packedBatches.encode({ view: 1, credit: 0, messages: [given] }))
    const [read] = packedBatches.decode(bytes).messages
    bytes.fill(0)
    expect(read).toEqual([...given, undefined])
  })

  test('are a fraction of the lists before them', () => {
    const messages = Array.from({ length: 100 }, (_, id): Message => [CALL, id, 1, `${id}`, [1], 30_000, undefined])
    const given = { view: 1, credit: 0, messages }
    expect(packedBatches.encode(given).length).toBeLessThan(14 * 100)
    expect(packedBatches.encode(given).length).toBeLessThan(listedBatches.encode(given).length)
  })

  test('a deadline leaves as whole milliseconds, one that is over as none', () => {
    for (const [leftMs, arrives] of [
      [0.2, 1],
      [-5, 0],
      [Number.POSITIVE_INFINITY, Number.MAX_SAFE_INTEGER],
    ] as const) {
      const bytes = packedBatches.encode({ view: 1, credit: 0, messages: [[CALL, 1, 1, 'key', [], leftMs]] })
      expect(packedBatches.decode(bytes).messages[0]![5]).toBe(arrives)
    }
  })

  test('a message that cannot be written throws, and the next batch is whole', () => {
    const write = (message: unknown) => () =>
      packedBatches.encode({ view: 1, credit: 0, messages: [message as Message, [CANCEL, 1]] })
    expect(write([ANSWER, 1, Symbol('none')])).toThrow()
    expect(write([ANSWER, -1, 0])).toThrow()
    expect(write([FRAME, '', new Uint8Array()])).toThrow()
    expect(write([FRAME, 'x'.repeat(201), new Uint8Array()])).toThrow()
    expect(write([CALL, 1, 1, 'key', [], Number.NaN])).toThrow()
    expect(packedBatches.decode(write([CANCEL, 2])()).messages).toEqual([
      [CANCEL, 2],
      [CANCEL, 1],
    ])
  })

  test('K2: cut off anywhere, or with something behind it, a batch is refused', () => {
    fc.assert(
      fc.property(batch, fc.nat(), (given, at) => {
        const bytes = packedBatches.encode(given)
        expect(refused(bytes.subarray(0, at % bytes.length))).toBe('CORRUPT')
        expect(refused(Buffer.concat([bytes, Buffer.of(0xc0)]))).toBe('CORRUPT')
      }),
    )
  })

  test('K2: any bytes are a batch or CORRUPT', () => {
    const codes = new Set([undefined, 'CORRUPT'])
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => codes.has(refused(bytes) as never)),
      { numRuns: 2_000 },
    )
    fc.assert(
      fc.property(batch, fc.nat(), fc.nat(255), (given, at, byte) => {
        const bytes = Buffer.from(packedBatches.encode(given))
        bytes[at % bytes.length] = byte
        return codes.has(refused(bytes) as never)
      }),
      { numRuns: 500 },
    )
    expect(refused(Buffer.from([1, 0, 0, ANSWER, 0, 1, ...Array(100_000).fill(0x91), 7]))).toBe('CORRUPT')
  })

  test('K1: a kind and a flag that nobody knows are refused', () => {
    for (const bytes of [
      [1, 0, 0, 8, 0, 1, 7],
      [1, 0, 0, CANCEL, 128, 1, 7],
      [1, 0, 0, CANCEL, 2, 1, 7],
    ])
      expect(refused(Buffer.from(bytes))).toBe('CORRUPT')
    expect(refused(Buffer.from([1, 0, 0, CANCEL, 0, 1, 7]))).toBeUndefined()
  })
})

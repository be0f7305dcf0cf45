import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Outbox } from './outbox.js'
import { packedBatches } from './packed-batches.js'
import { FRAME, type FrameMessage } from './wire.js'

const limits = { frameBytes: 100_000, windowBytes: 2_000, batchBytes: 500, waitingBytes: 20_000, waitingMessages: 100 }
const frame = (name: number, bytes: number): FrameMessage => [FRAME, `sink ${name}`, new Uint8Array(bytes)]

/** An outbox whose batches go where the test says, and whose ticks end when it says. */
function outbox() {
  const written: Uint8Array[] = []
  const ticks: (() => void)[] = []
  const box = new Outbox<FrameMessage>(
    {
      write: (batch) => written.push(batch),
      atTickEnd: (flush) => ticks.push(flush),
      view: () => 7,
      unsendable: () => expect.unreachable(),
    },
    limits,
  )
  const endTick = () => {
    for (const flush of ticks.splice(0)) flush()
  }
  return { box, written, endTick }
}
const names = (batches: readonly Uint8Array[]) =>
  batches.flatMap((batch) =>
    packedBatches.decode<FrameMessage>(batch).messages.map(([, sink]) => Number(sink.slice(5))),
  )

const step = fc.oneof(
  fc.record({ put: fc.integer({ min: 0, max: 3_000 }) }),
  fc.constant('tick' as const),
  fc.constant('take in' as const),
)

test('B1, B2, B3: all that was taken arrives once and in order, and never more is under way than the window', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const { box, written, endTick } = outbox()
      box.open(packedBatches)
      const taken: number[] = []
      const arrived: number[] = []
      let underWay: Uint8Array[] = []
      let credit = 0
      const look = () => {
        underWay.push(...written.splice(0))
        const bytes = underWay.reduce((sum, { length }) => sum + length, credit)
        const beforeLast = bytes - (underWay.at(-1)?.length ?? 0)
        // A batch's frame of msgpack comes on top of the messages that were measured.
        expect(bytes <= limits.windowBytes + 100 || beforeLast < limits.windowBytes / 4).toBe(true)
      }
      const takeIn = () => {
        arrived.push(...names(underWay))
        credit += underWay.reduce((sum, { length }) => sum + length, 0)
        underWay = []
        // As the other half does: what is not worth a grant yet is kept back.
        if (credit < limits.windowBytes / 4) return
        box.granted(credit)
        credit = 0
      }
      for (const [at, each] of steps.entries()) {
        if (each === 'tick') endTick()
        else if (each === 'take in') takeIn()
        else if (box.put(frame(at, each.put))) taken.push(at)
        expect(box.waitingMessages).toBeLessThanOrEqual(limits.waitingMessages)
        look()
      }
      for (let rest = 0; rest < 400; rest++) {
        endTick()
        look()
        takeIn()
      }
      expect(arrived).toEqual(taken)
      expect(box.waitingMessages).toBe(0)
    }),
  )
})

test('B3: what waits is bounded, and is there again when the outbox closes', () => {
  const { box, written, endTick } = outbox()
  const taken = Array.from({ length: 150 }, (_, at) => box.put(frame(at, 1))).filter(Boolean).length
  expect(taken).toBe(limits.waitingMessages)
  endTick()
  expect(written).toEqual([])
  expect(box.close()).toHaveLength(taken)
  expect(box.put(frame(0, 1))).toBe(false)
})

test('B4: what is put in within one tick leaves in one batch, with the view', () => {
  const { box, written, endTick } = outbox()
  box.open(packedBatches)
  for (let at = 0; at < 5; at++) box.put(frame(at, 10))
  endTick()
  expect(written).toHaveLength(1)
  expect(packedBatches.decode(written[0]!).view).toBe(7)
})

test('credit is granted once a quarter of the window was handled, without a message to carry it too', () => {
  const { box, written, endTick } = outbox()
  box.open(packedBatches)
  endTick()
  box.handled(400)
  endTick()
  expect(written).toEqual([])
  box.handled(200)
  endTick()
  expect(written.map((batch) => packedBatches.decode(batch).credit)).toEqual([600])
})

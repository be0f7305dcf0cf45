import { expect, test } from 'vitest'
import { settled } from '../../runtime/testing/index.js'
import { CalledHalf } from './called-half.js'
import { DEFAULT_TRANSPORT_LIMITS } from './limits.js'
import { packedBatches } from './packed-batches.js'
import { ASK, CALL, type CallingMessage, ROUTE } from './wire.js'

const route: CallingMessage = [ROUTE, 1, 'chat', 'post']
const call = (id: number): CallingMessage => [CALL, id, 1, `key ${id}`, [], 1_000]
const batch = (view: number, ...messages: CallingMessage[]) => packedBatches.encode({ view, credit: 0, messages })

/** A half at view 1 that cannot read a newer one. */
function halfAt1() {
  const handled: string[] = []
  const ends: string[] = []
  const seen: number[] = []
  const half: CalledHalf = new CalledHalf(
    {
      service: {
        handle: async ({ key }) => handled.push(key),
        deliver: () => undefined,
        answer: async (topic) => {
          handled.push(topic)
          return new Uint8Array()
        },
      },
      version: 2,
      now: () => 0,
      monotonic: () => 0,
      view: () => 1,
      saw: (view) => void seen.push(view),
      refresh: () => Promise.reject(new Error('the store does not answer')),
      write: () => undefined,
      end: (why) => {
        ends.push(why)
        half.end()
      },
      atTickEnd: (run) => queueMicrotask(run),
    },
    DEFAULT_TRANSPORT_LIMITS,
  )
  return { half, handled, ends, seen }
}

test('C2: when a view cannot be read, the batch is dropped, and so is all that waited behind it', async () => {
  const { half, handled, ends } = halfAt1()
  half.received(batch(2, route, call(1)))
  half.received(batch(1, call(2)))
  await settled()
  half.received(batch(1, call(3)))
  await settled()
  expect(handled).toEqual([])
  expect(ends).toEqual(['view 2 cannot be read: Error: the store does not answer'])
})

test('C2: questions are answered by a node that cannot read the newest view, which it hears of', async () => {
  const { half, handled, ends, seen } = halfAt1()
  half.received(batch(2, [ASK, 1, 'probe', new Uint8Array(), 1_000]))
  await settled()
  expect(handled).toEqual(['probe'])
  expect(seen).toEqual([2])
  expect(ends).toEqual([])
  half.received(batch(2, [ASK, 2, 'probe', new Uint8Array(), 1_000], route, call(3)))
  await settled()
  expect(handled).toEqual(['probe'])
  expect(ends).toHaveLength(1)
})

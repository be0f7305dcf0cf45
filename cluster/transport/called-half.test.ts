import { expect, test } from 'vitest'
import { settled } from '../../runtime/testing/index.js'
import { CalledHalf } from './called-half.js'
import { DEFAULT_TRANSPORT_LIMITS } from './limits.js'
import { CALL, type CallingMessage, encodeBatch, ROUTE } from './wire.js'

const route: CallingMessage = [ROUTE, 1, 'chat', 'post']
const call = (id: number): CallingMessage => [CALL, id, 1, `key ${id}`, [], 1_000]
const batch = (view: number, ...messages: CallingMessage[]) => encodeBatch({ view, credit: 0, messages })

/** A half at view 1 that cannot read a newer one. */
function halfAt1() {
  const handled: string[] = []
  const ends: string[] = []
  const half: CalledHalf = new CalledHalf(
    {
      service: {
        handle: async ({ key }) => handled.push(key),
        deliver: () => undefined,
        answer: () => Promise.reject(new Error('no question')),
      },
      now: () => 0,
      view: () => 1,
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
  return { half, handled, ends }
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

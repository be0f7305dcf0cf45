import { expect, test } from 'vitest'
import { ByteBudget } from './byte-budget.js'
import { Holders } from './holders.js'
import { Outbox, Outgoing } from './outbox.js'

test('3: what stays leaves the memory that it shared', () => {
  const holders = new Holders(new ByteBudget(1_000_000), 1_000_000)
  const outbox = new Outbox(holders, holders.join('somebody', { heldBytes: 0, relieve: () => undefined }))
  const pool = Buffer.allocUnsafeSlow(8192).fill('a message in a pool ')
  const message = (low: number, atMs: number) =>
    new Outgoing({ high: 1, low }, 1, pool.subarray(low, low + 24), atMs, { push: true })
  const messages = [message(4, 100), message(8, 200), message(12, 300)]
  for (const each of messages) outbox.add(each)
  const texts = messages.map(({ body }) => body.toString())
  outbox.settle(200)
  expect(messages.map(({ body }) => body.buffer.byteLength)).toEqual([24, 24, 8192])
  expect(messages.map(({ body }) => body.toString())).toEqual(texts)
  expect(outbox.bytes).toBe(messages.reduce((sum, { heldBytes }) => sum + heldBytes, 0))
})

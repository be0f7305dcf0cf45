import { expect, test } from 'vitest'
import type { Clock } from '../../runtime/index.js'
import { MemoryRegister } from '../../runtime/testing/index.js'
import { defaultLeaseLimits, NodeLease } from './node-lease.js'

const me = { node: 'a', incarnation: '1' }
const { lengthMs } = defaultLeaseLimits

/** Two clocks that part, as those of a machine that is suspended do. */
class PartingClock implements Clock {
  monotonicMs = 1_000
  suspendedMs = 0

  now(): number {
    return 1_700_000_000_000 + this.monotonicMs + this.suspendedMs
  }

  monotonic(): number {
    return this.monotonicMs
  }

  setTimer() {
    return { cancel: () => undefined }
  }
}

async function leased(clock: Clock): Promise<NodeLease> {
  const lease = new NodeLease(new MemoryRegister(), clock, defaultLeaseLimits, me, () => undefined)
  expect(await lease.take(undefined)).toBe(true)
  return lease
}

test('N1: a lease ends its length after it was taken, also where part of it was spent suspended', async () => {
  for (const suspendedMs of [0, 1, 499]) {
    const clock = new PartingClock()
    const lease = await leased(clock)
    clock.suspendedMs = suspendedMs
    clock.monotonicMs += lengthMs - suspendedMs - 1
    expect(lease.holds, `${suspendedMs} ms`).toBe(true)
    clock.monotonicMs += 1
    expect(lease.holds, `${suspendedMs} ms`).toBe(false)
  }
})

test('N1, N2: a wall clock that goes back does not make it longer; one that jumps far ends it', async () => {
  const clock = new PartingClock()
  const [lease, other] = [await leased(clock), await leased(clock)]
  clock.suspendedMs = -400
  clock.monotonicMs += lengthMs - 1
  expect(lease.holds).toBe(true)
  clock.monotonicMs += 1
  expect(lease.holds).toBe(false)
  clock.monotonicMs -= lengthMs
  clock.suspendedMs = 501
  expect(other.holds).toBe(false)
})

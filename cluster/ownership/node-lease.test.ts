import { expect, test } from 'vitest'
import { ActorError, type Clock } from '../../runtime/index.js'
import { MemoryRegister, VirtualClock } from '../../runtime/testing/index.js'
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

test('N3: for how long it has held counts from its last break, however often it was renewed', async () => {
  const clock = new VirtualClock()
  const register = new MemoryRegister()
  let isAway = false
  const renewLease = register.renewLease.bind(register)
  register.renewLease = (lease) =>
    isAway ? Promise.reject(new ActorError('STORE_UNAVAILABLE', 'no answer')) : renewLease(lease)
  const lease = new NodeLease(register, clock, defaultLeaseLimits, me, () => undefined)
  expect(lease.heldForMs).toBeUndefined()
  expect(await lease.take(undefined)).toBe(true)
  await clock.advance(lengthMs * 4)
  expect(lease.heldForMs).toBe(lengthMs * 4)
  isAway = true
  await clock.advance(lengthMs - 1)
  expect(lease.heldForMs).toBe(lengthMs * 5 - 1)
  await clock.advance(lengthMs)
  expect(lease.heldForMs).toBeUndefined()
  isAway = false
  await clock.advance(lengthMs)
  expect(lease.heldForMs).toBeGreaterThan(0)
  expect(lease.heldForMs).toBeLessThan(lengthMs)
  lease.stop()
  expect(lease.heldForMs).toBeUndefined()
})

import { expect, test } from 'vitest'
import { User } from '../../actors/user/contract.js'
import type { ErrorCode } from '../../runtime/index.js'
import { VirtualClock } from '../../runtime/testing/index.js'
import { FakeSystem, failed, refused } from '../testing/fake-system.js'
import { ActorCalls } from './actor-calls.js'

function rig(errors: readonly unknown[]) {
  const clock = new VirtualClock()
  const left = [...errors]
  const system = new FakeSystem().stub(User, () => ({
    lane: () => {
      if (left.length > 0) throw left.shift()
      return 7
    },
  }))
  const calls = new ActorCalls(system, clock)
  const scope = { deadlineMs: clock.now() + 5000, traceId: 'trace' }
  const answer = calls.ref(User, 5, scope).lane('g1' as never)
  answer.catch(() => {})
  return { clock, system, answer }
}

const many = (code: ErrorCode) => Array.from({ length: 100 }, () => failed(code))

test('A1: an unknown outcome is asked for again, with the same arguments, until it is known', async () => {
  const { clock, system, answer } = rig([failed('OUTCOME_UNKNOWN'), failed('OUTCOME_UNKNOWN')])
  await clock.advance(1000)
  expect(await answer).toBe(7)
  expect(system.calls).toHaveLength(3)
  expect(new Set(system.calls.map(({ args }) => JSON.stringify(args))).size).toBe(1)
})

test('A1: it is still asked for after the deadline, with time of its own, and then given up', async () => {
  const { clock, system, answer } = rig(many('OUTCOME_UNKNOWN'))
  await clock.advance(20_000)
  await expect(answer).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' })
  const deadlines = system.calls.map(({ options }) => options.deadlineMs!)
  expect(Math.max(...deadlines) - deadlines[0]!).toBe(4000)
  expect(system.calls.length).toBeLessThan(25)
})

test('A2: a call that found its actor moving is made again until the deadline', async () => {
  const moved = rig([failed('NOT_OWNER'), failed('OVERTAKEN')])
  await moved.clock.advance(1000)
  expect(await moved.answer).toBe(7)
  const lost = rig(many('NOT_OWNER'))
  const startedMs = lost.clock.now()
  await lost.clock.advance(20_000)
  await expect(lost.answer).rejects.toMatchObject({ code: 'NOT_OWNER' })
  expect(lost.system.calls.at(-1)!.options.deadlineMs! - startedMs).toBe(5000)
})

test.each([refused('MESSAGE_ID_INVALID'), failed('OVERLOADED'), failed('STORE_UNAVAILABLE'), failed('INTERNAL')])(
  'A3: %s is passed on at once',
  async (error) => {
    const { system, answer } = rig([error])
    await expect(answer).rejects.toBe(error)
    expect(system.calls).toHaveLength(1)
  },
)

test('every attempt carries the trace and a deadline that is not later than the call allows', async () => {
  const { system, answer, clock } = rig([])
  await answer
  expect(system.calls[0]!.options).toEqual({ traceId: 'trace', deadlineMs: clock.now() + 5000 })
})

import { beforeEach, expect, test } from 'vitest'
import type { ActorSystem } from '../runtime/index.js'
import { systemRandom } from '../runtime/index.js'
import type { CodeDriver } from './code-delivery.js'
import { withServiceMessage } from './service-message.js'

const DAY_MS = 24 * 3_600_000
const nowMs = 1_800_000_000_000
const code = { phone: '15550001', code: '48151' }

let devices: { activeAtMs: number }[]
let chatFails: boolean
let told: string[]
let driven: string[]
beforeEach(() => {
  devices = []
  chatFails = false
  told = []
  driven = []
})

/** The account's and the service chat's actors, as far as a code concerns them. */
const system = {
  ref: () => ({
    authorizations: async () => devices,
    post: async ({ drafts }: { drafts: readonly { body: Uint8Array }[] }) => {
      if (chatFails) throw new Error('overloaded')
      told.push(Buffer.from(drafts[0]!.body).toString('latin1'))
    },
  }),
} as unknown as ActorSystem

function delivery(costsNothing = false) {
  const driver: CodeDriver = {
    costsNothing,
    async deliver(request) {
      driven.push(request.code)
      return 'sms'
    },
  }
  const clock = { now: () => nowMs, monotonic: () => nowMs, setTimer: () => ({ cancel() {} }) }
  return withServiceMessage(driver, { clock, random: systemRandom, system: () => system })
}

test('a number without an account, or whose account has no device, gets its code from the driver', async () => {
  expect(await delivery().deliver(code)).toBe('sms')
  expect(await delivery().deliver({ ...code, user: 7 })).toBe('sms')
  expect([driven, told]).toEqual([[code.code, code.code], []])
})

test('with a device at hand the message is all, and no text message is paid for', async () => {
  devices = [{ activeAtMs: nowMs - 30 * DAY_MS }, { activeAtMs: nowMs - DAY_MS }]
  expect(await delivery().deliver({ ...code, user: 7 })).toBe('app')
  expect(driven).toEqual([])
  expect(told).toHaveLength(1)
  expect(told[0]).toContain(code.code)
})

test('who asks again gets it from the driver, and no second message', async () => {
  devices = [{ activeAtMs: nowMs }]
  expect(await delivery().deliver({ ...code, user: 7, again: true })).toBe('sms')
  expect([driven, told]).toEqual([[code.code], []])
})

test('devices that lie in a drawer, or a message that cannot be written, leave it to the driver', async () => {
  devices = [{ activeAtMs: nowMs - 8 * DAY_MS }]
  expect(await delivery().deliver({ ...code, user: 7 })).toBe('sms')
  devices = [{ activeAtMs: nowMs }]
  chatFails = true
  expect(await delivery().deliver({ ...code, user: 7 })).toBe('sms')
  expect(driven).toHaveLength(2)
})

test('a driver that costs nothing gets every code', async () => {
  devices = [{ activeAtMs: nowMs }]
  expect(await delivery(true).deliver({ ...code, user: 7 })).toBe('app')
  expect([driven, told.length]).toEqual([[code.code], 1])
})

import { expect, test } from 'vitest'
import { failed, refused } from '../testing/fake-system.js'
import { answerFor, apiError } from './errors.js'

test.each([
  ['MESSAGE_ID_INVALID', 400],
  ['AUTH_KEY_UNREGISTERED', 401],
  ['CHAT_WRITE_FORBIDDEN', 403],
  ['FRESH_RESET_AUTHORISATION_FORBIDDEN', 406],
  ['FLOOD_WAIT_30', 420],
  ['SLOWMODE_WAIT_5', 420],
  ['PHONE_MIGRATE_4', 303],
])('a refusal %s is answered with %i', (reason, code) => {
  expect(answerFor(refused(reason))).toMatchObject({ code, message: reason })
})

test.each([
  ['OVERLOADED', 2500, 'FLOOD_WAIT_3'],
  ['OVERLOADED', 600_000, 'FLOOD_WAIT_10'],
  ['OVERLOADED', undefined, 'FLOOD_WAIT_1'],
  ['STORE_UNAVAILABLE', 400, 'FLOOD_WAIT_1'],
  ['DEADLINE_EXCEEDED', undefined, 'FLOOD_WAIT_1'],
  ['NOT_OWNER', undefined, 'FLOOD_WAIT_1'],
  ['OVERTAKEN', undefined, 'FLOOD_WAIT_1'],
  ['STOPPED', undefined, 'FLOOD_WAIT_3'],
  ['OUTCOME_UNKNOWN', undefined, 'FLOOD_WAIT_3'],
] as const)('%s (again after %s ms) lets the client sleep: %s', (code, retryAfterMs, message) => {
  expect(answerFor(failed(code, retryAfterMs))).toMatchObject({ code: 420, message })
})

test.each(['CALL_CYCLE', 'CORRUPT', 'INTERNAL'] as const)('%s is a fault of ours, not of the client', (code) => {
  expect(answerFor(failed(code))).toBeUndefined()
})

test('what is no error text never reaches a client', () => {
  expect(answerFor(refused('no such row in table 7'))).toBeUndefined()
  expect(answerFor(new TypeError('x is undefined'))).toBeUndefined()
})

test('an error of the API itself passes as it is', () => {
  const error = apiError('PEER_ID_INVALID')
  expect(answerFor(error)).toBe(error)
})

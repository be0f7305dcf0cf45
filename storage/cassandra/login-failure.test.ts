import cassandra from 'cassandra-driver'
import { expect, test } from 'vitest'
import { loginFailure, readFailure } from './failures.js'

const { ArgumentError, AuthenticationError, NoHostAvailableError, OperationTimedOutError } = cassandra.errors
const none = (inner: Record<string, Error>) => readFailure(new NoHostAvailableError(inner, 'all were tried'))

test('a wrong data centre, user or password is refused with the cure, and is not waited for', () => {
  const wrong = readFailure(new ArgumentError("localDataCenter was configured as 'dc9'"))
  expect(loginFailure(wrong)).toMatchObject({
    code: 'REFUSED',
    details: { reason: 'BAD_LOGIN' },
    message: expect.stringMatching(/'dc9'.*check dc=, the user and the password/),
  })
  expect(loginFailure(none({ a: new AuthenticationError('bad credentials') }))?.message).toContain('bad credentials')
})

test('a node that does not answer is waited for', () => {
  const silent = new OperationTimedOutError('no answer')
  expect(loginFailure(none({ a: new AuthenticationError('bad'), b: silent }))).toBeUndefined()
  expect(loginFailure(none({}))).toBeUndefined()
})

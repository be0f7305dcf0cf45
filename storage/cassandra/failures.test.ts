import cassandra from 'cassandra-driver'
import { expect, test } from 'vitest'
import { readFailure, writeFailure } from './failures.js'

const { BusyConnectionError, NoHostAvailableError, OperationTimedOutError, ResponseError } = cassandra.errors
const codes = cassandra.types.responseErrorCodes
const none = (...inner: Error[]) => new NoHostAvailableError(Object.fromEntries(inner.entries()), 'all were tried')
const told = (error: { code: string; details: { reason?: string } }) => [error.code, error.details.reason]

test('S5: a write that no node has begun is told from one whose outcome nobody knows', () => {
  expect(told(writeFailure(none(new Error('ECONNREFUSED'))))).toEqual(['STORE_UNAVAILABLE', undefined])
  const tooFew = new ResponseError(codes.unavailableException, 'one of two')
  expect(told(writeFailure(tooFew))).toEqual(['STORE_UNAVAILABLE', undefined])
  for (const late of [new OperationTimedOutError('silence'), new ResponseError(codes.writeTimeout, 'one of two')]) {
    expect(told(writeFailure(late))).toEqual(['OUTCOME_UNKNOWN', undefined])
    expect(told(readFailure(late))).toEqual(['STORE_UNAVAILABLE', undefined])
  }
})

test('nodes that are busy are told from nodes that are away', () => {
  const busy = [new ResponseError(codes.overloaded, 'too much'), new BusyConnectionError('10.0.0.1', 512, 1)]
  for (const error of [...busy, none(...busy)]) {
    expect(told(readFailure(error))).toEqual(['STORE_UNAVAILABLE', 'OVERLOADED'])
    expect(told(writeFailure(error))).toEqual(['STORE_UNAVAILABLE', 'OVERLOADED'])
  }
})

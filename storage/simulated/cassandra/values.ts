import cassandra from 'cassandra-driver'
import type { Parameter } from '../../cassandra/session.js'

const { Long } = cassandra.types

export type Literal = number | boolean | string

/**
 * A value as a replica holds it: longs and dates are numbers, lists of tuples what they were given as. Longs beyond 2^53
 * are refused, as no simulation counts that far.
 */
export type Value = Literal | Buffer | readonly unknown[]

/** A parameter as a column of this type holds it. */
export function toValue(parameter: Exclude<Parameter, undefined>, type: string): Value {
  if (type === 'bigint') {
    const number = Long.isLong(parameter) ? (parameter as cassandra.types.Long).toNumber() : parameter
    if (!Number.isSafeInteger(number)) throw new TypeError(`${String(parameter)} is no bigint that is simulated`)
    return number as number
  }
  if (type === 'int' && Number.isSafeInteger(parameter)) return parameter as number
  if (type === 'timestamp' && parameter instanceof Date) return parameter.getTime()
  if (type === 'blob' && Buffer.isBuffer(parameter)) return Buffer.from(parameter)
  if (type === 'text' && typeof parameter === 'string') return parameter
  if (type === 'boolean' && typeof parameter === 'boolean') return parameter
  if (type.includes('list<') && Array.isArray(parameter)) return [...parameter]
  throw new TypeError(`${String(parameter)} is no ${type}`)
}

/** A value as the driver returns it: an empty list is null, as is what is not there. */
export function fromValue(value: Value | undefined, type: string): unknown {
  if (value === undefined) return null
  if (type === 'bigint') return Long.fromNumber(value as number)
  if (type === 'timestamp') return new Date(value as number)
  if (type === 'blob') return Buffer.from(value as Buffer)
  if (Array.isArray(value)) return value.length === 0 ? null : [...value]
  return value
}

/** Cassandra's order: numbers by size, texts by their bytes. */
export function compareValues(a: Value, b: Value): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  if (typeof a === 'string' && typeof b === 'string') return compareTexts(a, b)
  if (Buffer.isBuffer(a) && Buffer.isBuffer(b)) return Buffer.compare(a, b)
  return compareTexts(JSON.stringify(a), JSON.stringify(b))
}

/** As their UTF-8 would: JavaScript's own order differs from that above U+D7FF only. */
function compareTexts(a: string, b: string): number {
  if (a === b) return 0
  if (/[\ud800-\uffff]/.test(a + b)) return Buffer.compare(Buffer.from(a), Buffer.from(b))
  return a < b ? -1 : 1
}

import type { Random } from '../../../runtime/index.js'

/** The server's proof of work: a product of two primes that the client has to split. */
export interface Factors {
  /** 8 bytes, big-endian, below 2^63, as some clients insist. */
  readonly pq: Buffer
  /** 4 bytes each, p < q. */
  readonly p: Buffer
  readonly q: Buffer
}

const MIN_PRIME = 2 ** 30
const MAX_DIVISOR = 2 ** 15.5

let divisors: number[] | undefined

/** Two distinct primes of 31 bits and their product. */
export function makeFactors(random: Random): Factors {
  const one = randomPrime(random)
  let other = one
  while (other === one) other = randomPrime(random)
  const pq = Buffer.allocUnsafe(8)
  pq.writeBigUInt64BE(BigInt(one) * BigInt(other))
  return { pq, p: word(Math.min(one, other)), q: word(Math.max(one, other)) }
}

function word(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeUInt32BE(value)
  return bytes
}

function randomPrime(random: Random): number {
  for (;;) {
    const candidate = MIN_PRIME + random.int(MIN_PRIME / 2) * 2 + 1
    if (isPrime(candidate)) return candidate
  }
}

function isPrime(candidate: number): boolean {
  divisors ??= oddPrimesUpTo(MAX_DIVISOR)
  return hasNoDivisor(candidate, divisors)
}

function hasNoDivisor(candidate: number, primes: readonly number[]): boolean {
  for (const prime of primes) {
    if (prime * prime > candidate) return true
    if (candidate % prime === 0) return false
  }
  return true
}

function oddPrimesUpTo(max: number): number[] {
  const primes: number[] = []
  for (let i = 3; i <= max; i += 2) if (hasNoDivisor(i, primes)) primes.push(i)
  return primes
}

import type { Address } from './server-process.js'

/** What a client has to know of a server; a `ServerProcess` is one, and a `Cable` before it. */
export interface ClientTarget {
  readonly mtproto: Address
  readonly http: Address
  /** PKCS#1 PEM. */
  readonly publicKeyPem: string
}

/** Which listener of the server a client uses: MTProto over TCP, or over WebSocket on the HTTP port. */
export type ClientTransport = 'tcp' | 'ws'

const dc = 2

/** The test number `99966XYYYY` of account `account` (0 to 9999) at data centre 2; its login code is `testCode`. */
export function testPhone(account: number): string {
  if (!Number.isInteger(account) || account < 0 || account > 9999) throw new RangeError(`No test number ${account}`)
  return `99966${dc}${String(account).padStart(4, '0')}`
}

/** The login code of every test number: the digit of the data centre five times. */
export const testCode = String(dc).repeat(5)

import { createPublicKey } from 'node:crypto'
import type { Endpoint } from './listening-file.js'

/** The server's key, as clients must know it. */
export interface PublicKey {
  /** PKCS#1 PEM. */
  readonly publicPem: string
  /** 16 hexadecimal digits. */
  readonly fingerprintHex: string
}

/** All that a newcomer needs to connect; what the banner and the status page tell. */
export interface ConnectionGuide {
  readonly version: string
  /** Where clients dial: the advertised address. */
  readonly mtproto: Endpoint
  /** `http://host:port/` of the status page, with its slash. */
  readonly pageUrl: string
  /** `ws://host:port/apiws`. */
  readonly webSocketUrl: string
  readonly key: PublicKey
  readonly testNumbers: boolean
  /** How codes of other numbers arrive. */
  readonly codesArriveBy: 'console' | 'webhook'
}

/** A host as it stands in a URL: IPv6 in brackets. */
export function urlHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}

/** One sentence on how to log in. */
export function loginAdvice({ testNumbers, codesArriveBy }: ConnectionGuide): string {
  const other = codesArriveBy === 'console' ? 'the code is printed on the terminal' : 'the code goes to the webhook'
  return testNumbers
    ? `test number 99966 2 YYYY (any four digits) with the code 22222; any other number: ${other}`
    : `any number: ${other}`
}

/** A whole program for mtcute, run by a test as it stands on the page. */
export function mtcuteProgram({ mtproto, key, testNumbers }: ConnectionGuide): string {
  return `import { addPublicKey } from '@mtcute/core/utils.js'
import { MemoryStorage, TelegramClient } from '@mtcute/node'
import { NodeCryptoProvider } from '@mtcute/node/utils.js'

const crypto = new NodeCryptoProvider()
await crypto.initialize()
addPublicKey(crypto, \`${key.publicPem.trim()}\`)

const dc = { id: 2, ipAddress: '${mtproto.host}', port: ${mtproto.port} }
const client = new TelegramClient({
  apiId: 1, apiHash: 'any', storage: new MemoryStorage(), crypto, defaultDcs: { main: dc, media: dc },
})
const me = await client.start(${testNumbers ? "{ phone: '+9996620001', code: '22222' }" : askingMtcute})
console.log('Logged in as', me.displayName)
`
}

const askingMtcute = "{ phone: () => client.input('Phone > '), code: () => client.input('Code > ') }"

/** A whole program for GramJS, run by a test as it stands on the page. */
export function gramjsProgram({ mtproto, key, testNumbers }: ConnectionGuide): string {
  const { decimalFingerprint, modulus } = gramjsKey(key)
  const login = testNumbers
    ? "phoneNumber: '9996620002', phoneCode: async () => '22222', onError: console.error"
    : "phoneNumber: () => ask('Phone > '), phoneCode: () => ask('Code > '), onError: console.error"
  const ask = testNumbers ? '' : askingGramjs
  return `import bigInt from 'big-integer'
import { TelegramClient } from 'telegram'
import { _serverKeys } from 'telegram/crypto/RSA.js'
import { ConnectionTCPFull } from 'telegram/network/connection/index.js'
import { StringSession } from 'telegram/sessions/index.js'
${ask}
_serverKeys.set('${decimalFingerprint}', { e: 65537, n: bigInt('${modulus}', 36) })

class Connection extends ConnectionTCPFull {
  constructor(options) { super({ ...options, port: ${mtproto.port} }) } // the library would dial 80 or 443
}
const session = new StringSession('')
session.setDC(2, '${mtproto.host}', 443) // saved as a signed 16-bit number; the connection dials its own port
const client = new TelegramClient(session, 1, 'any', { connection: Connection })
await client.start({ ${login} })
console.log('Logged in as', (await client.getMe()).firstName)
`
}

const askingGramjs = `import { createInterface } from 'node:readline/promises'

const { stdin: input, stdout: output } = process
const ask = (question) => createInterface({ input, output }).question(question)
`

/** The key in the shapes of that library: a signed decimal fingerprint, the modulus in as few digits as it reads. */
function gramjsKey({ publicPem, fingerprintHex }: PublicKey): { decimalFingerprint: string; modulus: string } {
  const { n = '' } = createPublicKey(publicPem).export({ format: 'jwk' })
  return {
    decimalFingerprint: BigInt.asIntN(64, BigInt(`0x${fingerprintHex}`)).toString(),
    modulus: BigInt(`0x${Buffer.from(n, 'base64url').toString('hex')}`).toString(36),
  }
}

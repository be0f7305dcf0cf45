import { createHash, createPublicKey } from 'node:crypto'
import bigInt from 'big-integer'
import { TelegramClient } from 'telegram'
import { _serverKeys } from 'telegram/crypto/RSA.js'
import { Logger, PromisedNetSockets, PromisedWebSockets } from 'telegram/extensions/index.js'
import { LogLevel } from 'telegram/extensions/Logger.js'
import { ConnectionTCPAbridged, ConnectionTCPFull, ConnectionTCPObfuscated } from 'telegram/network/connection/index.js'
import { StringSession } from 'telegram/sessions/index.js'
import { type ClientTarget, type ClientTransport, testCode } from './login.js'

export interface GramjsOptions {
  readonly phone: string
  readonly transport?: ClientTransport
  /** What `client.session.save()` gave, to come back as the same device; without it, a new device. */
  readonly session?: string
  /** Which framing it speaks over TCP; `full`, the library's default, unless told. Over WebSocket it is obfuscated. */
  readonly framing?: keyof typeof connections
}

/** An unmodified GramJS client, logged in with a test number. End it with `client.destroy()`. */
export async function gramjsClient(server: ClientTarget, options: GramjsOptions): Promise<TelegramClient> {
  const client = gramjsGuest(server, options)
  let failure: Error | undefined
  await client.start({
    phoneNumber: options.phone,
    phoneCode: async () => testCode,
    onError: async (error) => {
      failure = error
      return true
    },
  })
  if (failure !== undefined) throw failure
  return client
}

/** An unmodified GramJS client that is still to be logged in, by its `start`. End it with `client.destroy()`. */
export function gramjsGuest(server: ClientTarget, options: Omit<GramjsOptions, 'phone'> = {}): TelegramClient {
  trustKey(server.publicKeyPem)
  const isWebSocket = options.transport === 'ws'
  const { host, port } = isWebSocket ? server.http : server.mtproto
  const session = new StringSession(options.session ?? '')
  session.setDC(2, host, 443) // saved as a signed 16-bit number; the connection below dials `port`
  return new TelegramClient(session, 1, 'x', {
    connection: withPort(isWebSocket ? ConnectionTCPObfuscated : connections[options.framing ?? 'full'], port),
    networkSocket: isWebSocket ? PromisedWebSockets : PromisedNetSockets,
    baseLogger: new Logger(LogLevel.NONE),
    // Of a second each: a server that comes back on real stores waits out its former lease first.
    connectionRetries: 60,
  })
}

const connections = {
  full: ConnectionTCPFull,
  abridged: ConnectionTCPAbridged,
  obfuscated: ConnectionTCPObfuscated,
}

type ConnectionClass = (typeof connections)[keyof typeof connections]

/** The library always dials 80 or 443; a subclass, which it takes as an option, is how its users choose a port. */
function withPort(base: ConnectionClass, port: number): ConnectionClass {
  const Base = base as typeof ConnectionTCPFull
  return class extends Base {
    constructor(options: ConstructorParameters<typeof ConnectionTCPFull>[0]) {
      super({ ...options, port })
    }
  }
}

/** The library's table of server keys, by fingerprint: the last 8 bytes of the SHA-1 of (n, e) as TL bytes, signed. */
function trustKey(publicKeyPem: string): void {
  const { n = '', e = '' } = createPublicKey(publicKeyPem).export({ format: 'jwk' })
  const modulus = Buffer.from(n, 'base64url')
  const digest = createHash('sha1')
    .update(tlBytes(modulus))
    .update(tlBytes(Buffer.from(e, 'base64url')))
    .digest()
  const key = { n: bigInt(modulus.toString('hex'), 16), e: 65_537 }
  _serverKeys.set(digest.readBigInt64LE(12).toString(), key)
}

function tlBytes(bytes: Buffer): Buffer {
  const head = bytes.length < 254 ? [bytes.length] : [254, bytes.length & 255, (bytes.length >> 8) & 255, 0]
  const padding = (4 - ((head.length + bytes.length) % 4)) % 4
  return Buffer.concat([Buffer.from(head), bytes, Buffer.alloc(padding)])
}

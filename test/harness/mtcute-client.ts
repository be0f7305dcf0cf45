import { connectWs } from '@fuman/net'
import { IntermediatePacketCodec, ObfuscatedPacketCodec, type TelegramTransport } from '@mtcute/core'
import { addPublicKey } from '@mtcute/core/utils.js'
import { MemoryStorage, TelegramClient, type TelegramClientOptions } from '@mtcute/node'
import { NodeCryptoProvider } from '@mtcute/node/utils.js'
import WebSocket from 'ws'
import { type ClientTarget, type ClientTransport, testCode } from './login.js'
import { waitUntil } from './wait-until.js'

export interface MtcuteOptions {
  readonly phone: string
  /** The account takes it after the login. */
  readonly username?: string
  readonly transport?: ClientTransport
  /** Keeps the auth key and the update state, to come back as the same device; a new one is a new device. */
  readonly storage?: MemoryStorage
  /** More options of the library, as its users would set them. */
  readonly client?: Partial<TelegramClientOptions>
}

const crypto = new NodeCryptoProvider()

/**
 * An unmodified mtcute client, logged in with a test number, its updates loop running.
 * End it with `client.destroy()`.
 */
export async function mtcuteClient(server: ClientTarget, options: MtcuteOptions): Promise<TelegramClient> {
  const client = await mtcuteGuest(server, options)
  try {
    await client.start({ phone: `+${options.phone}`, code: testCode, codeSentCallback: () => {} })
    if (!options.client?.disableUpdates) await waitUntil('the updates loop runs', () => hearsUpdates(client))
    if (options.username !== undefined) await client.setMyUsername(options.username)
  } catch (error) {
    await client.destroy()
    throw error
  }
  return client
}

/**
 * The library starts its updates loop behind `start`, and drops what it is told before it has asked for its state. It
 * says nowhere when that is over: a test that would know looks into it.
 */
export function hearsUpdates(client: TelegramClient): boolean {
  const inside = client as unknown as { _client: { updates?: { updatesLoopActive: boolean } } }
  return inside._client.updates?.updatesLoopActive === true
}

/** An unmodified mtcute client that nobody has logged in. End it with `client.destroy()`. */
export async function mtcuteGuest(
  server: ClientTarget,
  options: Omit<MtcuteOptions, 'phone' | 'username'> = {},
): Promise<TelegramClient> {
  await crypto.initialize()
  addPublicKey(crypto, server.publicKeyPem)
  const { host, port } = options.transport === 'ws' ? server.http : server.mtproto
  const dc = { id: 2, ipAddress: host, port }
  return new TelegramClient({
    apiId: 1,
    apiHash: 'x',
    crypto,
    storage: options.storage ?? new MemoryStorage(),
    defaultDcs: { main: dc, media: { ...dc, mediaOnly: true } },
    logLevel: 1,
    ...(options.transport === 'ws' ? { transport: webSocketTransport } : {}),
    ...options.client,
  })
}

const webSocketTransport: TelegramTransport = {
  connect: (dc) =>
    connectWs({
      url: `ws://${dc.ipAddress}:${dc.port}/apiws`,
      implementation: WebSocket as unknown as typeof globalThis.WebSocket,
      protocols: 'binary',
    }),
  packetCodec: () => new ObfuscatedPacketCodec(new IntermediatePacketCodec()),
}

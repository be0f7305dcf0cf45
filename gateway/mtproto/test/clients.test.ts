import { createRequire } from 'node:module'
import { connectWs } from '@fuman/net'
import {
  IntermediatePacketCodec,
  type IPacketCodec,
  Long,
  ObfuscatedPacketCodec,
  PaddedIntermediatePacketCodec,
  type TelegramTransport,
} from '@mtcute/core'
import { addPublicKey } from '@mtcute/core/utils.js'
import { MemoryStorage, TcpTransport, TelegramClient } from '@mtcute/node'
import { NodeCryptoProvider } from '@mtcute/node/utils.js'
import bigInt from 'big-integer'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import WebSocket from 'ws'
import { longToBigInt } from '../../tl/long.js'
import { serverKey, startTestGateway, type TestGateway } from './test-gateway.js'

const require = createRequire(import.meta.url)

let server: TestGateway
beforeAll(async () => {
  server = await startTestGateway()
})
afterAll(async () => {
  await server.close()
  expect(server.complaints).toEqual([])
})

describe('unmodified mtcute', () => {
  const codecs: [string, () => IPacketCodec][] = [
    ['intermediate', () => new IntermediatePacketCodec()],
    ['padded', () => new PaddedIntermediatePacketCodec()],
    ['obfuscated intermediate', () => new ObfuscatedPacketCodec(new IntermediatePacketCodec())],
    ['obfuscated padded', () => new ObfuscatedPacketCodec(new PaddedIntermediatePacketCodec())],
  ]

  test.each(codecs)('over TCP, %s: handshake, calls, an error', async (_name, codec) => {
    const transport = new TcpTransport()
    transport.packetCodec = codec as typeof transport.packetCodec
    await converse(transport, server.tcp.port, false)
  })

  test('over WebSocket', async () => {
    await converse(webSocketTransport(), server.http.port, false)
  })

  test('with perfect forward secrecy, over TCP and WebSocket', async () => {
    await converse(new TcpTransport(), server.tcp.port, true)
    await converse(webSocketTransport(), server.http.port, true)
  })

  async function converse(transport: TelegramTransport, port: number, usePfs: boolean) {
    const crypto = new NodeCryptoProvider()
    await crypto.initialize()
    addPublicKey(crypto, serverKey.publicPem)
    const dc = { id: 2, ipAddress: '127.0.0.1', port }
    const client = new TelegramClient({
      apiId: 1,
      apiHash: 'x',
      storage: new MemoryStorage(),
      crypto,
      transport,
      defaultDcs: { main: dc, media: { ...dc, mediaOnly: true } },
      disableUpdates: true,
      network: { usePfs },
      logLevel: 1,
    })
    try {
      const nearest = await client.call({ _: 'help.getNearestDc' })
      expect(nearest.country).toBe('XX')
      expect((await client.call({ _: 'help.getConfig' })).dcOptions.length).toBe(1)
      const ids = await client.call({ _: 'contacts.getContactIDs', hash: Long.ZERO })
      expect(ids).toEqual([1, 2, 3])
      await expect(client.call({ _: 'account.getPassword' })).rejects.toThrow(/METHOD_NOT_IMPLEMENTED/)
      const many = await Promise.all(Array.from({ length: 100 }, () => client.call({ _: 'help.getNearestDc' })))
      expect(many.length).toBe(100)
    } finally {
      await client.destroy()
    }
  }

  function webSocketTransport(): TelegramTransport {
    return {
      connect: (dc) =>
        connectWs({
          url: `ws://${dc.ipAddress}:${dc.port}/apiws`,
          implementation: WebSocket as never,
          protocols: 'binary',
        }),
      packetCodec: () => new ObfuscatedPacketCodec(new IntermediatePacketCodec()),
    } as TelegramTransport
  }
})

describe('unmodified GramJS', () => {
  const { TelegramClient: GramClient, Api } = require('telegram')
  const { StringSession } = require('telegram/sessions')
  const { _serverKeys } = require('telegram/crypto/RSA')
  const { Logger, PromisedNetSockets, PromisedWebSockets } = require('telegram/extensions')
  const connections = require('telegram/network/connection')

  test.each([
    ['full', 'ConnectionTCPFull', false],
    ['abridged', 'ConnectionTCPAbridged', false],
    ['obfuscated', 'ConnectionTCPObfuscated', false],
    ['obfuscated over WebSocket', 'ConnectionTCPObfuscated', true],
  ])('%s: handshake, calls, an error', async (_name, connection, overWebSocket) => {
    trustServerKey()
    const port = overWebSocket ? server.http.port : server.tcp.port
    const Base = connections[connection]
    class OnPort extends Base {
      constructor(options: object) {
        super({ ...options, port })
      }
    }
    const session = new StringSession('')
    // It stores the port in 15 bits, and uses it nowhere.
    session.setDC(2, '127.0.0.1', 443)
    const client = new GramClient(session, 1, 'x', {
      connection: OnPort,
      networkSocket: overWebSocket ? PromisedWebSockets : PromisedNetSockets,
      baseLogger: new Logger('none'),
      connectionRetries: 2,
    })
    try {
      await client.connect()
      const nearest = await client.invoke(new Api.help.GetNearestDc())
      expect(nearest.country).toBe('XX')
      await expect(client.invoke(new Api.account.GetPassword())).rejects.toThrow(/METHOD_NOT_IMPLEMENTED/)
      const many = await Promise.all(Array.from({ length: 50 }, () => client.invoke(new Api.help.GetConfig())))
      expect(many.length).toBe(50)
    } finally {
      await client.destroy()
    }
  })

  function trustServerKey() {
    const { createPublicKey } = require('node:crypto')
    const { n } = createPublicKey(serverKey.privateKey).export({ format: 'jwk' })
    const modulus = bigInt(Buffer.from(n, 'base64url').toString('hex'), 16)
    _serverKeys.set(longToBigInt(serverKey.fingerprint).toString(), { n: modulus, e: 65537 })
  }
})

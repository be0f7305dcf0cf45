/** A browser on a LAN needs TLS: WebSocket and the pages over it, and MTProto over TCP beside it as ever. */
import { readFileSync } from 'node:fs'
import { get } from 'node:https'
import { fileURLToPath } from 'node:url'
import { connectWs } from '@fuman/net'
import { IntermediatePacketCodec, ObfuscatedPacketCodec, type TelegramTransport } from '@mtcute/core'
import { expect, test } from 'vitest'
import WebSocket from 'ws'
import { mtcuteDevice } from './mtcute-device.js'
import { stage, told } from './stage.js'

const certificate = new URL('../../gateway/mtproto/test/tls/one.cert.pem', import.meta.url)
const ca = readFileSync(certificate)
const on = stage({
  env: {
    HELIOGRAPH_TLS_CERT_FILE: fileURLToPath(certificate),
    HELIOGRAPH_TLS_KEY_FILE: fileURLToPath(new URL('one.key.pem', certificate)),
  },
})

test('a client over WebSocket with TLS talks with one over TCP', async () => {
  const { host, port } = on.server.http
  const transport: TelegramTransport = {
    connect: () =>
      connectWs({
        url: `wss://${host}:${port}/apiws`,
        implementation: TrustingWebSocket as unknown as typeof globalThis.WebSocket,
        protocols: 'binary',
      }),
    packetCodec: () => new ObfuscatedPacketCodec(new IntermediatePacketCodec()),
  }
  const secure = on.keep(await mtcuteDevice(on.server, { phone: on.newPhone(), client: { transport } }))
  const plain = await on.gramjs()
  await plain.setUsername('over_tcp')
  await secure.setUsername('over_tls')
  await secure.send('over_tcp', 'sealed')
  await told(plain, 'message', ({ message }) => message.text === 'sealed' && message.from === secure.self)
  await plain.send('over_tls', 'heard')
  await told(secure, 'message', ({ message }) => message.text === 'heard')
  expect(await statusOf(`https://${host}:${port}/healthz`)).toBe(200)
})

class TrustingWebSocket extends WebSocket {
  constructor(url: string, protocols: string) {
    super(url, protocols, { ca })
  }
}

function statusOf(url: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    get(url, { ca }, (response) => resolve(response.resume().statusCode)).on('error', reject)
  })
}

import { readFileSync } from 'node:fs'
import { addPublicKey } from '@mtcute/core/utils.js'
import { MemoryStorage, TelegramClient } from '@mtcute/node'
import { NodeCryptoProvider } from '@mtcute/node/utils.js'

const data = process.argv[2] ?? 'data'
const crypto = new NodeCryptoProvider()
await crypto.initialize()
addPublicKey(crypto, readFileSync(`${data}/server-key.pub.pem`, 'utf8'))
const { host, port } = JSON.parse(readFileSync(`${data}/listening.json`, 'utf8')).mtproto
const dc = { id: 2, ipAddress: host, port }
const options = { apiId: 1, apiHash: 'any', crypto, defaultDcs: { main: dc, media: dc } }
const [alice, bob] = [0, 1].map(() => new TelegramClient({ ...options, storage: new MemoryStorage() }))
await bob.start({ phone: '+9996620002', code: '22222' })
await alice.start({ phone: '+9996620001', code: '22222' })
const arrived = new Promise((resolve) => bob.onNewMessage.add(resolve))
const peer = await alice.resolvePhoneNumber('+9996620002')
await alice.sendText(peer, 'Hello from mtcute')
console.log('Bob got:', (await arrived).text)
await Promise.all([alice.destroy(), bob.destroy()])
